"""Provenance of the numbers of a report: code, versions, hardware, images."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.store.record import RunRecord
    from bench.store.results import Results


@dataclass(frozen=True)
class Origin:
    """The code, versions and hardware that some runs share.

    Args:
        commit: commit of the benchmark.
        versions: versions of Python and the libraries.
        hardware: hardware that they ran on.
        runs: number of runs.
    """

    commit: str
    versions: dict[str, str]
    hardware: dict[str, Any]
    runs: int


@dataclass(frozen=True)
class Provenance:
    """Provenance of the numbers of a report.

    Args:
        origins: origins of all runs.
        code: method, package that contains its file, and hash of the file.
        training: training set and hash of its pixels.
        tests: noise, test set, seed, and hashes of the clean and the noisy pixels.
        lpips: reasons why LPIPS is missing, if it is.
        started: times at which the first and the last run started.
    """

    origins: list[Origin]
    code: list[tuple[str, str, str]]
    training: list[tuple[str, str]]
    tests: list[tuple[str, str, int, str, str]]
    lpips: list[str]
    started: tuple[str, str]


def provenance(results: Results, keys: Iterable[str]) -> Provenance:
    """Collect the provenance of runs.

    Args:
        results: results that contain the runs.
        keys: keys of finished runs.
    """
    records = [results.record(key) for key in sorted(keys)]
    evaluated = [
        (noise, images, record.run.seed, evaluation)
        for record in records
        for noise, sets in record.evaluation.items()
        for images, evaluation in sets.items()
    ]
    tests = {
        (noise, images, seed, evaluation.fingerprint, evaluation.noisy_sha256)
        for noise, images, seed, evaluation in evaluated
    }
    lpips = {evaluation.lpips for *_, evaluation in evaluated} - {"computed"}
    moments = sorted(record.started for record in records)
    return Provenance(
        _origins(records),
        sorted({(record.run.method, record.source.origin, record.source.sha256) for record in records}),
        sorted({(record.run.training_images, record.run.fingerprint) for record in records}),
        sorted(tests),
        sorted(lpips),
        (moments[0], moments[-1]) if moments else ("", ""),
    )


def _origins(records: list[RunRecord]) -> list[Origin]:
    groups: dict[str, list[RunRecord]] = {}
    for record in records:
        made = [record.commit, record.versions, record.hardware.model_dump()]
        groups.setdefault(json.dumps(made, sort_keys=True), []).append(record)
    return [
        Origin(str(first.commit), first.versions, first.hardware.model_dump(), len(rest) + 1)
        for _, (first, *rest) in sorted(groups.items())
    ]

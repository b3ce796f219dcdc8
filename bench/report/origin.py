"""Provenance of the numbers of a report: code, versions, hardware, images."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.store.results import Results


@dataclass(frozen=True)
class Origin:
    """The code, versions and hardware that some runs share.

    Args:
        commit: of the benchmark.
        versions: of Python and the libraries.
        hardware: on which they ran.
        runs: how many.
    """

    commit: str
    versions: dict[str, Any]
    hardware: dict[str, Any]
    runs: int


@dataclass(frozen=True)
class Provenance:
    """Provenance of the numbers of a report.

    Args:
        origins: of all runs.
        code: method, package of its file, and the hash of the file.
        training: training set and the hash of its pixels.
        tests: noise, test set, seed, hash of its pixels, and that of its noisy copies.
        lpips: why LPIPS is missing, where it is.
        started: when the first run started, and the last.
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
        results: with the runs.
        keys: of finished runs.
    """
    facts = [results.facts(key) for key in sorted(keys)]
    evaluated = [
        (noise, images, run["run"]["seed"], one)
        for run in facts
        for noise, sets in run["evaluation"].items()
        for images, one in sets.items()
    ]
    tests = [(*place, one["fingerprint"], one["noisy_sha256"]) for *place, one in evaluated]
    lpips = {one["lpips"] for *_, one in evaluated} - {"computed"}
    moments = sorted(run["started"] for run in facts)
    return Provenance(
        _origins(facts),
        sorted({(run["run"]["method"], run["source"]["origin"], run["source"]["sha256"]) for run in facts}),
        sorted({(run["run"]["training_images"], run["run"]["fingerprint"]) for run in facts}),
        sorted(set(tests)),
        sorted(lpips),
        (moments[0], moments[-1]) if moments else ("", ""),
    )


def _origins(facts: list[dict[str, Any]]) -> list[Origin]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for run in facts:
        made = [run["commit"], run["versions"], run["hardware"]]
        groups.setdefault(json.dumps(made, sort_keys=True), []).append(run)
    return [
        Origin(str(runs[0]["commit"]), runs[0]["versions"], runs[0]["hardware"], len(runs))
        for _, runs in sorted(groups.items())
    ]

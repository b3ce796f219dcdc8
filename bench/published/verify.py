"""Verifying: committed scores against runs made anew."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Literal

from bench.analysis.grouping import by_setup
from bench.errors import InputError
from bench.images.sources import open_set
from bench.noise import NOISES
from bench.published.rerun import (
    _Case,
    _committed,
    _image_sets,
    _own_weights,
    _rebuild,
    _Remade,
    _remake,
    _threads_as_then,
)
from bench.published.retraining import trainings_of
from bench.runs.context import RunContext
from bench.seeds import generator
from bench.system.signals import StopRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    import pandas as pd
    import torch

    from bench.runs.context import Watcher
    from bench.runs.plan import Job
    from bench.store.reference import Reference
    from bench.store.store import Store
    from bench.training.engine import Engine

Outcome = Literal["identical", "reproduced", "not reproduced", "other test noise", "failed"]


@dataclass(frozen=True)
class Verdict:
    """What became of one run's scores on one noise and test set, when they were made anew.

    Args:
        key: of the committed run.
        method: with its hyper-parameters, and whether it is blind.
        noise: the law's name.
        parameter: the law's.
        images: the test set.
        seed: of the run.
        committed: mean PSNR over the set, dB.
        here: likewise, of the run made anew; NaN where that failed.
        difference: ``here - committed``, dB.
        allowed: how far from zero the difference may lie, dB.
        how: ``evaluated``, the committed run's own weights; or ``trained``, by a training of its own.
        changed: what may have moved bits: the names of all that is not as it was in the committed run.
        outcome: ``identical`` where every image has the same PSNR and SSIM to the last bit.
    """

    key: str
    method: str
    noise: str
    parameter: float
    images: str
    seed: int
    committed: float
    here: float
    difference: float
    allowed: float
    how: Literal["trained", "evaluated"]
    changed: tuple[str, ...]
    outcome: Outcome

    @property
    def ok(self) -> bool:
        """Whether the committed score was confirmed."""
        return self.outcome in ("identical", "reproduced")


def verify(
    reference: Reference,
    keys: Sequence[str],
    *,
    retrained: Sequence[Reference],
    store: Store,
    device: torch.device,
    watch: Callable[[list[Job]], AbstractContextManager[Watcher]],
    data: Path | None = None,
    engine: Engine = "eager",
) -> list[Verdict]:
    """Make committed runs anew, and compare their scores.

    Where the store holds a committed run itself, its weights are evaluated anew. Any other run is trained
    under the present protocol, unless the store holds that training already; on the CPU by as many threads
    as then, where there are as many cores, so that the same kind of machine comes back to the last bit. On
    another, float32 sums are rounded otherwise, and a training magnifies that.

    So a mean PSNR may differ as those of other trainings do: by Student's interval of the difference of two
    trainings, whose standard deviation is that of the method on the test set under the same protocol. It is
    pooled over the method's runs that were trained more than once, without the very run; where there are
    none, over committed seeds, with which all noise changes too. The level is such that the honest numbers of
    one call, *all together*, lie within their intervals in 95 % of cases (Bonferroni): the more numbers, the
    wider. This takes a method to scatter alike under every noise.

    Args:
        reference: the committed results.
        keys: of its finished runs.
        retrained: further results, in which runs of the reference were trained once more.
        store: where runs made anew are kept.
        device: where to train and evaluate.
        watch: opens what shows the work, given the jobs; told why a run failed.
        data: the folder of image sets, as for ``open_set``.
        engine: how the steps of a training are launched.

    Returns:
        One verdict for each run, noise and test set. A run that fails does so by itself.

    Raises:
        InputError: before anything is trained: a key is unknown, an image set is not the committed run's, a
            committed run is in the store without its weights, or nothing shows the scatter of its method.
    """
    scores = reference.scores()
    again = {results.folder.name: results.scores() for results in retrained}
    trainings = {setup: trainings_of(lines, again) for setup, lines in by_setup(scores).items()}
    # Runs share their image sets, of which some take seconds to open.
    opened = cache(partial(open_set, data=data))
    stop = StopRequest()
    cases = []
    for key in keys:
        facts, rows = _committed(key, reference, scores)
        weights = _own_weights(store, facts)
        train, tests = _image_sets(facts, rows, opened)
        job = _rebuild(facts, rows, train, device=device)
        context = RunContext(train, tests, device, store, "not needed to verify", engine=engine, stop=stop)
        (setup,) = by_setup(rows)
        scatter = {} if weights else trainings[setup].expected(key)
        cases.append(_Case(facts, rows, job, context, weights, scatter))
    numbers = sum(len(case.numbers) for case in cases if not case.weights)
    verdicts: list[Verdict] = []
    with watch([case.job for case in cases]) as watcher, stop.listening():
        for case in cases:
            with _threads_as_then(case):
                remade = _remake(case, watcher)
            verdicts += _compare(case, remade, numbers=numbers)
    return verdicts


def draw_lot(scores: pd.DataFrame, count: int, *, seed: int) -> list[str]:
    """Draw the keys of ``count`` different runs from their scores; the same seed draws the same runs.

    Raises:
        InputError: ``count`` is below 1 or above the number of runs.
    """
    keys = sorted(set(scores["key"]))
    if not 1 <= count <= len(keys):
        raise InputError(f"the lot can draw 1 to {len(keys)} of these runs, not {count}")
    return [str(key) for key in generator("lot", seed).choice(keys, size=count, replace=False)]


def _compare(case: _Case, remade: _Remade | None, *, numbers: int) -> Iterator[Verdict]:
    """Give one verdict for each noise and test set of a committed run."""
    columns = case.facts["columns"]
    for parameter, images in case.numbers:
        committed = _quality(case.scores, parameter, images)
        here = _quality(remade.scores, parameter, images) if remade else committed * math.nan
        difference = float(here["psnr"].mean() - committed["psnr"].mean())
        allowed = case.allowed(images, numbers=numbers)
        outcome: Outcome
        if not remade:
            outcome = "failed"
        elif _noisy(case.facts, parameter, images) != _noisy(remade.facts, parameter, images):
            outcome = "other test noise"
        elif here.equals(committed):
            outcome = "identical"
        else:
            outcome = "reproduced" if abs(difference) <= allowed else "not reproduced"
        yield Verdict(
            key=case.facts["key"],
            method=columns["method"],
            noise=columns["noise"],
            parameter=parameter,
            images=images,
            seed=columns["seed"],
            committed=float(committed["psnr"].mean()),
            here=float(here["psnr"].mean()),
            difference=difference,
            allowed=allowed,
            how="evaluated" if case.weights else "trained",
            changed=_changed(case.facts, remade.facts) if remade else (),
            outcome=outcome,
        )


def _quality(scores: pd.DataFrame, parameter: float, images: str) -> pd.DataFrame:
    rows = scores[(scores["parameter"] == parameter) & (scores["images"] == images)]
    return rows.set_index("image")[["psnr", "ssim"]].sort_index()


def _noisy(facts: dict[str, Any], parameter: float, images: str) -> str:
    """Give the hash of the noisy test images."""
    spec = NOISES[facts["run"]["noise"]](parameter).spec
    return str(facts["evaluation"][spec][images]["noisy_sha256"])


def _changed(committed: dict[str, Any], here: dict[str, Any]) -> tuple[str, ...]:
    before, after = _circumstances(committed), _circumstances(here)
    return tuple(name for name in before | after if before.get(name) != after.get(name))


def _circumstances(facts: dict[str, Any]) -> dict[str, Any]:
    """Name all that can move a bit of a score."""
    run: dict[str, Any] = facts["run"]
    hardware = facts["hardware"]
    return run | {
        "protocol": facts["protocol"],
        "method source": facts["source"]["sha256"],
        "commit": facts["commit"],
        "device": hardware["name"],
        "threads": hardware["threads"],
        "system": hardware["system"],
        **facts["versions"],
    }

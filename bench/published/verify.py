"""Verify committed scores: repeat the runs and compare."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Literal

from bench.analysis.grouping import by_setup
from bench.errors import InputError
from bench.images.sources import open_set
from bench.noise import NOISES
from bench.published.rerun import open_committed, rerun, same_threads
from bench.published.retraining import training_runs
from bench.runs.context import RunContext
from bench.seeds import generator
from bench.system.signals import StopRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    import pandas as pd
    import torch

    from bench.published.rerun import CommittedRun, Rerun
    from bench.runs.context import Watcher
    from bench.runs.plan import Job
    from bench.store.record import RunRecord
    from bench.store.reference import Reference
    from bench.store.store import Store
    from bench.training.engine import Engine

Outcome = Literal["identical", "reproduced", "not reproduced", "other test noise", "failed"]


@dataclass(frozen=True)
class Verdict:
    """The outcome for one run, noise and test set: was the score reproduced?

    Args:
        key: key of the committed run.
        method: the method with its hyper-parameters, and whether it is blind.
        noise: name of the noise model.
        parameter: parameter of the noise model.
        images: the test set.
        seed: seed of the run.
        committed: mean PSNR over the set, dB.
        here: mean PSNR over the set of the repeated run, dB; NaN if it failed.
        difference: ``here - committed``, dB.
        allowed: largest magnitude of the difference that counts as reproduced, dB.
        how: ``evaluated`` with the committed run's own weights, or ``trained`` again.
        changed: names of all circumstances that may change bits and differ from the committed run.
        outcome: ``identical`` if every image has the same PSNR and SSIM to the last bit.
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
    """Repeat committed runs, and compare their scores.

    If the store holds a committed run itself, its weights are evaluated again. Any other run is trained under
    the current protocol, unless the store holds that training run already; on the CPU with as many threads as
    the committed run, if there are as many cores, so that a machine of the same type gives the same bits.
    Other machines round float32 sums differently, and training amplifies this: see ``CommittedRun.allowed``.

    Args:
        reference: the committed results.
        keys: keys of finished runs in it.
        retrained: further results, with repeated training runs of the reference.
        store: store for the new runs.
        device: the device to train and evaluate on.
        watch: opens a progress display for the given jobs; it receives the reason if a run fails.
        data: the folder of image sets, as for ``open_set``.
        engine: engine that launches training steps.

    Returns:
        One verdict for each run, noise and test set. A run that fails does not stop the others.

    Raises:
        InputError: before anything is trained: a key is unknown, an image set is not the committed run's, a
            committed run is in the store without its weights, or the scatter of its method is not known.
    """
    scores = reference.scores()
    again = {results.folder.name: results.scores() for results in retrained}
    repeated = {setup: training_runs(lines, again) for setup, lines in by_setup(scores).items()}
    # Runs share image sets, and some take seconds to open.
    open_images = cache(partial(open_set, data=data))
    stop = StopRequest()
    make_context = partial(
        RunContext, device=device, store=store, lpips="not needed to verify", engine=engine, stop=stop
    )
    runs = [open_committed(key, reference, scores, repeated, open_images, make_context) for key in keys]
    numbers = sum(len(run.cells) for run in runs if not run.weights)
    verdicts: list[Verdict] = []
    with watch([run.job for run in runs]) as watcher, stop.listening():
        for run in runs:
            with same_threads(run):
                here = rerun(run, watcher)
            verdicts += _verdicts(run, here, numbers=numbers)
    return verdicts


def sample_runs(scores: pd.DataFrame, count: int, *, seed: int) -> list[str]:
    """Draw a random sample of the keys of ``count`` runs; the seed determines the sample.

    Raises:
        InputError: ``count`` is below 1 or above the number of runs.
    """
    keys = sorted(set(scores["key"]))
    if not 1 <= count <= len(keys):
        raise InputError(f"a sample may have 1 to {len(keys)} of these runs, not {count}")
    return [str(key) for key in generator("lot", seed).choice(keys, size=count, replace=False)]


def _verdicts(run: CommittedRun, here: Rerun | None, *, numbers: int) -> Iterator[Verdict]:
    """Return the verdict on each noise and test set of a committed run."""
    settings = run.record.run
    for cell in run.cells:
        parameter, images = cell
        then = _quality(run.scores, parameter, images)
        now = _quality(here.scores, parameter, images) if here else then * math.nan
        difference = float(now["psnr"].mean() - then["psnr"].mean())
        allowed = run.allowed(cell, numbers=numbers)
        outcome: Outcome
        if not here:
            outcome = "failed"
        elif _noisy_hash(run.record, parameter, images) != _noisy_hash(here.record, parameter, images):
            outcome = "other test noise"
        elif now.equals(then):
            outcome = "identical"
        else:
            outcome = "reproduced" if abs(difference) <= allowed else "not reproduced"
        yield Verdict(
            key=run.record.key,
            method=str(run.record.columns["method"]),
            noise=settings.noise,
            parameter=parameter,
            images=images,
            seed=settings.seed,
            committed=float(then["psnr"].mean()),
            here=float(now["psnr"].mean()),
            difference=difference,
            allowed=allowed,
            how="evaluated" if run.weights else "trained",
            changed=_changed(run.record, here.record) if here else (),
            outcome=outcome,
        )


def _quality(scores: pd.DataFrame, parameter: float, images: str) -> pd.DataFrame:
    rows = scores[(scores["parameter"] == parameter) & (scores["images"] == images)]
    return rows.set_index("image")[["psnr", "ssim"]].sort_index()


def _noisy_hash(record: RunRecord, parameter: float, images: str) -> str:
    """Return the hash of the noisy test images."""
    spec = NOISES[record.run.noise](parameter).spec
    return record.evaluation[spec][images].noisy_sha256


def _changed(committed: RunRecord, here: RunRecord) -> tuple[str, ...]:
    before, after = _circumstances(committed), _circumstances(here)
    return tuple(name for name in before | after if before.get(name) != after.get(name))


def _circumstances(record: RunRecord) -> dict[str, Any]:
    """Collect all circumstances that can change a bit of a score."""
    return asdict(record.run) | {
        "protocol": record.protocol,
        "method source": record.source.sha256,
        "system": record.hardware.system,
        **record.circumstances(),
    }

"""Verifying: committed scores against runs made anew."""

from __future__ import annotations

import math
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from bench.denoiser import load_run
from bench.devices import describe, threads
from bench.discovery import source_hash
from bench.errors import InputError, unknown
from bench.evaluation import corrupt, evaluate
from bench.launch import launch
from bench.noise import NOISES
from bench.plan import plan
from bench.provenance import commit, versions
from bench.recipes import Recipe
from bench.running import Bench
from bench.runs import PROTOCOL
from bench.seeds import generator
from bench.sets import open_set
from bench.stopping import Stop
from bench.store import WEIGHTS
from bench.tabulate import by_protocol
from bench.trainings import trainings_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    import torch

    from bench.images import ImageSet
    from bench.plan import Job
    from bench.reference import Reference
    from bench.running import Watcher
    from bench.statistics import Scatter
    from bench.step import Engine
    from bench.store import Store

Outcome = Literal["identical", "reproduced", "not reproduced", "other test noise", "failed"]

SAME_WEIGHTS = 1e-3
"""dB by which scores of the same weights may differ: a tenth of the last digit that tables print.

Processors, libraries and the layout of weights in memory change the order in which float32 numbers are added,
which moves a PSNR by some 1e-5 dB.
"""


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


@dataclass(frozen=True)
class _Case:
    """A committed run, and what it takes to make it anew.

    Args:
        facts: of the committed run.
        scores: its rows.
        job: that trains it anew.
        bench: where that is done.
        weights: the folder of the committed run with its weights, where it is at hand.
        scatter: of its method's trainings, by test set; none where it is not trained.
    """

    facts: dict[str, Any]
    scores: pd.DataFrame
    job: Job
    bench: Bench
    weights: Path | None
    scatter: dict[str, Scatter]

    @property
    def numbers(self) -> list[tuple[float, str]]:
        """The parameter and the test set of each mean PSNR that is compared."""
        cells = self.scores[["parameter", "images"]].drop_duplicates()
        return list(cells.itertuples(index=False, name=None))

    def allowed(self, images: str, *, numbers: int) -> float:
        """Say how far from zero a difference may lie, dB, where ``numbers`` of other trainings must do so."""
        return SAME_WEIGHTS if self.weights else self.scatter[images].retraining(numbers)


@dataclass(frozen=True)
class _Remade:
    """A run made anew: its facts, and its rows with parameter, images, image, psnr and ssim."""

    facts: dict[str, Any]
    scores: pd.DataFrame


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
    trainings = {protocol: trainings_of(lines, again) for protocol, lines in by_protocol(scores).items()}
    # Runs share their image sets, of which some take seconds to open.
    opened = cache(partial(open_set, data=data))
    stop = Stop()
    cases = []
    for key in keys:
        facts, rows = _committed(key, reference, scores)
        weights = _own_weights(store, facts)
        train, tests = _image_sets(facts, rows, opened)
        job = _rebuild(facts, rows, train, device=device)
        bench = Bench(train, tests, device, store, "not needed to verify", engine=engine, stop=stop)
        (protocol,) = by_protocol(rows)
        scatter = {} if weights else trainings[protocol].expected(key)
        cases.append(_Case(facts, rows, job, bench, weights, scatter))
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


def _committed(key: str, reference: Reference, scores: pd.DataFrame) -> tuple[dict[str, Any], pd.DataFrame]:
    rows = scores[scores["key"] == key]
    if rows.empty:
        raise unknown(f"finished run in {str(reference.folder)!r}", key, set(scores["key"]))
    return reference.facts(key), rows


def _own_weights(store: Store, facts: dict[str, Any]) -> Path | None:
    """Find the weights that gave the committed scores, unless they are of a protocol that is gone."""
    key = facts["key"]
    # Another training of the same run has the same key, but neither the same hour nor the same seconds.
    if key not in store or store.facts(key)["columns"] != facts["columns"] or facts["protocol"] != PROTOCOL:
        return None
    folder = store.root / str(key)
    if not (folder / WEIGHTS).is_file():
        raise InputError(
            f"{str(folder)!r} is the committed run {key} without its {WEIGHTS}, so that its scores would be "
            "compared with themselves; name another folder of runs"
        )
    return folder


def _image_sets(
    facts: dict[str, Any], rows: pd.DataFrame, opened: Callable[..., ImageSet]
) -> tuple[ImageSet, tuple[ImageSet, ...]]:
    """Open the training set and the test sets of a run, and see that they are the same as then."""
    run = facts["run"]
    train = opened(run["training_images"], channels=run["channels"])
    _require_same(train, {run["fingerprint"]}, facts["key"])
    tests = []
    for name, lines in rows.groupby("images", sort=False):
        images = opened(name, channels=run["channels"])
        then = {sets[name]["fingerprint"] for sets in facts["evaluation"].values() if name in sets}
        _require_same(images, then, facts["key"])
        if other := {picture.name for picture in images.pictures} ^ set(lines["image"]):
            raise InputError(
                f"the images of {name!r} are not named as when run {facts['key']} was scored: "
                f"{', '.join(sorted(other)[:3])}"
            )
        tests.append(images)
    return train, tuple(tests)


def _require_same(images: ImageSet, fingerprints: set[str], key: str) -> None:
    if fingerprints != {images.fingerprint}:
        then = " and ".join(sorted(fingerprint[:12] for fingerprint in fingerprints))
        raise InputError(
            f"image set {images.name!r} has the fingerprint {images.fingerprint[:12]}, but run {key} was "
            f"made with {then}; only the same pixels can verify it"
        )


def _rebuild(
    facts: dict[str, Any], rows: pd.DataFrame, training_images: ImageSet, *, device: torch.device
) -> Job:
    """Plan a committed run anew."""
    run = facts["run"]
    # All hyper-parameters by name: a default may have changed since.
    chosen = [f"{name}={value}" for name, value in run["hyper_parameters"].items() if value is not None]
    law = NOISES[run["noise"]]
    recipe = Recipe(
        purpose="A committed run anew.",
        train=run["training_images"],
        test=tuple(rows["images"].unique()),
        channels=run["channels"],
        width=run["width"],
        steps=run["steps"],
        batch=run["batch"],
        patch=run["patch"],
        learning_rate=run["learning_rate"],
        methods=(f"{run['method']}:{','.join(chosen)}",),
        noises=tuple(law(parameter).spec for parameter in rows["parameter"].unique()),
        seeds=(run["seed"],),
        lpips=False,
    )
    (job,) = plan(
        recipe,
        training_images,
        device=device,
        precision=run["precision"],
        training_noise=run["training_noise"],
        blind=isinstance(run["parameter"], list),
    )
    return job


def _threads_as_then(case: _Case) -> AbstractContextManager[None]:
    """Compute by as many threads as then: how many there are decides in which order a processor adds."""
    if case.facts["run"]["device"] == case.job.run.device == "cpu":
        return threads(case.facts["hardware"]["threads"])
    return nullcontext()


def _remake(case: _Case, watcher: Watcher) -> _Remade | None:
    """Make a run anew; None where that fails, of which the watcher is told."""
    if case.weights is None:
        if launch([case.job], case.bench, watcher):
            return None
        store = case.bench.store
        return _Remade(store.facts(case.job.key), store.scores([case.job.key]))
    watcher.started(case.job)
    try:
        remade = _evaluate(case, case.weights)
    except Exception as error:  # noqa: BLE001 - whatever one run raises, the others are still of use
        watcher.ended(case.job, f"failed: {error}")
        return None
    watcher.ended(case.job, "scored")
    return remade


def _evaluate(case: _Case, weights: Path) -> _Remade:
    """Score the committed weights anew, whatever scores lie beside them."""
    device = case.bench.device
    denoiser = load_run(weights, device=device)
    rows = []
    evaluation: dict[str, dict[str, Any]] = {}
    for noise in case.job.tests:
        for images in case.bench.test_images:
            noisy = corrupt(images, noise, seed=case.job.run.seed)
            shared = {"parameter": noise.parameter, "images": images.name}
            rows += [shared | row for row in evaluate(denoiser, noisy)]
            evaluation.setdefault(noise.spec, {})[images.name] = {"noisy_sha256": noisy.sha256}
    here = {
        "source": {"sha256": source_hash(type(case.job.method))},
        "commit": commit(),
        "versions": versions(*case.job.method.packages),
        "hardware": describe(device),
        "evaluation": evaluation,
    }
    return _Remade(case.facts | here, pd.DataFrame(rows))


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

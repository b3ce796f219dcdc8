"""Launching: each run that is not stored yet is trained, scored and stored."""

from __future__ import annotations

import json
import math
import traceback
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pandas as pd
from safetensors.torch import save_file

from bench.denoiser import Denoiser, load_run
from bench.devices import describe
from bench.discovery import listings, source_hash
from bench.evaluation import NoisySet, corrupt, evaluate, mean_psnr
from bench.images import require_disjoint
from bench.method import Untrained, sees
from bench.patches import Patches, Sampling
from bench.pictures import write_picture
from bench.provenance import commit, versions
from bench.runs import PROTOCOL
from bench.seeds import seed_of
from bench.store import CURVE, FACTS, LOG, WEIGHTS, Store, picture_folder, write_json, write_scores
from bench.training import Cost, Milestones, train
from bench.unet import UNet

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch
    from torch import Tensor

    from bench.images import ImageSet
    from bench.metrics import Lpips
    from bench.noise import Noise
    from bench.plan import Job
    from bench.step import Engine

KEPT_PICTURES = 3


@dataclass(frozen=True)
class Bench:
    """Where jobs are done, and how.

    Args:
        training_images: the training set.
        test_images: the test sets.
        device: where to train.
        store: where runs are kept.
        lpips: the metric, or why it is not to be had.
        engine: how the steps of a training are launched.
        looks: how often a training is scored on its way, on the first test set; 0: never.
    """

    training_images: ImageSet
    test_images: tuple[ImageSet, ...]
    device: torch.device
    store: Store
    lpips: Lpips | str
    engine: Engine = "eager"
    looks: int = 0


class Watcher(Protocol):
    """Shows a person how the work goes."""

    def started(self, job: Job) -> None:
        """A job begins."""

    def progressed(self, job: Job, entry: dict[str, Any]) -> None:
        """A job's training reports step, loss, learning rate and seconds."""

    def ended(self, job: Job, outcome: str) -> None:
        """A job ends: ``trained``, ``stored`` (nothing to do), ``scored`` (no training), ``failed: why``."""


def launch(jobs: list[Job], bench: Bench, watcher: Watcher) -> list[Job]:
    """Do every job that is not stored yet; a failed one is recorded, and the others go on.

    Returns:
        The jobs that failed.
    """
    for test in bench.test_images:
        require_disjoint(bench.training_images, test)
    corrupted: dict[tuple[Noise, int], list[NoisySet]] = {}
    failed = []
    for job in jobs:
        watcher.started(job)
        draws = [(noise, job.run.seed) for noise in job.tests]
        for noise, seed in draws:
            if (noise, seed) not in corrupted:
                corrupted[noise, seed] = [corrupt(images, noise, seed=seed) for images in bench.test_images]
        try:
            outcome = _do(job, bench, [test for draw in draws for test in corrupted[draw]], watcher)
        except Exception as error:  # noqa: BLE001 - whatever one method raises, the other runs go on
            failed.append(job)
            outcome = f"failed: {error}"
        watcher.ended(job, outcome)
    return failed


def _do(job: Job, bench: Bench, tests: list[NoisySet], watcher: Watcher) -> str:
    if job.key not in bench.store:
        _train(job, bench, tests, watcher)
        return "scored" if isinstance(job.method, Untrained) else "trained"
    stored = bench.store.facts(job.key)
    missing = [test for test in tests if _is_missing(test, stored["evaluation"], bench.lpips)]
    if not missing:
        return "stored"
    denoiser = load_run(bench.store.root / job.key, device=bench.device)
    scores, evaluation = _score(denoiser, missing, bench.lpips, bench.store.root / job.key)
    bench.store.extend(job.key, scores.assign(**stored["columns"]), evaluation)
    return "scored"


def _is_missing(test: NoisySet, evaluation: dict[str, Any], lpips: Lpips | str) -> bool:
    scored = evaluation.get(test.noise.spec, {}).get(test.name)
    if scored is None or scored["noisy_sha256"] != test.sha256:
        return True
    return not isinstance(lpips, str) and scored["lpips"] != "computed"


def _train(job: Job, bench: Bench, tests: list[NoisySet], watcher: Watcher) -> None:
    """Train, score and store one run; what an error leaves is stored among the failed, with its cause."""
    facts = _facts(job, bench)
    with bench.store.writing(job.key) as folder:
        try:
            curve: list[dict[str, Any]] = []
            first = [test for test in tests if test.name == bench.test_images[0].name]
            denoiser, cost = _fit(job, bench, _logging(folder / LOG, job, watcher), first, curve)
            facts["training"] = asdict(cost)
            facts["columns"] |= {
                "training_seconds": cost.seconds,
                "training_flops": float(cost.flops),
                "patches_per_second": cost.patches_per_second,
            }
            if curve:
                pd.DataFrame(curve).assign(**facts["columns"]).to_parquet(folder / CURVE, index=False)
            weights = {name: value.contiguous() for name, value in denoiser.net.state_dict().items()}
            save_file(weights, folder / WEIGHTS)
            scores, facts["evaluation"] = _score(denoiser, tests, bench.lpips, folder)
            facts["columns"]["finished"] = datetime.now(UTC).isoformat(timespec="seconds")
            write_scores(scores.assign(**facts["columns"]), folder)
        except Exception as error:
            facts["error"] = f"{type(error).__name__}: {error}"
            facts["traceback"] = traceback.format_exc()
            raise
        finally:
            write_json(facts, folder / FACTS)


def _fit(
    job: Job,
    bench: Bench,
    report: Callable[[dict[str, Any]], None],
    tests: list[NoisySet],
    curve: list[dict[str, Any]],
) -> tuple[Denoiser, Cost]:
    """Train; score ``tests`` a few times on the way, and append what comes of it to ``curve``."""
    run, device = job.run, bench.device
    net = UNet(run.channels, width=run.width, seed=seed_of("weights", run.seed)).to(device)
    denoiser = Denoiser(net, job.method, job.noise, device)
    if isinstance(job.method, Untrained):
        return denoiser, Cost.none(bench.engine)
    patches = Patches(
        bench.training_images,
        job.noise,
        needs=job.method.needs,
        sampling=Sampling(run.steps, run.batch, run.patch, run.seed),
        training_noise=run.training_noise,
        device=device,
    )

    def look(step: int, seconds: float, flops: int) -> None:
        so_far = {"step": step, "seconds": seconds, "flops": float(flops)}
        for test in tests:
            shared = {"parameter": test.noise.parameter, "images": test.name}
            curve.append(so_far | shared | {"psnr": mean_psnr(denoiser, test)})

    # Halved again and again: what quality costs is asked on a logarithmic scale.
    steps = frozenset(math.ceil(run.steps / 2**halvings) for halvings in range(bench.looks))
    cost = train(
        net,
        job.method,
        patches,
        precision=run.precision,
        device=device,
        report=report,
        engine=bench.engine,
        learning_rate=run.learning_rate,
        milestones=Milestones(steps, look),
    )
    return denoiser, cost


def _score(
    denoiser: Denoiser, tests: list[NoisySet], lpips: Lpips | str, folder: Path
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Score test sets; keep the first few denoised pictures of each with 16 bits."""
    rows: list[dict[str, Any]] = []
    evaluation: dict[str, dict[str, Any]] = {}
    for test in tests:
        pictures = picture_folder(folder, test.noise.spec, test.name)
        pictures.mkdir(parents=True, exist_ok=True)
        kept = {image.name for image in test.images[:KEPT_PICTURES]}

        def keep(name: str, denoised: Tensor, *, folder: Path = pictures, kept: set[str] = kept) -> None:
            if name in kept:
                pixels = denoised[0].movedim(0, -1).numpy()
                write_picture(folder / f"{Path(name).stem}.png", pixels, depth="uint16")

        metric = None if isinstance(lpips, str) else lpips
        shared = {"parameter": test.noise.parameter, "images": test.name}
        rows += [shared | row for row in evaluate(denoiser, test, lpips=metric, keep=keep)]
        evaluation.setdefault(test.noise.spec, {})[test.name] = {
            "fingerprint": test.fingerprint,
            "noisy_sha256": test.sha256,
            "lpips": lpips if isinstance(lpips, str) else "computed",
        }
    # A column of nothing but None would be of no type, and could not be joined to one of numbers.
    return pd.DataFrame(rows).astype({"lpips": "float64", "estimate": "float64"}), evaluation


def _logging(path: Path, job: Job, watcher: Watcher) -> Callable[[dict[str, Any]], None]:
    def report(entry: dict[str, Any]) -> None:
        with path.open("a", encoding="utf-8") as log:
            log.write(json.dumps(entry) + "\n")
        watcher.progressed(job, entry)

    return report


def _facts(job: Job, bench: Bench) -> dict[str, Any]:
    run = asdict(job.run)
    # The parameter is a column of the scores, where each test noise has its own.
    apart = ("hyper_parameters", "fingerprint", "parameter")
    columns = {name: value for name, value in run.items() if name not in apart}
    return {
        "key": job.key,
        "run": run,
        "protocol": PROTOCOL,
        "source": {"sha256": source_hash(type(job.method)), "origin": listings()[run["method"]].origin},
        "columns": columns
        | {
            "key": job.key,
            "method": job.label,
            "sees": sees(job.method, blind=job.blind),
            "defined_for": " ".join(sorted(job.method.noises)),
            "protocol": PROTOCOL,
        },
        "test": [
            {"parameter": noise.parameter, "images": images.name}
            for noise in job.tests
            for images in bench.test_images
        ],
        "notes": [
            f"{images.name}: {note}"
            for images in (bench.training_images, *bench.test_images)
            for note in images.notes
        ],
        "commit": commit(),
        "versions": versions(*job.method.packages),
        "hardware": describe(bench.device),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }

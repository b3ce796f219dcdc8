"""Running: one job is trained, scored and stored, or goes on from where it was interrupted."""

from __future__ import annotations

import json
import math
import traceback
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from safetensors.torch import save

from bench.discovery import listings, source_hash
from bench.images.image_file import encode_image
from bench.method import Untrained, sees
from bench.protocol import PROTOCOL_VERSION
from bench.runs.load import load_run
from bench.scoring.denoiser import Denoiser
from bench.scoring.evaluate import evaluate, mean_psnr
from bench.seeds import seed_of
from bench.store.integrity import FACTS, write_json
from bench.store.scores import WEIGHTS, write_scores, write_table
from bench.store.store import CHECKPOINT, CURVE, LOG, picture_folder
from bench.system.devices import describe
from bench.system.files import StorageError, storing, write_durably
from bench.system.provenance import commit, versions
from bench.training.checkpoint import (
    BEGINNING,
    Checkpointer,
    DamagedCheckpointError,
    TrainingLog,
    read_checkpoint,
)
from bench.training.loop import Cost, EvaluationPoints, train
from bench.training.patches import Patches, Sampling
from bench.training.unet import UNet

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from bench.runs.context import RunContext, Watcher
    from bench.runs.plan import Job
    from bench.scoring.metrics import Lpips
    from bench.scoring.noisy_sets import NoisySet

KEPT_PICTURES = 3


def execute(job: Job, context: RunContext, tests: list[NoisySet], watcher: Watcher) -> str:
    """Train, score and store one job, as far as that is not done; its lock is the caller's.

    Returns:
        The outcome, as ``Watcher.ended`` is told it.

    Raises:
        StorageError: the store can no longer be written; the run goes on from its last checkpoint.
        Interrupted: likewise.
        Exception: whatever else a method raises; the run is among the failed, with the cause.
    """
    if job.key not in context.store:
        _train(job, context, tests, watcher)
        return "scored" if isinstance(job.method, Untrained) else "trained"
    missing = missing_tests(job, context, tests)
    if not missing:
        return "stored"
    denoiser = load_run(context.store.root / job.key, device=context.device)
    columns = context.store.facts(job.key)["columns"]
    scores, evaluation = _score(denoiser, missing, context.lpips, context.store.begin_extension(job.key))
    context.store.extend(job.key, scores.assign(**columns), evaluation)
    return "scored"


def missing_tests(job: Job, context: RunContext, tests: list[NoisySet]) -> list[NoisySet]:
    """List the test sets on which a stored run is still to be scored."""
    evaluation = context.store.facts(job.key)["evaluation"]
    return [test for test in tests if _is_missing(test, evaluation, context.lpips)]


def _is_missing(test: NoisySet, evaluation: dict[str, Any], lpips: Lpips | str) -> bool:
    scored = evaluation.get(test.noise.spec, {}).get(test.name)
    if scored is None or scored["noisy_sha256"] != test.sha256:
        return True
    return not isinstance(lpips, str) and scored["lpips"] != "computed"


def _train(job: Job, context: RunContext, tests: list[NoisySet], watcher: Watcher) -> None:
    """Train, score and store one run; what an error leaves is stored among the failed, with its cause."""
    facts = _facts(job, context)
    with context.store.writing(job.key) as folder:
        try:
            saving = _open_saving(job, context, folder, watcher)
            facts |= _history(saving.journal)
            first = [test for test in tests if test.name == context.test_images[0].name]
            denoiser, cost = _fit(
                job, context, saving, _logging(folder / LOG, job, saving.journal, watcher), first
            )
            facts["training"] = asdict(cost)
            facts["columns"] |= {
                "training_seconds": cost.seconds,
                "training_flops": float(cost.flops),
                "patches_per_second": cost.patches_per_second,
            }
            if curve := saving.journal.curve:
                write_table(pd.DataFrame(curve).assign(**facts["columns"]), folder / CURVE)
            weights = {name: value.contiguous() for name, value in denoiser.net.state_dict().items()}
            write_durably(folder / WEIGHTS, save(weights))
            scores, facts["evaluation"] = _score(denoiser, tests, context.lpips, folder)
            facts["columns"]["finished"] = datetime.now(UTC).isoformat(timespec="seconds")
            write_scores(scores.assign(**facts["columns"]), folder)
        except StorageError:
            raise
        except Exception as error:
            facts["error"] = f"{type(error).__name__}: {error}"
            facts["failed"] = datetime.now(UTC).isoformat(timespec="seconds")
            facts["traceback"] = traceback.format_exc()
            write_json(facts, folder / FACTS)
            raise
        write_json(facts, folder / FACTS)


def _open_saving(job: Job, context: RunContext, folder: Path, watcher: Watcher) -> Checkpointer:
    """Go on from the checkpoint of an interrupted sitting, where there is a sound one."""
    path = folder / CHECKPOINT
    try:
        found, journal = read_checkpoint(path)
    except DamagedCheckpointError as error:
        watcher.warned(job, f"{error}; it is trained from the start")
        found, journal = BEGINNING, TrainingLog()
    if found.step:
        watcher.warned(job, f"goes on after step {found.step} of {job.run.steps}")
    journal.sittings.append({"step": found.step} | _sitting(job, context))
    return Checkpointer(
        path, context.checkpoint_every, context.stop, found, journal, on_written=context.on_checkpoint
    )


def _fit(
    job: Job,
    context: RunContext,
    saving: Checkpointer,
    report: Callable[[dict[str, Any]], None],
    tests: list[NoisySet],
) -> tuple[Denoiser, Cost]:
    """Train; score ``tests`` a few times on the way, and note in the journal what comes of it."""
    run, device, curve = job.run, context.device, saving.journal.curve
    net = UNet(run.channels, width=run.width, seed=seed_of("weights", run.seed)).to(device)
    denoiser = Denoiser(net, job.method, job.noise, device)
    if isinstance(job.method, Untrained):
        return denoiser, Cost.none(context.engine)
    patches = Patches(
        context.training_images,
        job.noise,
        needs=job.method.needs,
        sampling=Sampling(run.steps, run.batch, run.patch, run.seed),
        training_noise=run.training_noise,
        device=device,
    )

    def evaluate_midway(step: int, seconds: float, flops: int) -> None:
        if any(row["step"] == step for row in curve):
            return  # by an earlier sitting
        so_far = {"step": step, "seconds": seconds, "flops": float(flops)}
        curve.extend(
            so_far
            | {"parameter": test.noise.parameter, "images": test.name, "psnr": mean_psnr(denoiser, test)}
            for test in tests
        )

    # Halved again and again: what quality costs is asked on a logarithmic scale.
    steps = frozenset(math.ceil(run.steps / 2**halvings) for halvings in range(context.evaluations))
    cost = train(
        net,
        job.method,
        patches,
        precision=run.precision,
        device=device,
        report=report,
        engine=context.engine,
        learning_rate=run.learning_rate,
        evaluation_points=EvaluationPoints(steps, evaluate_midway),
        saving=saving,
    )
    context.stop.end_if_asked()
    return denoiser, cost


def _score(
    denoiser: Denoiser, tests: list[NoisySet], lpips: Lpips | str, folder: Path
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Score test sets; keep the first few denoised pictures of each with 16 bits."""
    rows: list[dict[str, Any]] = []
    evaluation: dict[str, dict[str, Any]] = {}
    for test in tests:
        pictures = picture_folder(folder, test.noise.spec, test.name)
        with storing(pictures):
            pictures.mkdir(parents=True, exist_ok=True)
        kept = {image.name for image in test.images[:KEPT_PICTURES]}

        def keep(name: str, denoised: Tensor, *, folder: Path = pictures, kept: set[str] = kept) -> None:
            if name in kept:
                pixels = denoised[0].movedim(0, -1).numpy()
                content = encode_image(pixels, suffix=".png", depth="uint16")
                write_durably(folder / f"{Path(name).stem}.png", content)

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


def _logging(
    path: Path, job: Job, journal: TrainingLog, watcher: Watcher
) -> Callable[[dict[str, Any]], None]:
    """Begin the log with what the journal has of it, and give what adds an entry to both."""
    path.unlink(missing_ok=True)
    if journal.log:
        write_durably(path, "".join(map(_line, journal.log)).encode())

    def report(entry: dict[str, Any]) -> None:
        journal.log.append(entry)
        with storing(path), path.open("a", encoding="utf-8") as log:
            log.write(_line(entry))
        watcher.progressed(job, entry)

    return report


def _line(entry: dict[str, Any]) -> str:
    return json.dumps(entry) + "\n"


def _facts(job: Job, context: RunContext) -> dict[str, Any]:
    run = asdict(job.run)
    # The parameter is a column of the scores, where each test noise has its own.
    apart = ("hyper_parameters", "fingerprint", "parameter")
    columns = {name: value for name, value in run.items() if name not in apart}
    return {
        "key": job.key,
        "run": run,
        "protocol": PROTOCOL_VERSION,
        "source": {"sha256": source_hash(type(job.method)), "origin": listings()[run["method"]].origin},
        "columns": columns
        | {
            "key": job.key,
            "method": job.label,
            "sees": sees(job.method, blind=job.blind),
            "defined_for": " ".join(sorted(job.method.noises)),
            "protocol": PROTOCOL_VERSION,
        },
        "test": [
            {"parameter": noise.parameter, "images": images.name}
            for noise in job.tests
            for images in context.test_images
        ],
        "notes": [
            f"{images.name}: {note}"
            for images in (context.training_images, *context.test_images)
            for note in images.notes
        ],
        **_sitting(job, context),
    }


def _sitting(job: Job, context: RunContext) -> dict[str, Any]:
    """Say by what a training is begun, or gone on with."""
    return {
        "commit": commit(),
        "versions": versions(*job.method.packages),
        "hardware": describe(context.device),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        **context.place,
    }


def _history(journal: TrainingLog) -> dict[str, Any]:
    """Say when a run was first begun, and by what it was trained before its last sitting."""
    return {"started": journal.sittings[0]["started"], "earlier_sittings": journal.sittings[:-1]}

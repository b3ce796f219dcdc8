"""Checkpoints: complete or refused, and a run that resumes from one ends as if it had never stopped."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from bench.runs import fit
from bench.scoring.evaluate import mean_psnr
from bench.store.layout import CHECKPOINT, PARTIAL, WEIGHTS
from bench.system.files import StorageError
from bench.system.signals import Interrupted, StopRequest
from bench.training.checkpoint import (
    BEGINNING,
    Checkpoint,
    Checkpointer,
    DamagedCheckpointError,
    TrainingLog,
    read_checkpoint,
    write_checkpoint,
)
from bench.training.step import Step
from tests.support.methods.trained import TRAINED
from tests.support.runs import Tiny, make_tiny

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

STEPS = 45
CLOCKS = ["finished", "seconds", "training_seconds", "patches_per_second", "core_share"]


def some_checkpoint() -> Checkpoint:
    tensors = {"a": torch.arange(6.0).view(2, 3), "b": torch.tensor(0.1)}
    return Checkpoint(step=7, seconds=1.5, pending=[0.1, 1 / 3], last_finite=0.2, tensors=tensors)


def test_a_checkpoint_is_read_as_it_was_written(tmp_path: Path) -> None:
    checkpoint, written_log = (
        some_checkpoint(),
        TrainingLog(entries=[{"step": 5, "loss": 0.1}], attempts=[{"step": 0}]),
    )
    write_checkpoint(checkpoint, written_log, tmp_path / CHECKPOINT)
    found, log = read_checkpoint(tmp_path / CHECKPOINT)
    assert log == written_log
    assert replace(found, tensors={}) == replace(checkpoint, tensors={})
    assert all(torch.equal(found.tensors[name], value) for name, value in checkpoint.tensors.items())


def test_without_a_checkpoint_training_starts_at_the_beginning(tmp_path: Path) -> None:
    assert read_checkpoint(tmp_path / CHECKPOINT) == (BEGINNING, TrainingLog())


def test_any_flipped_byte_of_a_checkpoint_is_detected(tmp_path: Path) -> None:
    path = tmp_path / CHECKPOINT
    write_checkpoint(some_checkpoint(), TrainingLog(entries=[{"step": 5}]), path)
    content = path.read_bytes()
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(DamagedCheckpointError, match=CHECKPOINT):
            read_checkpoint(path)


def test_a_truncated_checkpoint_is_detected(tmp_path: Path) -> None:
    path = tmp_path / CHECKPOINT
    write_checkpoint(some_checkpoint(), TrainingLog(), path)
    content = path.read_bytes()
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        with pytest.raises(DamagedCheckpointError, match=CHECKPOINT):
            read_checkpoint(path)


class StopAfter:
    """Asks to stop after so many steps, as a signal between two of them would."""

    def __init__(self, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
        is_due = Checkpointer.is_due
        steps = iter(range(1, step + 1))

        def watched(checkpointer: Checkpointer) -> bool:
            if next(steps, None) == step:
                checkpointer.stop.received = 15
            return is_due(checkpointer)

        monkeypatch.setattr(Checkpointer, "is_due", watched)


def end(tiny: Tiny, method: str) -> tuple[dict[str, torch.Tensor], list[dict], object]:
    """Return weights, log and scores of a run, without its clocks."""
    (job,) = tiny.jobs(methods=(method,), steps=STEPS)
    store = tiny.context.store
    weights = load_file(store.root / job.key / WEIGHTS)
    scores = store.scores([job.key]).drop(columns=CLOCKS)
    log = (store.root / job.key / "log.jsonl").read_text().splitlines()
    return weights, [line.partition('"seconds"')[0] for line in log], scores


def train_in_attempts(tiny: Tiny, method: str) -> None:
    """Train with stops after steps 1, 17, 20 and 44."""
    for step in (1, 16, 3, 24):  # of each attempt
        with pytest.MonkeyPatch.context() as patch, pytest.raises(Interrupted):
            StopAfter(step, patch)
            stopping = replace(tiny, context=replace(tiny.context, stop=StopRequest()))
            stopping.launch(methods=(method,), steps=STEPS)
        assert tiny.context.store.keys() == []
    assert tiny.launch(methods=(method,), steps=STEPS) == ["trained"]


@pytest.mark.parametrize("method", TRAINED)
def test_an_interrupted_run_resumes_to_the_same_weights(
    photo_folders: Callable[[int], tuple[Path, Path]],
    tmp_path: Path,
    method: str,
) -> None:
    folders = photo_folders(1)
    whole = make_tiny(folders, tmp_path / "whole", channels=1)
    assert whole.launch(methods=(method,), steps=STEPS) == ["trained"]
    broken = make_tiny(folders, tmp_path / "broken", channels=1)
    train_in_attempts(broken, method)
    (job,) = broken.jobs(methods=(method,), steps=STEPS)
    record = broken.context.store.record(job.key)
    assert [attempt.step for attempt in record.earlier_attempts] == [0, 1, 17, 20]
    (weights, log, scores), (again, log_again, scores_again) = end(whole, method), end(broken, method)
    assert all(torch.equal(weights[name], again[name]) for name in weights)
    assert log == log_again
    assert scores.equals(scores_again)
    assert not (broken.context.store.root / job.key / CHECKPOINT).exists()


@pytest.mark.gpu
@pytest.mark.parametrize("engine", ["eager", "graph"])
@pytest.mark.parametrize("method", TRAINED)
def test_an_interrupted_run_on_cuda_resumes_to_the_same_weights(
    photo_folders: Callable[[int], tuple[Path, Path]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    engine: str,
) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", True)
    folders, device = photo_folders(1), torch.device("cuda")
    whole, broken = (
        replace(tiny, context=replace(tiny.context, device=device, engine=engine))
        for tiny in (make_tiny(folders, tmp_path / name, channels=1) for name in ("whole", "broken"))
    )
    assert whole.launch(methods=(method,), steps=STEPS) == ["trained"]
    train_in_attempts(broken, method)
    (weights, *_), (again, *_) = end(whole, method), end(broken, method)
    flat, flat_again = (torch.cat([value.flatten() for value in net.values()]) for net in (weights, again))
    # The same kernels give the same bits; a lost moment or learning rate moves more than a tenth of the way.
    assert (flat - flat_again).norm() < 1e-3 * flat.norm()


def test_a_run_interrupted_while_it_is_evaluated_has_the_same_curve(
    photo_folders: Callable[[int], tuple[Path, Path]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = photo_folders(1)
    whole, broken = (
        replace(tiny, context=replace(tiny.context, evaluations=3))
        for tiny in (make_tiny(folders, tmp_path / name, channels=1) for name in ("whole", "broken"))
    )
    assert whole.launch(steps=8) == ["trained"]

    def interrupted(*_: object) -> float:
        monkeypatch.undo()
        broken.context.stop._on_signal(15, None)
        raise AssertionError("the signal was not received")

    def first_evaluation(*given: Any) -> float:
        monkeypatch.setattr(fit, "mean_psnr", interrupted)
        return mean_psnr(*given)

    monkeypatch.setattr(fit, "mean_psnr", first_evaluation)
    with pytest.raises(Interrupted):
        broken.launch(steps=8)
    broken.context.stop.received = None
    assert broken.launch(steps=8) == ["trained"]
    curves = [tiny.context.store.curves() for tiny in (whole, broken)]
    assert list(curves[1]["step"]) == [2, 4, 8]
    assert list(curves[0]["psnr"]) == list(curves[1]["psnr"])


def test_a_run_interrupted_while_it_is_scored_is_not_trained_again(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        patch.setattr("bench.runs.score.evaluate", lambda *_, **__: tiny.context.stop._on_signal(15, None))
        tiny.launch()
    tiny.context.stop.received = None
    monkeypatch.setattr(Step, "update", lambda *_: 1 / 0)
    assert tiny.launch() == ["trained"]
    assert tiny.launch(seeds=(1,)) == ["failed: division by zero"]


def test_a_damaged_checkpoint_is_reported_and_the_run_trained_from_the_start(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        StopAfter(2, patch)
        tiny.launch()
    tiny.context.stop.received = None
    (job,) = tiny.jobs()
    path = tiny.context.store.root / PARTIAL / job.key / CHECKPOINT
    path.write_bytes(path.read_bytes()[:-1])
    watcher = tiny.watched()
    assert watcher.outcomes == ["trained"]
    (warning,) = watcher.warnings
    assert str(path) in warning
    assert "trained from the start" in warning


def test_a_checkpoint_that_cannot_be_written_ends_the_command(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(StorageError, match=r"No space left .*the disk is full; free some space"):
        tiny.launch()
    monkeypatch.undo()
    assert tiny.context.store.keys() == []
    assert tiny.context.store.failures().empty
    assert tiny.launch() == ["trained"]


def test_training_draws_from_no_global_generator(tiny: Tiny) -> None:
    """A checkpoint holds no random state, so training must not depend on one."""
    weights = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002 - the old global state is the point
        fresh = replace(
            tiny,
            context=replace(tiny.context, store=tiny.context.store.open(tiny.context.store.root / str(seed))),
        )
        fresh.launch()
        (key,) = fresh.context.store.keys()
        weights.append(load_file(fresh.context.store.root / key / WEIGHTS))
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])

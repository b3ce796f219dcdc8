"""A training step that is recorded once as a CUDA graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from bench.method import Batch
from bench.training.step import Step, TrainingError

if TYPE_CHECKING:
    from torch import Tensor


class CapturedStep(Step):
    """A step whose kernels are recorded once as a CUDA graph, and from then on launched as one.

    Args:
        net: as for ``Step``.
        method: whose loss must not wait for the device; one that does cannot be recorded.
        sampling: as for ``Step``.
        precision: as for ``Step``.
        device: a CUDA device.
        learning_rate: as for ``Step``.
        compiled: as for ``Step``.
    """

    FIRST = 3
    """Steps that go unrecorded, in which libraries choose their kernels and Adam makes its state."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.device = options["device"]
        self.stream = torch.cuda.Stream(self.device)  # type: ignore[no-untyped-call]
        self.graph: torch.cuda.CUDAGraph | None = None
        self.unrecorded = self.FIRST

    def __call__(self, step: int, batch: Batch) -> Tensor:
        """As ``Step``; all batches must have the shapes of the first."""
        if self.unrecorded:
            self.unrecorded -= 1
            return self._unrecorded(step, batch)
        if self.graph is None:
            self._record(batch)
        assert self.graph is not None  # noqa: S101 - for the type checker
        _copy(batch, self.batch)
        self.prepare(step)
        self.graph.replay()
        self.schedule.step()
        return self.loss.clone()

    def _unrecorded(self, step: int, batch: Batch) -> Tensor:
        # On the stream of the recording: autograd remembers the one on which a weight was first used.
        self.stream.wait_stream(torch.cuda.current_stream(self.device))
        with torch.cuda.stream(self.stream):
            loss = super().__call__(step, batch)
        torch.cuda.current_stream(self.device).wait_stream(self.stream)
        return loss

    def _record(self, batch: Batch) -> None:
        self.batch = _copy_of(batch)
        self.graph = torch.cuda.CUDAGraph()
        if torch.__version__ < "2.14":  # later ones find by themselves what a recording draws from
            self.graph.register_generator_state(self.rng)
        self.optimiser.zero_grad(set_to_none=True)
        # Another thread may fetch a batch meanwhile; and older versions stay on the stream if it fails.
        recording = torch.cuda.graph(self.graph, stream=self.stream, capture_error_mode="thread_local")
        try:
            with torch.cuda.stream(self.stream), recording:
                self.loss = self.update(self.batch)
        except RuntimeError as error:
            raise TrainingError(
                f"{type(self.method).__name__}'s loss cannot be recorded as a CUDA graph, perhaps since it "
                f"waits for the device; run it with --engine eager ({error})"
            ) from error


def _copy_of(batch: Batch) -> Batch:
    model = batch.model
    if model is not None and isinstance(model.level, torch.Tensor):
        model = type(model)(model.level.clone())
    return Batch({name: image.clone() for name, image in batch.images.items()}, model)


def _copy(source: Batch, target: Batch) -> None:
    for name, image in source.images.items():
        target.images[name].copy_(image)
    if source.model is not None and isinstance(level := target.noise.level, torch.Tensor):
        level.copy_(torch.as_tensor(source.noise.level))

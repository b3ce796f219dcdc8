"""A training step that is captured once as a CUDA graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from bench.method import Batch
from bench.training.step import Step, TrainingError

if TYPE_CHECKING:
    from torch import Tensor


class CapturedStep(Step):
    """A step whose kernels are captured once as a CUDA graph and launched together from then on.

    It takes the arguments of ``Step``, and needs a CUDA device and a loss that never waits for it.
    """

    WARM_UP_STEPS = 3
    """Steps before the capture, in which libraries choose their kernels and Adam creates its state."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.device = options["device"]
        self.stream = torch.cuda.Stream(self.device)  # type: ignore[no-untyped-call]
        self.graph: torch.cuda.CUDAGraph | None = None
        self.warm_up_steps = self.WARM_UP_STEPS

    def __call__(self, step: int, batch: Batch) -> Tensor:
        """Take a step as ``Step`` does; all batches must have the shapes of the first."""
        if self.warm_up_steps:
            self.warm_up_steps -= 1
            return self._warm_up(step, batch)
        if self.graph is None:
            self._capture(batch)
        assert self.graph is not None  # noqa: S101 - for the type checker
        _copy(batch, self.batch)
        self.prepare(step)
        self.graph.replay()
        self.optimiser.advance_schedule()
        return self.loss.clone()

    def _warm_up(self, step: int, batch: Batch) -> Tensor:
        # On the capture's stream, since autograd remembers the stream on which a weight was first used.
        self.stream.wait_stream(torch.cuda.current_stream(self.device))
        with torch.cuda.stream(self.stream):
            loss = super().__call__(step, batch)
        torch.cuda.current_stream(self.device).wait_stream(self.stream)
        return loss

    def _capture(self, batch: Batch) -> None:
        self.batch = _copy_of(batch)
        self.graph = torch.cuda.CUDAGraph()
        if torch.__version__ < "2.14":  # later versions find a capture's generators themselves
            self.graph.register_generator_state(self.rng)
        self.optimiser.zero_grad()
        # Another thread may fetch a batch meanwhile; older versions stay on the stream if the capture fails.
        capture = torch.cuda.graph(self.graph, stream=self.stream, capture_error_mode="thread_local")
        try:
            with torch.cuda.stream(self.stream), capture:
                self.loss = self.update(self.batch)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            raise TrainingError(
                f"{type(self.method).__name__}'s loss cannot be captured as a CUDA graph, perhaps because it "
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

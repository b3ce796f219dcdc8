"""What a loss must keep to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import cosine_similarity

from bench.conformance.accelerator import (
    ACCELERATOR,
    Generator,
    NoShapeError,
    ValueReadError,
    batch_there,
    network_there,
    pretend,
)
from bench.conformance.case import COUNT, ConformanceError, awake, gradients, same
from bench.conformance.rng_guard import Watch, global_random_states
from bench.method import NEEDS, WithheldError
from bench.training.precision import in_precision

if TYPE_CHECKING:
    from bench.conformance.case import Subject
    from bench.settings import Precision

DRAWS = 4
LEAST_AGREEMENT = 0.9
CPU = torch.device("cpu")


def sees_only_what_it_declares(subject: Subject) -> None:
    """What is not in `needs` is not looked for: it is missing at first, then not-a-number."""
    batch = subject.batch()
    try:
        expected = subject.loss(batch)
    except WithheldError as error:
        raise ConformanceError(f"the loss reaches for what it did not declare: {error}") from error
    withheld = [need for need in NEEDS if need not in (*batch.images, "noise")]
    poison = {need: torch.full_like(batch.noisy, torch.nan) for need in withheld}
    if not same(subject.loss(replace(batch, images=poison | batch.images)), expected):
        raise ConformanceError(
            f"the loss looks into batch.images for what it did not declare ({', '.join(withheld)}): it is "
            "another where these hold not-a-number; declare them in `needs`, or leave them alone"
        )


def gives_one_loss_per_image(subject: Subject) -> None:
    """The loss is finite, float32, of shape (B,)."""
    losses = subject.loss(subject.batch())
    if tuple(losses.shape) != (COUNT,):
        raise ConformanceError(
            f"the loss of {COUNT} images has shape {tuple(losses.shape)}, but must be ({COUNT},): "
            "take the mean over channels and pixels, not over images"
        )
    if losses.dtype != torch.float32:
        raise ConformanceError(f"the loss is {losses.dtype}, but must be torch.float32")
    if not losses.isfinite().all():
        raise ConformanceError(f"the loss is not finite: {losses.tolist()}")


def has_a_gradient(subject: Subject) -> None:
    """Every weight has a finite gradient that is not zero, first step and last, grey and colour."""
    for channels in (1, 3):
        for progress in (0.0, 1.0):
            net = awake(channels)
            losses = subject.loss(subject.batch(channels=channels), net=net, progress=progress)
            where = f"with {channels} channels at progress {progress:g}"
            if not losses.requires_grad:
                raise ConformanceError(f"the loss does not depend on the network {where}: was it detached?")
            _backward(losses)
            found = gradients(net)
            if not all(gradient.isfinite().all() for gradient in found):
                raise ConformanceError(f"the gradient is not finite {where}")
            if idle := sum(not gradient.any() for gradient in found):
                raise ConformanceError(
                    f"the gradient of {idle} of the network's {len(found)} tensors of weights is zero {where}"
                )


def bears_black_and_white(subject: Subject) -> None:
    """Patches that are black or white throughout give a finite loss and gradient."""
    for grey in (0.0, 1.0):
        net = awake(1)
        losses = subject.loss(subject.batch(grey=grey), net=net)
        _backward(losses)
        for what, values in (("loss", [losses]), ("gradient", gradients(net))):
            if not all(value.isfinite().all() for value in values):
                raise ConformanceError(
                    f"the {what} is not finite where the clean image is {grey:g} throughout: guard "
                    "logarithms, divisions and roots, since y may be 0 or below, and above 1"
                )


def draws_from_its_generator(subject: Subject) -> None:
    """All randomness comes from `rng`, and the same state of it gives the same loss."""
    batch, net, rng = subject.batch(), awake(1), torch.Generator().manual_seed(0)
    before = global_random_states()
    with Watch(rng) as watch:
        first = subject.method.loss(net, batch, rng, torch.tensor(0.5))
    if watch.strays:
        raise ConformanceError(
            f"the loss draws by {', '.join(sorted(set(watch.strays)))} from another generator than `rng`, "
            "so that it does not follow the run's seed; pass generator=rng"
        )
    if global_random_states() != before:
        raise ConformanceError(
            "the loss draws from a global generator of torch, NumPy or Python; use `rng` alone"
        )
    if not same(subject.loss(batch), first):
        raise ConformanceError("the loss is another one when it is asked again with `rng` in the same state")


def leaves_its_input_alone(subject: Subject) -> None:
    """The images of the batch are not changed."""
    batch = subject.batch()
    before = {name: image.clone() for name, image in batch.images.items()}
    subject.loss(batch)
    for name, image in batch.images.items():
        if not same(before[name], image):
            raise ConformanceError(f"the loss changes batch.{name} in place; work on a copy")


def keeps_images_apart(subject: Subject) -> None:
    """The loss of an image depends on that image alone, wherever it stands in the batch."""
    batch = subject.batch()
    others = {name: _with_another_last(image) for name, image in batch.images.items()}
    changed = subject.loss(replace(batch, images=others))
    for image in batch.images.values():
        image.requires_grad_()
    losses = subject.loss(batch)
    _backward(losses[1])
    mixed = any(bool(image.grad[[0, 2]].any()) for image in batch.images.values() if image.grad is not None)
    # What is detached has no gradient, but still shows where a later image is another one.
    if mixed or not torch.allclose(changed[:-1], losses[:-1], rtol=1e-3, atol=1e-6):
        raise ConformanceError(
            "the loss of an image depends on the other images of its batch, so that runs with another batch "
            "are not comparable; take means over dim=(1, 2, 3)"
        )


def takes_an_estimate_for_each_image(subject: Subject) -> None:
    """A noise whose parameter is a tensor (B, 1, 1, 1), as in blind runs, gives the loss of the number."""
    batch = subject.batch()
    if batch.model is None:
        return
    estimates = torch.full((COUNT, 1, 1, 1), batch.model.parameter)
    told = replace(batch, model=type(batch.model)(estimates))
    if not torch.allclose(subject.loss(told), subject.loss(batch), rtol=1e-2):
        raise ConformanceError(
            f"the loss with the parameter as a tensor {tuple(estimates.shape)} is not that with the number"
        )


def runs_on_an_accelerator(subject: Subject) -> str | None:
    """Nothing is made on another device, and no value is read: a step is recorded once and replayed.

    The accelerator need not be there. Values are read by `.item()`, an `if` on a tensor, or `x[mask]`.
    """
    batch, net = subject.batch(), awake(1)
    try:
        with pretend():
            progress = torch.zeros((), device=ACCELERATOR)
            losses = subject.method.loss(network_there(net), batch_there(batch), Generator(), progress)
    except ValueReadError as error:
        raise ConformanceError(
            "the loss reads a tensor's value (.item(), float(), an `if` on it, or a mask as an index), for "
            "which a GPU must be waited for; use torch.where and keep numbers as tensors"
        ) from error
    except NoShapeError as error:
        return f"unknown: {error}"
    except RuntimeError as error:
        raise ConformanceError(
            f"the loss does not run on a GPU: {error}; make tensors with device=batch.noisy.device"
        ) from error
    if losses.device != ACCELERATOR:
        raise ConformanceError(f"the loss of images on a GPU is on {losses.device}; leave it where they are")
    return None


def bears_its_precision(subject: Subject) -> str | None:
    """In bfloat16 the gradient points where it does in float32, unless `precision` is float32."""
    if subject.method.precision == "float32":
        return "float32"
    exact, rounded = (_mean_gradient(subject, precision) for precision in ("float32", "bfloat16"))
    agreement = float(cosine_similarity(exact, rounded, dim=0))
    if agreement < LEAST_AGREEMENT:
        raise ConformanceError(
            f"the gradient in bfloat16 agrees with that in float32 by a cosine of {agreement:.2f} (at least "
            f"{LEAST_AGREEMENT}): small differences are lost to rounding; enlarge them, or set "
            'precision = "float32"'
        )
    return f"{agreement:.3f}"


def _mean_gradient(subject: Subject, precision: Precision) -> torch.Tensor:
    net = awake(1)
    network = in_precision(net, precision, CPU)
    for seed in range(DRAWS):
        _backward(subject.loss(subject.batch(), net=network, seed=seed))
    return torch.cat([gradient.flatten() for gradient in gradients(net)])


def _with_another_last(images: torch.Tensor) -> torch.Tensor:
    return torch.cat([images[:-1], images[:1].flip(-1)])


def _backward(losses: torch.Tensor) -> None:
    losses.mean().backward()  # type: ignore[no-untyped-call]

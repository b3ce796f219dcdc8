"""What a loss must satisfy."""

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
    batch_on_accelerator,
    network_on_accelerator,
    simulate_accelerator,
)
from bench.conformance.case import COUNT, ConformanceError, gradients, is_identical, small_unet
from bench.conformance.rng_guard import RngGuard, global_random_states
from bench.method import NEEDS, WithheldError
from bench.training.precision import in_precision

if TYPE_CHECKING:
    from bench.conformance.case import Case
    from bench.settings import Precision

DRAWS = 4
LEAST_AGREEMENT = 0.9
CPU = torch.device("cpu")


def sees_only_what_it_declares(case: Case) -> None:
    """The loss does not read what is not in `needs`: that is first missing, then NaN."""
    batch = case.batch()
    try:
        expected = case.loss(batch)
    except WithheldError as error:
        raise ConformanceError(f"the loss reads what it did not declare: {error}") from error
    withheld = [need for need in NEEDS if need not in (*batch.images, "noise")]
    poison = {need: torch.full_like(batch.noisy, torch.nan) for need in withheld}
    if not is_identical(case.loss(replace(batch, images=poison | batch.images)), expected):
        raise ConformanceError(
            f"the loss reads from batch.images what it did not declare ({', '.join(withheld)}): it changes "
            "if these are NaN; declare them in `needs`, or do without them"
        )


def returns_one_loss_per_image(case: Case) -> None:
    """The loss is finite, float32, of shape (B,)."""
    losses = case.loss(case.batch())
    if tuple(losses.shape) != (COUNT,):
        raise ConformanceError(
            f"the loss of {COUNT} images has shape {tuple(losses.shape)}, but must be ({COUNT},): "
            "take the mean over channels and pixels, not over images"
        )
    if losses.dtype != torch.float32:
        raise ConformanceError(f"the loss is {losses.dtype}, but must be torch.float32")
    if not losses.isfinite().all():
        raise ConformanceError(f"the loss is not finite: {losses.tolist()}")


def has_a_gradient(case: Case) -> None:
    """Every weight has a finite, non-zero gradient at the first step and the last, for grey and colour."""
    for channels in (1, 3):
        for progress in (0.0, 1.0):
            _require_gradient(case, channels, progress)


def _require_gradient(case: Case, channels: int, progress: float) -> None:
    net = small_unet(channels)
    losses = case.loss(case.batch(channels=channels), net=net, progress=progress)
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


def is_stable_on_black_and_white(case: Case) -> None:
    """Patches that are entirely black or white have a finite loss and gradient."""
    for grey in (0.0, 1.0):
        net = small_unet(1)
        losses = case.loss(case.batch(grey=grey), net=net)
        _backward(losses)
        for what, values in (("loss", [losses]), ("gradient", gradients(net))):
            if not all(value.isfinite().all() for value in values):
                raise ConformanceError(
                    f"the {what} is not finite where the clean image is {grey:g} everywhere: guard "
                    "logarithms, divisions and roots, since y may be 0 or below, and above 1"
                )


def draws_from_its_generator(case: Case) -> None:
    """All randomness comes from `rng`, and the same state of `rng` gives the same loss."""
    batch, net, rng = case.batch(), small_unet(1), torch.Generator().manual_seed(0)
    before = global_random_states()
    with RngGuard(rng) as guard:
        first = case.method.loss(net, batch, rng, torch.tensor(0.5))
    if guard.stray_draws:
        raise ConformanceError(
            f"the loss draws by {', '.join(sorted(set(guard.stray_draws)))} from a generator other than "
            "`rng`, so that it does not follow the run's seed; pass generator=rng"
        )
    if global_random_states() != before:
        raise ConformanceError(
            "the loss draws from a global generator of torch, NumPy or Python; use only `rng`"
        )
    if not is_identical(case.loss(batch), first):
        raise ConformanceError("the loss differs if it is computed again with `rng` in the same state")


def leaves_its_input_unchanged(case: Case) -> None:
    """The images of the batch are not changed."""
    batch = case.batch()
    before = {name: image.clone() for name, image in batch.images.items()}
    case.loss(batch)
    for name, image in batch.images.items():
        if not is_identical(before[name], image):
            raise ConformanceError(f"the loss changes batch.{name} in place; work on a copy")


def treats_images_independently(case: Case) -> None:
    """The loss of an image depends only on that image, at any position in the batch."""
    batch = case.batch()
    others = {name: _with_another_last(image) for name, image in batch.images.items()}
    changed = case.loss(replace(batch, images=others))
    for image in batch.images.values():
        image.requires_grad_()
    losses = case.loss(batch)
    _backward(losses[1])
    mixed = any(bool(image.grad[[0, 2]].any()) for image in batch.images.values() if image.grad is not None)
    # What is detached has no gradient, but still changes with another last image.
    if mixed or not torch.allclose(changed[:-1], losses[:-1], rtol=1e-3, atol=1e-6):
        raise ConformanceError(
            "the loss of an image depends on the other images of its batch, so that runs with another batch "
            "size are not comparable; take means over dim=(1, 2, 3)"
        )


def accepts_one_estimate_per_image(case: Case) -> None:
    """A noise parameter of shape (B, 1, 1, 1), as in blind runs, gives the same loss as the number."""
    batch = case.batch()
    if batch.model is None:
        return
    estimates = torch.full((COUNT, 1, 1, 1), batch.model.parameter)
    estimated = replace(batch, model=type(batch.model)(estimates))
    if not torch.allclose(case.loss(estimated), case.loss(batch), rtol=1e-2):
        raise ConformanceError(
            f"the loss with the parameter as a tensor {tuple(estimates.shape)} differs from that with the "
            "number"
        )


def runs_on_an_accelerator(case: Case) -> str | None:
    """Every tensor is on the device of the images and no value is read: a step is recorded once and replayed.

    The accelerator is simulated. Values are read by `.item()`, an `if` on a tensor, or `x[mask]`.
    """
    try:
        device = _loss_on_accelerator(case).device
    except ValueReadError as error:
        raise ConformanceError(
            "the loss reads a tensor's value (.item(), float(), an `if` on it, or a mask as an index), for "
            "which it has to wait for a GPU; use torch.where and keep numbers as tensors"
        ) from error
    except NoShapeError as error:
        return f"unknown: {error}"
    except RuntimeError as error:
        raise ConformanceError(
            f"the loss does not run on a GPU: {error}; make tensors with device=batch.noisy.device"
        ) from error
    if device != ACCELERATOR:
        raise ConformanceError(f"the loss of images on a GPU is on {device}; leave it on their device")
    return None


def _loss_on_accelerator(case: Case) -> torch.Tensor:
    batch, net = case.batch(), small_unet(1)
    with simulate_accelerator():
        progress = torch.zeros((), device=ACCELERATOR)
        batch = batch_on_accelerator(batch)
        return case.method.loss(network_on_accelerator(net), batch, Generator(), progress)


def is_stable_in_its_precision(case: Case) -> str | None:
    """The gradient in bfloat16 has the direction of that in float32, unless `precision` is float32."""
    if case.method.precision == "float32":
        return "float32"
    exact, rounded = (_mean_gradient(case, precision) for precision in ("float32", "bfloat16"))
    agreement = float(cosine_similarity(exact, rounded, dim=0))
    if agreement < LEAST_AGREEMENT:
        raise ConformanceError(
            f"the cosine between the gradients in bfloat16 and float32 is {agreement:.2f} (at least "
            f"{LEAST_AGREEMENT} is required): small differences are lost to rounding; enlarge them, or set "
            'precision = "float32"'
        )
    return f"{agreement:.3f}"


def _mean_gradient(case: Case, precision: Precision) -> torch.Tensor:
    net = small_unet(1)
    network = in_precision(net, precision, CPU)
    for seed in range(DRAWS):
        _backward(case.loss(case.batch(), net=network, seed=seed))
    return torch.cat([gradient.flatten() for gradient in gradients(net)])


def _with_another_last(images: torch.Tensor) -> torch.Tensor:
    return torch.cat([images[:-1], images[:1].flip(-1)])


def _backward(losses: torch.Tensor) -> None:
    losses.mean().backward()  # type: ignore[no-untyped-call]

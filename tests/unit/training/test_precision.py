"""Precision: bfloat16 where method and device support it, in which a method learns as well as in float32."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

import pytest
import torch

from bench.discovery import listings, parse_method
from bench.errors import InputError
from bench.images.clean_image import CleanImage
from bench.images.image_set import ImageSet
from bench.scoring.denoiser import Denoiser
from bench.scoring.evaluate import mean_psnr
from bench.scoring.noisy_sets import corrupt
from bench.training import precision as precision_module
from bench.training.bfloat16 import Bfloat16Faults
from bench.training.loop import train
from bench.training.patches import Patches, Sampling
from bench.training.precision import rejection_note, require_precision, resolve_precision
from bench.training.unet import UNet
from tests.support.images import photograph
from tests.support.methods.noises import LEVELS

if TYPE_CHECKING:
    from bench.method import Method
    from bench.noise import Noise

CPU = torch.device("cpu")
METHODS = {name: parse_method(name)[1] for name in listings()}
# Every noise model where it enters the loss, else the first. Multipliers would start again in the second run.
PAIRS = [
    (name, model)
    for name, method in METHODS.items()
    if method.precision == "bfloat16" and not method.multipliers
    for model in [model for model in LEVELS if model in method.noises][
        : None if "noise" in method.needs else 1
    ]
]


def photographs(*seeds: int) -> ImageSet:
    images = (CleanImage(str(seed), photograph(96, 96, 1, seed=seed)[..., None]) for seed in seeds)
    return ImageSet("some", tuple(images), 1, "", ())


def trained(net: UNet, method: Method, noise: Noise, *, steps: int, seed: int, precision: str) -> UNet:
    """Train a copy of a net."""
    net = deepcopy(net)
    patches = Patches(
        photographs(0, 1, 2, 3),
        noise,
        needs=method.needs,
        sampling=Sampling(steps, batch=4, patch=32, seed=seed),
        device=CPU,
    )
    train(net, method, patches, precision=precision, device=CPU, report=lambda _: None)
    return net


@pytest.mark.parametrize(("name", "model"), PAIRS)
def test_bfloat16_learns_as_well_as_float32(name: str, model: str):
    """Both continue with one half-trained net, where errors are small, so that rounding would show, not luck.

    From the start on, two runs whose weights differ by rounding alone can end a decibel apart.
    """
    method, noise = METHODS[name], LEVELS[model]
    test = corrupt(photographs(10, 11), noise, seed=0)
    noisy = sum(image.scores["noisy_psnr"] for image in test.images) / len(test.images)
    half = trained(UNet(1, width=8, seed=1), method, noise, steps=120, seed=1, precision="float32")
    exact, rounded = (
        trained(half, method, noise, steps=50, seed=2, precision=precision)
        for precision in ("float32", "bfloat16")
    )
    in_float32, in_bfloat16 = (mean_psnr(Denoiser(net, method, noise, CPU), test) for net in (exact, rounded))
    assert in_float32 != in_bfloat16
    assert min(in_float32, in_bfloat16) > noisy + 1
    # Over seeds the difference is 0 with a standard deviation of .1 dB, as it is between nets in float32
    # whose weights differ by a thousandth at the start; of sure it is .16 dB. The gain is 6 to 11 dB.
    assert in_bfloat16 == pytest.approx(in_float32, abs=(in_float32 - noisy) / 20)


def test_auto_chooses_bfloat16_where_method_and_device_support_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision_module, "bfloat16_faults", lambda device: Bfloat16Faults("", ""))
    monkeypatch.setattr(precision_module, "has_bfloat16", lambda device: True)
    assert resolve_precision("auto", lowest="bfloat16", device=CPU) == "bfloat16"
    assert rejection_note("auto", lowest="bfloat16", device=CPU) == ""
    assert resolve_precision("auto", lowest="float32", device=CPU) == "float32"
    assert resolve_precision("float32", lowest="bfloat16", device=CPU) == "float32"
    monkeypatch.setattr(precision_module, "has_bfloat16", lambda device: False)
    assert resolve_precision("auto", lowest="bfloat16", device=CPU) == "float32"
    assert resolve_precision("bfloat16", lowest="bfloat16", device=CPU) == "bfloat16"


def test_bfloat16_is_refused_for_a_method_that_needs_float32() -> None:
    with pytest.raises(InputError, match="'bfloat16' is too low"):
        resolve_precision("bfloat16", lowest="float32", device=CPU)


@pytest.mark.parametrize("faults", [Bfloat16Faults("differ", ""), Bfloat16Faults("", "take 5.0 times")])
def test_auto_rejects_bfloat16_that_is_wrong_or_slow_and_says_so(
    monkeypatch: pytest.MonkeyPatch, faults: Bfloat16Faults
) -> None:
    monkeypatch.setattr(precision_module, "has_bfloat16", lambda device: True)
    monkeypatch.setattr(precision_module, "bfloat16_faults", lambda device: faults)
    assert resolve_precision("auto", lowest="bfloat16", device=CPU) == "float32"
    note = rejection_note("auto", lowest="bfloat16", device=CPU)
    assert note == f"precision float32: bfloat16 convolutions {faults.wrong or faults.slow}"
    assert rejection_note("auto", lowest="float32", device=CPU) == ""
    assert rejection_note("float32", lowest="bfloat16", device=CPU) == ""
    monkeypatch.setattr(precision_module, "has_bfloat16", lambda device: False)
    assert rejection_note("auto", lowest="bfloat16", device=CPU) == ""


def test_explicit_bfloat16_may_be_slow_but_not_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    faults = {CPU: Bfloat16Faults("", "take 5.0 times"), torch.device("cuda:9"): Bfloat16Faults("differ", "")}
    monkeypatch.setattr(precision_module, "bfloat16_faults", faults.get)
    assert resolve_precision("bfloat16", lowest="bfloat16", device=CPU) == "bfloat16"
    # A device that is not on this machine is checked when the run starts on it.
    assert resolve_precision("bfloat16", lowest="bfloat16", device=torch.device("cuda:9")) == "bfloat16"
    require_precision("float32", torch.device("cuda:9"))
    with pytest.raises(InputError, match="'bfloat16' does not work here: its convolutions differ"):
        require_precision("bfloat16", torch.device("cuda:9"))
    faults[CPU] = faults[torch.device("cuda:9")]
    with pytest.raises(InputError, match="'bfloat16' does not work here: its convolutions differ"):
        resolve_precision("bfloat16", lowest="bfloat16", device=CPU)

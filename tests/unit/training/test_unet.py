"""The U-Net: its size, its start, and its indifference to image sizes and neighbours in a batch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from bench.training.precision import in_precision
from bench.training.unet import DEPTH, UNet, _Join, reflect_to_stride

STRIDE = 2**DEPTH
CPU = torch.device("cpu")
SIZES = [(1, 1), (5, 7), (33, 31), (32, 96), (1, 40)]


def awake(channels: int, *, width: int = 4, seed: int = 0) -> UNet:
    """Make a net whose last layer is not zero, so that every layer counts; float64, evaluated."""
    net = UNet(channels, width=width, seed=seed).double().eval().requires_grad_(False)
    nn.init.normal_(net.exit.weight, generator=torch.Generator().manual_seed(1))
    return net


def random_image(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_million_weights_at_width_48(channels: int):
    count = sum(weight.numel() for weight in UNet(channels, width=48, seed=0).parameters())
    assert count == pytest.approx(1e6, rel=0.05)


def layers_of(net: UNet) -> list[nn.Conv2d]:
    return [layer for layer in net.modules() if isinstance(layer, nn.Conv2d)]


@pytest.mark.parametrize("channels", [1, 3])
def test_layers_are_those_of_the_appendix(channels: int):
    shapes = [
        (layer.in_channels, layer.out_channels) for layer in layers_of(UNet(channels, width=48, seed=0))
    ]
    down = [(channels, 48), *[(48, 48)] * 6]
    up = [(96, 96), (96, 96), *[(144, 96), (96, 96)] * 3]
    assert shapes == [*down, *up, (96 + channels, 64), (64, 32), (32, channels)]


def residual_by_the_appendix(net: UNet, image: Tensor) -> Tensor:
    """Apply the layers by the table of the Noise2Noise paper: max pooling, nearest up-sampling, skips."""
    remaining = iter(layers_of(net))

    def convolved(features: Tensor) -> Tensor:
        layer = next(remaining)
        return functional.conv2d(functional.pad(features, (1, 1, 1, 1)), layer.weight, layer.bias)

    def activated(features: Tensor) -> Tensor:
        result = convolved(features)
        return torch.where(result > 0, result, 0.1 * result)

    features, skips = activated(image), [image]
    for _ in range(5):
        features = activated(features).unfold(2, 2, 2).unfold(3, 2, 2).amax(dim=(4, 5))
        skips.append(features)
    features = activated(features)
    for skip in reversed(skips[:-1]):
        enlarged = features.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
        features = activated(activated(torch.cat([enlarged, skip], dim=1)))
    return convolved(features)


@pytest.mark.parametrize("channels", [1, 3])
def test_network_is_that_of_the_appendix(channels: int):
    net, image = awake(channels, width=6), random_image(2, channels, 64, 96)
    expected = image + residual_by_the_appendix(net, image)
    torch.testing.assert_close(net(image), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("deep", "skip"), [(5, 3), (2, 1)])
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (5, 4)])
def test_a_join_is_the_convolution_of_the_concatenation_it_avoids(
    deep: int, skip: int, size: tuple[int, int]
):
    """In value and in all gradients it is that of the enlarged features and the skip; in operations less."""
    height, width = size
    join = _Join(deep + skip, 6, kernel_size=3, padding=1).double()
    below, beside = random_image(2, deep, *size), random_image(2, skip, 2 * height, 2 * width, seed=1)
    inputs = [below.requires_grad_(), beside.requires_grad_(), join.weight, join.bias]
    joined = torch.cat([functional.interpolate(below, scale_factor=2, mode="nearest"), beside], dim=1)
    expected = functional.conv2d(joined, join.weight, join.bias, padding=1)
    with FlopCounterMode(display=False) as counter:
        found = join(below, beside)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    # A value takes 9 multiplications and additions for each channel of the skip, 4/9 of them for each below.
    assert counter.get_total_flops() == 2 * expected.numel() * (4 * deep + 9 * skip)
    weights = random_image(*expected.shape, seed=2)
    gradients = (torch.autograd.grad((each * weights).sum(), inputs) for each in (found, expected))
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12)


def test_widths_of_the_last_layers_are_rounded_up_to_multiples_of_8():
    for width in range(1, 65):
        *_, wide, narrow, _ = [layer.out_channels for layer in layers_of(UNet(1, width=width, seed=0))]
        for channels, published in ((wide, 4 * width / 3), (narrow, 2 * width / 3)):
            assert channels % 8 == 0
            assert published <= channels < published + 8


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_starts_from_the_identity_to_the_last_bit(channels: int, precision: str):
    image = random_image(2, channels, 37, 50).float() * 3 - 1
    network = in_precision(UNet(channels, width=4, seed=0), precision, CPU)
    assert torch.equal(network(image), image)


def test_weights_are_a_function_of_the_seed_alone():
    torch.manual_seed(0)
    first = UNet(1, width=4, seed=5).state_dict()
    torch.manual_seed(1)
    again, other = UNet(1, width=4, seed=5).state_dict(), UNet(1, width=4, seed=6).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    drawn = [name for name in first if name.endswith("weight") and name != "exit.weight"]
    assert len(drawn) == len(layers_of(UNet(1, width=4, seed=5))) - 1
    assert not any(torch.equal(first[name], other[name]) for name in drawn)


def test_he_initialisation_keeps_the_scale_of_a_leaky_rectifier():
    net = UNet(1, width=48, seed=0)
    for layer in layers_of(net)[:-1]:
        expected = np.sqrt(2 / (1 + 0.1**2) / (9 * layer.in_channels))
        # The sd of n normal draws has a relative spread of 1 / sqrt(2 n).
        limit = 5 / np.sqrt(2 * layer.weight.numel())
        assert layer.weight.std().item() == pytest.approx(expected, rel=limit)
        assert not layer.bias.any()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", SIZES)
def test_any_size_is_kept(channels: int, size: tuple[int, int]):
    image = random_image(2, channels, *size)
    output = awake(channels)(image)
    assert output.shape == image.shape
    assert torch.isfinite(output).all()
    assert not torch.allclose(output, image)


@pytest.mark.parametrize("size", SIZES)
def test_an_odd_image_is_the_corner_of_its_reflected_self(size: tuple[int, int]):
    image, net = random_image(1, 1, *size), awake(1)
    whole = net(torch.from_numpy(padded_by_numpy(image.numpy())))
    torch.testing.assert_close(net(image), whole[..., : size[0], : size[1]], rtol=0, atol=1e-12)


def padded_by_numpy(image: np.ndarray) -> np.ndarray:
    border = [(0, 0)] * (image.ndim - 2) + [(0, -side % STRIDE) for side in image.shape[-2:]]
    return np.pad(image, border, mode="reflect")


@pytest.mark.parametrize("size", [*SIZES, (2, 3), (64, 17), (31, 63)])
def test_padding_is_numpys_reflection(size: tuple[int, int]):
    image = random_image(2, 3, *size)
    np.testing.assert_array_equal(reflect_to_stride(image, STRIDE), padded_by_numpy(image.numpy()))


def test_a_multiple_of_the_stride_is_not_padded():
    image = random_image(1, 1, 64, 96)
    assert reflect_to_stride(image, STRIDE) is image


def test_images_of_a_batch_do_not_meet():
    net, images = awake(3), random_image(3, 3, 40, 40)
    alone = torch.cat([net(image[None]) for image in images])
    torch.testing.assert_close(net(images), alone, rtol=0, atol=1e-12)


def difference_under_shift(shift: int) -> float:
    """Compare the outputs for two windows of one image, ``shift`` pixels apart, far from their ends."""
    net, scene = awake(1), random_image(1, 1, STRIDE, 640)
    first, second = net(scene[..., :-STRIDE]), net(scene[..., shift : scene.shape[-1] - STRIDE + shift])
    middle = slice(256, 320)
    return (first[..., middle] - second[..., middle.start - shift : middle.stop - shift]).abs().max().item()


def test_a_shift_by_the_stride_shifts_the_output():
    assert difference_under_shift(STRIDE) < 1e-12
    # By half the stride the poolings meet other pixels: this is what five poolings cost.
    assert difference_under_shift(STRIDE // 2) > 1e-6


def test_an_output_pixel_sees_further_than_its_cell_of_poolings():
    image = random_image(1, 1, STRIDE, 640).requires_grad_()
    awake(1)(image)[0, 0, 16, 320].backward()
    seen = image.grad[0, 0].abs().sum(dim=0).nonzero().flatten() - 320
    assert seen.min() < -2 * STRIDE
    assert seen.max() > 2 * STRIDE
    assert seen.abs().max() < 256  # as `difference_under_shift` takes for granted


@pytest.mark.parametrize("channels", [1, 3])
def test_bfloat16_stays_inside(channels: int):
    net, image = awake(channels).float(), random_image(2, channels, 33, 47).float()
    exact = in_precision(net, "float32", CPU)(image)
    rounded = in_precision(net, "bfloat16", CPU)(image)
    assert exact.dtype == rounded.dtype == torch.float32
    assert torch.equal(exact, net(image))
    error = (rounded - exact).norm() / (exact - image).norm()
    # bfloat16 rounds by up to 2^-9; some twenty layers of it stay well below a tenth.
    assert 1e-4 < error < 0.1
    assert all(weight.dtype == torch.float32 for weight in net.parameters())


def test_bfloat16_reaches_every_layer():
    net = awake(1).float()
    kinds = []
    for layer in layers_of(net):
        layer.register_forward_hook(lambda _, given, result: kinds.append((given[0].dtype, result.dtype)))
    in_precision(net, "bfloat16", CPU)(random_image(1, 1, 32, 32).float())
    assert {result for _, result in kinds} == {torch.bfloat16}
    # Only the image itself arrives in float32: skip connections must not widen the features.
    assert [given for given, _ in kinds].count(torch.float32) == 1

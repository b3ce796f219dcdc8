from __future__ import annotations

import copy
import math
import os
import warnings
from pathlib import Path

import lpips
import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from bench.errors import InputError
from bench.scoring.metrics import Lpips, load_lpips, psnr, ssim, too_small_for_lpips

CPU = torch.device("cpu")
SSIM_TOLERANCE = 5e-5  # of float32 where the noise is near nothing; 1e-6 where there is some
PHOTOGRAPHS = {"grey": data.camera, "colour": data.astronaut, "low grey": data.coins}


def batch(image: np.ndarray) -> torch.Tensor:
    image = image.reshape(*image.shape[:2], -1)
    return torch.from_numpy(image / 255).permute(2, 0, 1)[None].float()


def crop(name: str) -> torch.Tensor:
    return batch(PHOTOGRAPHS[name]()[100:200, 150:273])


def noisy(clean: torch.Tensor, *, sigma: float, seed: int = 0) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    return (clean + sigma / 255 * torch.randn(clean.shape, generator=rng)).clamp(0, 1)


def reference_ssim(denoised: torch.Tensor, clean: torch.Tensor) -> float:
    return structural_similarity(
        denoised[0].double().numpy(),
        clean[0].double().numpy(),
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=1,
        channel_axis=0,
    )


def test_psnr_by_hand():
    clean = torch.full((2, 3, 4, 5), 0.5)
    denoised = clean + torch.tensor([0.1, -0.01]).view(2, 1, 1, 1)
    score = psnr(denoised, clean)
    assert score.dtype == torch.float64
    torch.testing.assert_close(score, torch.tensor([20.0, 40.0]).double(), atol=1e-4, rtol=0)
    assert psnr(clean, clean).tolist() == [math.inf, math.inf]


def test_psnr_has_peak_1_even_where_the_image_is_dark():
    dark = crop("grey") / 10
    assert psnr(dark + 0.1, dark).item() == pytest.approx(20, abs=1e-4)


@pytest.mark.parametrize("sigma", [0.5, 25, 100])
@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_scores_agree_with_scikit_image(name, sigma):
    clean = crop(name)
    denoised = noisy(clean, sigma=sigma)
    assert ssim(denoised, clean).item() == pytest.approx(reference_ssim(denoised, clean), abs=SSIM_TOLERANCE)
    by_skimage = peak_signal_noise_ratio(clean.double().numpy(), denoised.double().numpy(), data_range=1)
    assert psnr(denoised, clean).item() == pytest.approx(by_skimage, abs=1e-9)


@pytest.mark.parametrize("size", [(11, 11), (11, 100), (100, 11), (12, 37)])
def test_ssim_agrees_at_small_and_narrow_sizes(size):
    clean = crop("colour")[:, :, : size[0], : size[1]]
    denoised = noisy(clean, sigma=25)
    assert ssim(denoised, clean).item() == pytest.approx(reference_ssim(denoised, clean), abs=SSIM_TOLERANCE)


def test_ssim_never_reads_its_range_from_the_batch():
    dark = crop("grey") / 10
    denoised = noisy(dark, sigma=5)
    assert ssim(denoised, dark).item() == pytest.approx(reference_ssim(denoised, dark), abs=SSIM_TOLERANCE)
    bright_too = ssim(torch.cat([denoised, denoised * 0 + 1]), torch.cat([dark, dark]))
    assert bright_too[0].item() == pytest.approx(ssim(denoised, dark).item(), abs=1e-12)


def test_scores_are_per_image_and_in_order():
    clean = torch.cat([crop("colour")] * 3)
    denoised = torch.cat([noisy(clean[:1], sigma=sigma) for sigma in (10, 50, 25)])
    for score in (psnr, ssim):
        together = score(denoised, clean)
        apart = torch.cat([score(denoised[i : i + 1], clean[i : i + 1]) for i in range(3)])
        assert together.shape == (3,)
        torch.testing.assert_close(together, apart, atol=1e-12, rtol=0)
        assert together[0] > together[2] > together[1]


@pytest.mark.parametrize("score", [psnr, ssim])
def test_bad_images_are_refused(score):
    grey, colour = crop("grey"), crop("colour")
    with pytest.raises(InputError, match=r"\(1, 1, 100, 123\) and \(1, 3, 100, 123\)"):
        score(grey, colour)
    with pytest.raises(InputError, match="one shape"):
        score(grey[0], grey[0])
    with pytest.raises(InputError, match=r"floating point.*uint8"):
        score((grey * 255).byte(), (grey * 255).byte())


def test_ssim_refuses_images_smaller_than_its_window():
    with pytest.raises(InputError, match="11 pixels a side"):
        ssim(torch.zeros(1, 1, 10, 40), torch.zeros(1, 1, 10, 40))


@pytest.mark.data
@pytest.mark.parametrize("images", ["set12", "cbsd68"])
def test_scores_agree_with_scikit_image_on_the_test_sets(images):
    root = os.environ.get("NOISEBENCH_DATA")
    if not root:
        pytest.skip("NOISEBENCH_DATA is not set")
    files = sorted((Path(root) / images).glob("*.png"))
    if not files:
        pytest.skip(f"no images under NOISEBENCH_DATA/{images}")
    clean = batch(np.asarray(Image.open(files[0])))
    denoised = noisy(clean, sigma=25)
    assert ssim(denoised, clean).item() == pytest.approx(reference_ssim(denoised, clean), abs=SSIM_TOLERANCE)


@pytest.fixture(scope="module")
def distance():
    with warnings.catch_warnings(), torch.random.fork_rng():
        warnings.simplefilter("ignore", UserWarning)
        torch.manual_seed(0)
        return Lpips(lpips.LPIPS(net="alex", pnet_rand=True, verbose=False), CPU)


def test_lpips_is_zero_for_equal_images_and_per_image(distance):
    clean = torch.cat([crop("colour")] * 3)
    denoised = torch.cat([noisy(clean[:1], sigma=50), clean[:1], noisy(clean[:1], sigma=10)])
    together = distance(denoised, clean)
    assert together.shape == (3,)
    assert together.dtype == torch.float64
    assert together[1] == 0
    assert together[0] > together[2] > 0
    torch.testing.assert_close(together[2:], distance(denoised[2:], clean[2:]))


def test_lpips_scales_to_minus_one_and_one(distance):
    clean = crop("colour")
    denoised = noisy(clean, sigma=25)
    by_package = distance.net(denoised, clean, normalize=True).flatten().double()
    torch.testing.assert_close(distance(denoised, clean), by_package)


def test_lpips_repeats_grey(distance):
    clean = crop("grey")
    denoised = noisy(clean, sigma=25)
    three = [image.repeat(1, 3, 1, 1) for image in (denoised, clean)]
    torch.testing.assert_close(distance(denoised, clean), distance(*three), atol=0, rtol=0)


def test_lpips_refuses_what_alexnet_cannot_take(distance):
    with pytest.raises(InputError, match="1 or 3 channels"):
        distance(torch.zeros(1, 2, 40, 40), torch.zeros(1, 2, 40, 40))
    with pytest.raises(InputError, match="31 pixels a side"):
        distance(torch.zeros(1, 1, 30, 40), torch.zeros(1, 1, 30, 40))
    assert distance(torch.zeros(1, 1, 31, 31), torch.zeros(1, 1, 31, 31)) == 0


def test_images_too_small_for_lpips_are_named_with_their_size():
    sizes = {"a.png": (31, 40), "b.png": (30, 40), "c.png": (64, 12)}
    said = too_small_for_lpips(sizes)
    assert said.startswith("not computed for 2 of 3 images, which are smaller than 31 pixels a side")
    assert said.endswith("b.png (30x40), c.png (64x12)")
    assert too_small_for_lpips({"a.png": (31, 40)}) == ""
    assert too_small_for_lpips({f"{n}.png": (8, 8) for n in range(5)}).endswith("2.png (8x8) and 2 more")


@pytest.fixture(scope="module")
def published_lpips():
    root = os.environ.get("NOISEBENCH_DATA")
    if not root or not (Path(root) / "lpips" / "ex_ref.png").is_file():
        pytest.skip("NOISEBENCH_DATA does not name a folder with lpips/ex_ref.png and the weights")
    folder = Path(root) / "lpips"
    images = {
        name: batch(np.asarray(Image.open(folder / f"ex_{name}.png").convert("RGB"))) for name in EXAMPLE
    }
    return load_lpips(CPU, Path(root), download=False), images


EXAMPLE = ("ref", "p0", "p1")


@pytest.mark.data
@pytest.mark.parametrize(("distorted", "published"), [("p0", 0.722), ("p1", 0.138)])
def test_lpips_of_the_example_of_its_authors_is_as_published(published_lpips, distorted, published):
    distance, images = published_lpips
    assert distance(images[distorted], images["ref"]).item() == pytest.approx(published, abs=5e-4)


@pytest.mark.data
def test_lpips_in_float32_is_that_in_float64(published_lpips):
    distance, images = published_lpips
    exact = copy.deepcopy(distance.net).double()
    clean = crop("colour")
    for first, second in [(images["p0"], images["ref"]), (noisy(clean, sigma=25), clean)]:
        expected = exact(2 * first.double() - 1, 2 * second.double() - 1).item()
        assert distance(first, second).item() == pytest.approx(expected, abs=1e-6)

"""Training throughput against deepinv's Trainer: one network, one size, in turn within one run.

Rates are the machine's; only that ours is the higher one is asserted. The table shows by how much.
"""

from __future__ import annotations

import copy
import multiprocessing
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from statistics import median
from typing import TYPE_CHECKING

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, StackDataset

from bench.images.clean_image import CleanImage
from bench.images.image_set import ImageSet
from bench.noise import Gaussian
from bench.system.devices import open_device
from bench.training.loop import train
from bench.training.patches import Patches, Sampling
from bench.training.precision import has_bfloat16, resolve_precision
from bench.training.unet import UNet
from methods.supervised import Supervised
from methods.sure import Sure
from tests.support.images import photograph

if TYPE_CHECKING:
    import pytest

    from bench.method import Need
    from bench.settings import Precision

Rate = Callable[[], float]
"""Trains for a few steps and gives patches per second."""

Contender = tuple[str, str, str, str]
"""Trainer, network, precision and loss."""

CPU = torch.device("cpu")
METHODS = {"supervised": Supervised(), "sure": Sure()}
NOISE = Gaussian(25)
WIDTH, THREADS, ROUNDS = 32, 2, 5
SAMPLING = Sampling(steps=4, batch=16, patch=64, seed=0)


class Textbook(nn.Conv2d):
    """Enlarges deep features, concatenates the skip connection and convolves, one after the other."""

    def forward(self, deep: Tensor, skip: Tensor) -> Tensor:
        enlarged = functional.interpolate(deep, scale_factor=2, mode="nearest")
        return super().forward(torch.cat([enlarged, skip], dim=1))


def by_the_book(net: UNet) -> UNet:
    """Copy a network with its weights; the copy joins its levels as one would without our shortcut."""
    net = copy.deepcopy(net)
    for rise in (*net.up, net.last):
        join = Textbook(rise.join.in_channels, rise.join.out_channels, kernel_size=3, padding=1)
        join.load_state_dict(rise.join.state_dict())
        rise.join = join
    return net


NETWORKS: dict[str, Callable[[UNet], UNet]] = {"textbook": by_the_book, "ours": copy.deepcopy}


class Model(nn.Module):
    """A network as deepinv calls it, with the forward operator, which a denoiser does not need."""

    def __init__(self, net: UNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, y: Tensor, physics: nn.Module) -> Tensor:
        return self.net(y)


def patches_of(needs: frozenset[Need]) -> Patches:
    photographs = tuple(
        CleanImage(str(seed), photograph(180, 180, 1, seed=seed)[..., None]) for seed in range(4)
    )
    images = ImageSet("generated", photographs, 1, "", ())
    return Patches(images, NOISE, needs=needs, sampling=SAMPLING, device=CPU)


def our_rate(loss: str, precision: Precision) -> Rate:
    method = METHODS[loss]
    net, patches = UNet(1, width=WIDTH, seed=0), patches_of(method.needs)
    device = open_device("cpu")  # which tunes the process, as a run does

    def rate() -> float:
        cost = train(net, method, patches, precision=precision, device=device, report=lambda _: None)
        return cost.patches_per_second

    return rate


def their_rate(network: str, loss: str, precision: Precision) -> Rate:
    """Spare deepinv all that its options leave out: metrics, plots, progress bars and checkpoints.

    Its patches were cut and corrupted beforehand, while ours are cut in the loop. Adam is the same.
    """
    import deepinv

    warnings.filterwarnings("ignore", "Trainer running with AMP")
    losses = {"supervised": deepinv.loss.SupLoss(), "sure": deepinv.loss.SureGaussianLoss(NOISE.sd)}
    net, patches = NETWORKS[network](UNet(1, width=WIDTH, seed=0)), patches_of(frozenset({"clean", "noisy"}))
    batches = [patches(step).images for step in range(1 if is_emulated(precision) else SAMPLING.steps)]
    clean, noisy = (torch.cat([images[name] for images in batches]) for name in ("clean", "noisy"))
    trainer = deepinv.Trainer(
        model=Model(net),
        physics=deepinv.physics.Denoising(deepinv.physics.GaussianNoise(NOISE.sd)),
        optimizer=torch.optim.Adam(net.parameters(), lr=2e-3, betas=(0.9, 0.99), fused=True),
        train_dataloader=DataLoader(StackDataset(x=clean, y=noisy), batch_size=SAMPLING.batch),
        epochs=1,
        losses=losses[loss],
        metrics=None,
        compute_train_metrics=False,
        device=CPU,
        save_path=None,
        verbose=False,
        show_progress_bar=False,
        mixed_precision="bfloat16" if precision == "bfloat16" else False,
        non_blocking_transfers=False,
    )

    def rate() -> float:
        start = time.perf_counter()
        trainer.train()
        return len(clean) / (time.perf_counter() - start)

    return rate


@cache
def prepared(contender: Contender) -> Rate:
    trainer, network, precision, loss = contender
    torch.set_num_threads(THREADS)
    return our_rate(loss, precision) if trainer == "noisebench" else their_rate(network, loss, precision)


def turn(contender: Contender) -> float:
    return prepared(contender)()


def is_emulated(precision: Precision) -> bool:
    return precision == "bfloat16" and not has_bfloat16(CPU)


def medians(contenders: list[Contender]) -> list[float]:
    """Let all take turns, each trainer in a process of its own, and leave out the turn that warms up.

    Emulated bfloat16 is tens of times slower, so that the one step of its first turn says enough.
    """
    rates: dict[Contender, list[float]] = {contender: [] for contender in contenders}
    context = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(1, mp_context=context) as ours,
        ProcessPoolExecutor(1, mp_context=context) as theirs,
    ):
        for number in range(1 + ROUNDS):
            for contender in contenders:
                trainer, _, precision, _ = contender
                if number == 0 or not is_emulated(precision):
                    process = ours if trainer == "noisebench" else theirs
                    rates[contender].append(process.submit(turn, contender).result())
    return [median(each[1:] or each) for each in rates.values()]


def compared(loss: str) -> pd.DataFrame:
    """Measure patches per second of ours and of all theirs, and how many times theirs ours is."""
    own = resolve_precision("auto", lowest=METHODS[loss].precision, device=CPU)
    contenders: list[Contender] = [("noisebench", "ours", own, loss)]
    contenders += [
        ("deepinv", network, precision, loss)
        for precision in ("float32", "bfloat16")
        # Emulated, one network is enough: it takes most of the time.
        for network in (["textbook"] if is_emulated(precision) else NETWORKS)
    ]
    table = pd.DataFrame(contenders, columns=["trainer", "network", "precision", "loss"])
    table["patches/s"] = medians(contenders)
    return table.assign(**{"ours/theirs": table["patches/s"].iloc[0] / table["patches/s"]})


def test_textbook_network_is_the_same_function():
    net = UNet(1, width=WIDTH, seed=0).requires_grad_(False)
    rng = torch.Generator().manual_seed(1)
    nn.init.normal_(net.exit.weight, std=0.05, generator=rng)
    image = torch.rand((2, 1, 64, 64), generator=rng)
    assert not torch.allclose(net(image), image, atol=0.01)
    torch.testing.assert_close(by_the_book(net)(image), net(image), rtol=0, atol=1e-5)


def test_training_is_faster_than_theirs(capsys: pytest.CaptureFixture[str]):
    """In patches per second, against deepinv's better precision with the network that its users have.

    Both losses; deepinv's other settings are in the table, which is printed.
    """
    table = pd.concat([compared(loss) for loss in METHODS])
    textbook = table[(table["trainer"] == "deepinv") & (table["network"] == "textbook")]
    lead = textbook.groupby("loss")["ours/theirs"].min()
    with capsys.disabled():
        print(f"\n\nTraining on {THREADS} threads, median of {ROUNDS} rounds")
        print(table.round(2).to_string(index=False))
        found = ", ".join(f"{loss} {ratio:.2f}" for loss, ratio in lead.items())
        print(f"ours/theirs, textbook network in deepinv's better precision: {found}")
    assert (lead > 1).all(), lead

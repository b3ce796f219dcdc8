"""The contract: what a batch withholds, and how a method describes itself."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch

from bench.errors import InputError
from bench.method import NEEDS, Batch, Untrained, WithheldError, sees, squared_error
from bench.noise import Gaussian
from methods.noise2score import Noise2Score
from methods.supervised import Supervised
from tests.support.methods.calculus import progress_of, rng_of

IMAGES = {name: torch.full((3, 1, 2, 2), float(index)) for index, name in enumerate(NEEDS[:3])}


@dataclass(frozen=True)
class Filter(Untrained):
    needs = frozenset({"noisy", "noise"})
    radius: int = 1

    def denoise(self, net, noisy, noise):
        return noisy


@pytest.mark.parametrize("need", NEEDS[:3])
def test_a_batch_has_only_declared_images(need: str):
    batch = Batch({need: IMAGES[need]}, None)
    assert getattr(batch, need) is IMAGES[need]
    for other in {*NEEDS} - {need}:
        with pytest.raises(WithheldError, match=f"no '{other}': declare it"):
            getattr(batch, other)


def test_the_first_patches_keep_their_parameters():
    levels = torch.tensor([20.0, 30.0, 40.0]).view(3, 1, 1, 1)
    first = Batch(IMAGES, Gaussian(levels), {"eta": torch.tensor(2.0)}).first(2)
    assert first.size == 2
    assert first.noise.level.flatten().tolist() == [20, 30]
    assert first.multipliers == {"eta": torch.tensor(2.0)}
    assert Batch(IMAGES, Gaussian(25)).first(2).noise == Gaussian(25)


def test_settings_are_the_changed_hyper_parameters():
    method = Noise2Score(domain="raw", formula="paper")
    assert method.settings == "domain=raw,formula=paper"
    assert Noise2Score().settings == ""
    assert Filter(radius=2).hyper_parameters == {"radius": 2}


def test_what_a_method_sees_is_described_in_the_order_of_the_contract():
    assert sees(Supervised) == "noisy + clean"
    assert sees(Noise2Score()) == "noisy + noise"
    assert sees(Filter) == "noisy + noise, untrained"


def test_blind_methods_see_the_noise_model_alone():
    assert sees(Noise2Score, blind=True) == "noisy + noise model"
    assert sees(Supervised, blind=True) == "noisy + clean"


def test_an_untrained_method_has_no_loss():
    with pytest.raises(InputError, match="Filter is not trained"):
        Filter().loss(torch.zeros_like, Batch(IMAGES, None), rng_of(), progress_of(0))


def test_the_default_estimate_is_the_given_noise():
    noise = Gaussian(25)
    assert Supervised().estimate(torch.zeros_like, IMAGES["noisy"], noise) is noise


def test_squared_error_is_the_mean_over_each_image():
    estimate = torch.zeros(2, 1, 1, 2)
    target = torch.tensor([[1.0, 3.0], [0.0, 2.0]]).view(2, 1, 1, 2)
    assert squared_error(estimate, target).tolist() == [5, 2]

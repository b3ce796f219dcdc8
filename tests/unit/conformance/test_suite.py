"""The conformance suite: every method passes it, and every broken entry is caught with its fault named."""

from __future__ import annotations

import re

import pytest
import torch

import methods
from bench.cli.authors import check
from bench.conformance.accelerator import ACCELERATOR, Generator, NoShapeError, ValueReadError, pretend
from bench.conformance.case import Subject, awake
from bench.conformance.rng_guard import Watch
from bench.conformance.suite import OF_DENOISING, OF_LOSS, OF_TRAINING, examine, title
from bench.conformance.training_checks import costs
from bench.discovery import listings, parse_method
from bench.noise import Gaussian
from tests.support.repository import BROKEN

VARIANTS = [
    "noise2score:antithetic=True",
    "noise2score:domain=raw,formula=paper",
]
DECLARATION = "declares itself"
# The check that must find each fault, and words that must name it.
FAULTS = {
    "peeks_at_clean": ("sees only what it declares", "holds no 'clean': declare it"),
    "peeks_where_it_can": ("sees only what it declares", r"batch\.images .* \(noisy2, clean\)"),
    "ignores_the_seed": ("draws from its generator", r"aten\.rand from another generator than `rng`"),
    "global_random_state": ("draws from its generator", r"aten\.randn_like from another generator"),
    "numpy_random_state": ("draws from its generator", "global generator of torch, NumPy or Python"),
    "mean_over_the_batch": ("gives one loss per image", r"shape \(\), but must be \(3,\)"),
    "half_the_network": ("has a gradient", "tensors of weights is zero"),
    "detached": ("has a gradient", "does not depend on the network"),
    "nan_at_zero": ("bears black and white", "the loss is not finite where the clean image is 0"),
    "mixes_images": ("keeps images apart", "depends on the other images"),
    "mixes_unseen": ("keeps images apart", "depends on the other images"),
    "changes_its_input": ("leaves its input alone", r"changes batch\.noisy in place"),
    "overflows_in_float16": ("gives one loss per image", r"not finite: \[inf"),
    "unknown_noise": (DECLARATION, "`noises` names speckle, but the contract knows gamma, gaussian, poisson"),
    "wrong_noise": (
        "gives one loss per image",
        r"'Gamma' object has no attribute 'sd' \(wrong_noise\.py, line",
    ),
    "misspelt_need": (DECLARATION, "`needs` names cleen"),
    "no_default": (DECLARATION, "hyper-parameters strength have no default"),
    "waits_for_the_device": ("runs on an accelerator", "reads a tensor's value"),
    "waits_for_a_mask": ("runs on an accelerator", "reads a tensor's value .* a mask as an index"),
    "weighs_on_the_host": ("runs on an accelerator", r"does not run on a GPU: .*device.*cpu"),
    "comes_back_to_the_host": ("runs on an accelerator", "the loss of images on a GPU is on cpu"),
    "rounded_away": ("bears its precision", 'set precision = "float32"'),
    "one_level_for_all": ("takes an estimate for each image", r"one_level_for_all\.py, line"),
    "learns_nothing": ("learns", r"at least \+1 dB is asked for"),
    "halves_the_image": ("keeps any shape", "come back in another shape"),
    "denoises_by_chance": ("denoises the same again", "draws from a global generator"),
    "denoises_in_company": ("denoises images alone", "when others stand beside it"),
}


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add the broken entries to those that are found."""
    monkeypatch.setattr(methods, "__path__", [*methods.__path__, str(BROKEN)])


def test_every_broken_entry_is_expected_to_be_caught():
    assert set(FAULTS) == {file.stem for file in BROKEN.glob("*.py")}


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize("name", FAULTS)
def test_a_broken_entry_is_caught_with_its_fault_named(name: str):
    check, words = FAULTS[name]
    faults = {finding.check: finding.fault for finding in examine(name) if finding.fault}
    assert re.search(words, faults[check]), faults


@pytest.mark.parametrize("spec", [*listings(), *VARIANTS])
def test_every_method_keeps_to_the_contract(spec: str):
    if spec == "bm3d":
        pytest.importorskip("bm3d")
    findings = list(examine(spec))
    assert not [finding for finding in findings if finding.fault]
    noises = {finding.noise for finding in findings} - {""}
    assert noises == set(parse_method(spec)[1].noises)


@pytest.mark.usefixtures("broken")
def test_what_is_broken_is_not_trained():
    asked = [finding.check for finding in examine("mixes_images")]
    assert asked == [DECLARATION, *(title(check) for check in (*OF_LOSS, *OF_DENOISING))]
    assert not {title(check) for check in OF_TRAINING} & set(asked)


@pytest.mark.usefixtures("broken")
def test_the_command_shows_each_fault_and_exits_with_1(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as exit_:
        check("changes_its_input")
    shown = capsys.readouterr().out
    assert exit_.value.code == 1
    assert "leaves its input alone, gaussian: the loss changes batch.noisy in place; work on a copy" in shown
    assert re.search(r"│ leaves its input alone +│ FAULT", shown)
    assert re.search(r"│ has a gradient +│ ok", shown)
    assert re.search(r"\d+ of \d+ checks found a fault", shown)


@pytest.mark.parametrize(("spec", "passes"), [("supervised", "1.00 x"), ("sure", "2.00 x")])
def test_the_cost_of_a_step_counts_the_passes_of_the_network(spec: str, passes: str):
    assert costs(Subject(parse_method(spec)[1], Gaussian(25))) == passes


def test_a_watch_tells_generators_apart():
    own, other = torch.Generator(), torch.Generator()
    with Watch(own) as watch:
        torch.rand(2, generator=own)
        torch.empty(2).bernoulli_(0.5, generator=own)
    assert watch.strays == []
    with Watch(own) as watch:
        torch.rand(2, generator=other)
        torch.nn.functional.dropout(torch.ones(2))
    assert len(watch.strays) == 2
    with Watch() as watch:
        torch.rand(2, generator=other)
    assert watch.strays == []


def test_an_accelerator_that_is_not_there_knows_devices_shapes_and_no_values():
    with pretend():
        image = torch.ones(2, 3, device=ACCELERATOR)
        noise = torch.randn(image.shape, generator=Generator(), device=Generator().device)
        assert (image @ noise.T).shape == (2, 2)
        assert torch.where(noise > 0, 1.0, image).device == ACCELERATOR
        with pytest.raises(RuntimeError, match="device"):
            image + torch.ones(2, 3)
    with pytest.raises(ValueReadError), pretend():
        bool(torch.ones(1, device=ACCELERATOR) > 0)
    with pytest.raises(ValueReadError), pretend():
        image = torch.ones(2, 3, device=ACCELERATOR)
        image[image > 0]
    with pytest.raises(NoShapeError, match=r"aten\.binomial"), pretend():
        image = torch.ones(2, 3, device=ACCELERATOR)
        torch.binomial(image, image / 2)


def test_the_network_of_the_checks_uses_every_layer():
    net = awake(1)
    net(torch.rand(1, 1, 32, 32)).sum().backward()
    assert all(weights.grad.any() for weights in net.parameters())

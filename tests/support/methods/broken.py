"""The methods under ``tests/broken``: the check that must report each fault, and words of its message."""

from __future__ import annotations

import re

import methods
from bench.conformance.suite import examine
from tests.support.repository import BROKEN

FAULTS = {
    "misspelt_need": ("declares itself", "`needs` names cleen"),
    "no_default": ("declares itself", "hyper-parameters strength have no default"),
    "unknown_noise": (
        "declares itself",
        "`noises` names speckle, but the contract knows only gamma, gaussian, poisson",
    ),
    "half_a_patch": ("declares itself", "`patch_scale` is 0.5, but must be a whole number"),
    "reads_clean": ("sees only what it declares", "holds no 'clean': declare it"),
    "reads_clean_if_present": ("sees only what it declares", r"batch\.images .* \(noisy2, clean\)"),
    "mean_over_the_batch": ("returns one loss per image", r"shape \(\), but must be \(3,\)"),
    "overflows_in_float16": ("returns one loss per image", r"not finite: \[inf"),
    "wrong_noise": (
        "returns one loss per image",
        r"'Gamma' object has no attribute 'sd' \(wrong_noise\.py, line",
    ),
    "half_the_network": ("has a gradient", "tensors of weights is zero"),
    "detached": ("has a gradient", "does not depend on the network"),
    "nan_at_zero": ("is stable on black and white", "the loss is not finite where the clean image is 0"),
    "ignores_the_seed": ("draws from its generator", r"aten\.rand from a generator other than `rng`"),
    "global_random_state": ("draws from its generator", r"aten\.randn_like from a generator other"),
    "numpy_random_state": ("draws from its generator", "global generator of torch, NumPy or Python"),
    "changes_its_input": ("leaves its input unchanged", r"changes batch\.noisy in place"),
    "mixes_images": ("treats images independently", "depends on the other images"),
    "mixes_detached_images": ("treats images independently", "depends on the other images"),
    "one_level_for_all_images": ("accepts one estimate per image", r"one_level_for_all_images\.py, line"),
    "waits_for_a_value": ("runs on an accelerator", "reads a tensor's value"),
    "waits_for_a_mask": ("runs on an accelerator", "reads a tensor's value .* a mask as an index"),
    "tensor_on_the_host": ("runs on an accelerator", r"does not run on a GPU: .*device.*cpu"),
    "loss_on_the_host": ("runs on an accelerator", "the loss of images on a GPU is on cpu"),
    "rounded_away": ("is stable in its precision", 'set precision = "float32"'),
    "halves_the_image": ("accepts any image size", "are returned in another shape"),
    "mixes_denoised_images": ("denoises images independently", "with the other images of its batch"),
    "random_denoising": ("denoises reproducibly", "draws from a global generator"),
    "larger_patches": ("costs", r"with `patch_scale` 2 a step costs 2.00 times"),
    "learns_nothing": ("learns", r"at least \+1 dB is required"),
}


def broken_in(*titles: str) -> list[str]:
    """Return the broken methods that one of these checks must report."""
    return [name for name, (check, _) in FAULTS.items() if check in titles]


def folders() -> list[str]:
    """Return the folders of broken methods, for ``methods.__path__``."""
    return [*methods.__path__, *(str(folder) for folder in sorted(BROKEN.iterdir()) if folder.is_dir())]


def assert_reported(name: str) -> None:
    """Assert that the check of a broken method reports its fault."""
    check, words = FAULTS[name]
    faults = {finding.check: finding.fault for finding in examine(name) if finding.fault}
    assert re.search(words, faults[check]), faults

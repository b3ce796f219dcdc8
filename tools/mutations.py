"""Break the code on purpose, one formula or key at a time, and see that a test fails.

``python tools/mutations.py`` runs all, ``python tools/mutations.py poisson pure`` those whose description
holds one of the words; with ``--write`` the table in tests/README.md is renewed. The exit code is 1 where a
mutation is not caught, no longer applies or is missing from the table.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

ROOT = Path(__file__).parents[1]
README = ROOT / "tests" / "README.md"
START, END = "<!-- mutations: start -->", "<!-- mutations: end -->"
PARALLEL = 2
SLOW_TO_IMPORT = ["pytest", "hypothesis", "scipy.stats", "torch", "torchmetrics", "lpips", "skimage"]


@dataclass(frozen=True)
class Mutation:
    """One fault.

    Args:
        name: what is broken.
        file: relative to the root of the repository.
        old: text that occurs in the file exactly once.
        new: what it is replaced by.
        test: of pytest, relative to tests/, which must fail.
    """

    name: str
    file: str
    old: str
    new: str
    test: str

    def apply(self, root: Path) -> None:
        """Break the copy of the repository under ``root``.

        Raises:
            ValueError: the old text does not occur exactly once.
        """
        path = root / self.file
        text = path.read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            raise ValueError(f"{self.name}: {self.old!r} occurs {text.count(self.old)} times in {self.file}")
        path.write_text(text.replace(self.old, self.new), encoding="utf-8")


NOISE, SCORE, SURE = "bench/noise/models.py", "methods/noise2score.py", "methods/sure.py"
VOID, PATCHES, EVALUATION = "methods/noise2void.py", "bench/training/patches.py", "bench/scoring/evaluate.py"
METRICS, UNET, STEP, TRAINING = (
    "bench/scoring/metrics.py",
    "bench/training/unet.py",
    "bench/training/step.py",
    "bench/training/loop.py",
)
STOPWATCH, RUNNING = "bench/system/stopwatch.py", "bench/runs/execute.py"
LEVEL, FAMILY = "bench/noise/level.py", "bench/noise/identify.py"
STATISTICS, REPRODUCTION, CONTRASTS = (
    "bench/analysis/statistics.py",
    "bench/published/reproduction.py",
    "bench/tables/paired_differences.py",
)
REFERENCE, VERIFY, TRAININGS = (
    "bench/store/reference.py",
    "bench/published/verify.py",
    "bench/published/retraining.py",
)
IMAGE_FILE = "bench/images/safe_decode.py"
SEAL, STORE = "bench/store/integrity.py", "bench/store/store.py"
HOMOGENISE, DENOISER, PLAN = "bench/homogenise.py", "bench/scoring/denoiser.py", "bench/runs/plan.py"

GOES_ON = "unit/training/test_checkpoint.py::test_a_stopped_training_goes_on_to_the_same_weights"
GAUSSIAN_RULE = "exact/test_tweedie_gaussian.py::test_rule_gives_the_posterior_mean"
TWO_STEPS = "exact/test_tweedie_gaussian.py::test_two_steps_give_the_posterior_mean_of_the_total_variance"
POISSON_RULE = "exact/test_tweedie_poisson.py::test_rule_comes_near_the_geometric_mean"
GAMMA_RULE = "exact/test_tweedie_gamma.py::test_rule_is_the_harmonic_mean_and_not_the_mean"
RISK = "exact/test_unbiased_risks.py::test_every_risk_is_exact_for_an_affine_denoiser"
LEAST = "exact/test_score_matching.py::test_loss_is_least_at_the_score_of_the_perturbed_images"
NEIGHBOUR = "exact/test_blind_spots.py::test_replacement_is_any_neighbour_but_never_the_pixel"
SPREAD = "unit/noise/test_blind.py::test_spread_gives_the_parameter_back"
LAW = "unit/noise/test_models.py::test_mean_and_variance"
DRAWN = "unit/noise/test_models.py::test_drawn_mean_and_variance"
RESAMPLED = "unit/training/test_patches.py::test_resampled_noise_is_new_in_every_patch_and_step"
JOIN = "unit/training/test_unet.py::test_a_join_is_the_convolution_of_what_it_never_makes"
BY_HAND = "unit/training/test_step.py::test_a_step_is_one_of_adam_on_the_mean_loss"
TRIAL = "unit/training/test_loop.py::test_trying_the_loss_out_moves_no_weight_and_leaves_no_gradient"
CLOCK = "unit/training/test_loop.py::test_seconds_are_those_of_the_steps_alone"
WAY_BACK = "unit/test_homogenise.py::test_the_way_back_inverts_the_mean"
CURVE = "unit/runs/test_launch.py::test_a_curve_holds_halved_steps_of_the_first_test_set"

MUTATIONS = (
    # How noise is drawn
    Mutation(
        "sigma taken for a variance",
        NOISE,
        "self.parameter / 255 * rng",
        "(self.parameter / 255) ** 0.5 * rng",
        LAW,
    ),
    Mutation("Poisson counts not scaled back", NOISE, "(self.parameter * rng.poisson(", "(rng.poisson(", LAW),
    Mutation(
        "Gamma scale taken for a rate",
        NOISE,
        "clean.shape) / self.parameter)",
        "clean.shape) * self.parameter)",
        LAW,
    ),
    Mutation(
        "noisy images clipped to [0, 1]",
        NOISE,
        "rng.standard_normal(clean.shape))",
        "rng.standard_normal(clean.shape)).clip(0, 1)",
        "unit/noise/test_models.py::test_never_clipped",
    ),
    Mutation(
        "Gamma noise ignores its stream",
        NOISE,
        "rng.standard_gamma(",
        "np.random.default_rng(0).standard_gamma(",
        "unit/noise/test_models.py::test_noise_is_a_function_of_clean_and_stream",
    ),
    # How noise is drawn on a device
    Mutation(
        "sigma squared in the noise drawn on a device",
        NOISE,
        "clean + self.sd * torch",
        "clean + self.sd**2 * torch",
        DRAWN,
    ),
    Mutation(
        "Poisson counts drawn on a device not scaled back",
        NOISE,
        "self.zeta * torch.poisson(",
        "torch.poisson(",
        DRAWN,
    ),
    Mutation(
        "Gamma scale dropped on a device",
        NOISE,
        "generator=rng) / self.k  #",
        "generator=rng)  #",
        DRAWN,
    ),
    Mutation(
        "one Gamma shape for all images",
        NOISE,
        "shape = self.k * torch.ones_like(clean)",
        "shape = torch.as_tensor(self.k).mean() * torch.ones_like(clean)",
        "unit/noise/test_models.py::test_each_image_is_drawn_by_its_own_parameter",
    ),
    Mutation(
        "noise drawn on a device ignores its generator",
        NOISE,
        "torch.empty_like(clean).normal_(generator=rng)",
        "torch.randn_like(clean)",
        "unit/noise/test_models.py::test_drawing_is_a_function_of_clean_and_generator",
    ),
    # How any law is made uniform and Gaussian
    Mutation(
        "plain constant in the unbiased inverse of the root",
        HOMOGENISE,
        "- 11 / (8 * d**2) - 1 / 8",
        "- 11 / (8 * d**2) - 3 / 8",
        WAY_BACK,
    ),
    Mutation(
        "bias of the logarithm left in",
        HOMOGENISE,
        "torch.exp(mean - torch.digamma(shape) + shape.log())",
        "torch.exp(mean)",
        WAY_BACK,
    ),
    Mutation(
        "leading term for the logarithm's spread",
        HOMOGENISE,
        "torch.polygamma(1, torch.as_tensor(noise.k, dtype=noisy.dtype)).sqrt()",
        "noise.stabilised_sd",
        "unit/test_homogenise.py::test_the_noise_is_as_strong_as_is_said",
    ),
    # Tweedie's rules
    Mutation(
        "sign of the Gaussian rule",
        NOISE,
        "noisy + self.sd**2 * score",
        "noisy - self.sd**2 * score",
        GAUSSIAN_RULE,
    ),
    Mutation(
        "sigma for sigma squared in the Gaussian rule",
        NOISE,
        "noisy + self.sd**2 * score",
        "noisy + self.sd * score",
        GAUSSIAN_RULE,
    ),
    Mutation(
        "factor 2 in the Gaussian rule",
        NOISE,
        "noisy + self.sd**2 * score",
        "noisy + 2 * self.sd**2 * score",
        "exact/test_tweedie_gaussian.py::test_values_computed_apart",
    ),
    Mutation(
        "zeta dropped before the Poisson score",
        NOISE,
        "(self.zeta * score).clamp(max=10)",
        "score.clamp(max=10)",
        POISSON_RULE,
    ),
    Mutation(
        "half a count dropped from the Poisson rule",
        NOISE,
        "(noisy + self.zeta / 2) *",
        "noisy *",
        POISSON_RULE,
    ),
    Mutation(
        "exponential of the Poisson rule cut off after its first term",
        NOISE,
        "torch.exp((self.zeta * score).clamp(max=10))",
        "(1 + self.zeta * score)",
        "exact/test_tweedie_poisson.py::test_values_computed_apart",
    ),
    Mutation(
        "Poisson rule may overflow",
        NOISE,
        ".clamp(max=10)",
        "",
        "exact/test_properties.py::test_tweedie_is_finite_and_rises_with_the_score",
    ),
    Mutation("zeta of the root's spread twice too small", NOISE, "cls(4 * sd**2)", "cls(2 * sd**2)", SPREAD),
    Mutation("k of the logarithm's spread not squared", NOISE, "cls(sd**-2)", "cls(sd**-1)", SPREAD),
    Mutation("k for k - 1 in the Gamma rule", NOISE, "(self.k - 1 - noisy", "(self.k - noisy", GAMMA_RULE),
    Mutation(
        "sign of the Gamma rule",
        NOISE,
        "self.k - 1 - noisy * score",
        "self.k - 1 + noisy * score",
        GAMMA_RULE,
    ),
    Mutation(
        "Gamma rule may divide by zero",
        NOISE,
        ".clamp(min=0.1 * self.k)",
        "",
        "exact/test_properties.py::test_gamma_rule_stays_finite_around_its_pole",
    ),
    # Variables in which the noise is uniform
    Mutation(
        "1/8 for 3/8 in Anscombe's root",
        NOISE,
        "noisy.clamp(min=0) + 3 * self.zeta / 8",
        "noisy.clamp(min=0) + self.zeta / 8",
        "unit/noise/test_models.py::test_stabilise_and_unstabilise_undo_each_other",
    ),
    Mutation(
        "spread of the root twice too large",
        NOISE,
        "self.zeta**0.5 / 2",
        "self.zeta**0.5",
        "unit/noise/test_models.py::test_stabilised_spread_is_uniform",
    ),
    Mutation(
        "Jacobian of the root dropped",
        NOISE,
        "score / (2 * v) - 0.5 / v.square()",
        "score / (2 * v)",
        "exact/test_tweedie_poisson.py::test_rule_is_the_same_in_either_domain",
    ),
    Mutation(
        "Jacobian of the logarithm dropped",
        NOISE,
        "(score - 1) * torch.exp",
        "score * torch.exp",
        "exact/test_tweedie_gamma.py::test_rule_is_the_same_in_either_domain",
    ),
    # Noise2Score
    Mutation("sign of the score in the loss", SCORE, "error = u + sigma_a *", "error = u - sigma_a *", LEAST),
    Mutation(
        "sigma_a dropped before the score in the loss", SCORE, "error = u + sigma_a *", "error = u +", LEAST
    ),
    Mutation(
        "network not shown the perturbation",
        SCORE,
        "coordinates.score(net, perturbed)",
        "coordinates.score(net, v.expand_as(perturbed))",
        LEAST,
    ),
    Mutation(
        "weight of dark pixels in the loss",
        SCORE,
        "/ sigma_a * coordinates.slope(perturbed)",
        "/ sigma_a",
        "exact/test_score_matching.py::test_loss_weighs_all_noises_by_what_the_network_sees",
    ),
    Mutation(
        "antithetic pair of one sign",
        SCORE,
        "torch.stack([u, -u])",
        "torch.stack([u, u])",
        "exact/test_score_matching.py::test_antithetic_pairs_keep_the_mean_and_spread_less",
    ),
    Mutation(
        "schedule reversed",
        SCORE,
        "(first + (last - first) * progress)",
        "(last + (first - last) * progress)",
        "exact/test_score_matching.py::test_schedule_runs_once_from_start_to_end",
    ),
    Mutation(
        "published Poisson schedule in intensities",
        SCORE,
        "noise.zeta if isinstance(noise, Poisson) else 1.0",
        "1.0",
        "exact/test_score_matching.py::test_published_schedule_is_in_counts_for_poisson_noise",
    ),
    Mutation(
        "residual read without the slope of the logarithm",
        SCORE,
        "/ (self.slope(v) * self.variance)",
        "/ self.variance",
        "exact/test_score_matching.py::test_residual_is_read_back_as_the_score",
    ),
    Mutation(
        "total variance dropped: the paper's form for two steps",
        SCORE,
        'if self.formula == "two_step":',
        "if not self.formula:",
        TWO_STEPS,
    ),
    Mutation(
        "sigma_a for sigma_a squared in two steps",
        SCORE,
        "sigma_a * (sigma_a * score)",
        "1 * (sigma_a * score)",
        TWO_STEPS,
    ),
    Mutation(
        "second step unbounded at black pixels",
        SCORE,
        ".clamp(-FAR_FETCHED, FAR_FETCHED)",
        "",
        "exact/test_tweedie_gamma.py::test_second_step_stays_near_a_black_pixel",
    ),
    Mutation(
        "gain forgotten in what the network sees",
        SCORE,
        "else self.gain * v",
        "else v",
        "exact/test_score_matching.py::test_network_sees_every_strength_alike",
    ),
    Mutation(
        "quality search for the worst picture",
        SCORE,
        ".argmin(dim=0",
        ".argmax(dim=0",
        "unit/noise/test_blind.py::test_quality_search_finds_the_least_penalty",
    ),
    # Noise of unknown strength
    Mutation(
        "estimate of another picture told",
        PATCHES,
        "parameters[self.places[step][:, 0]]",
        "parameters[0 * self.places[step][:, 0]]",
        "unit/noise/test_blind.py::test_each_patch_comes_with_the_estimate_of_its_picture",
    ),
    Mutation(
        "noise of another picture drawn",
        PATCHES,
        "of_picture(noise, picture.fingerprint",
        "of_picture(noise, images.fingerprint",
        "unit/noise/test_blind.py::test_each_patch_has_the_noise_of_its_picture",
    ),
    Mutation(
        "truth told for the estimate",
        PATCHES,
        'told(noise, self._copy(picture, own, "noisy")).parameter',
        "own.parameter",
        "unit/noise/test_blind.py::test_each_patch_comes_with_the_estimate_of_its_picture",
    ),
    Mutation(
        "estimate drawn for the truth",
        PATCHES,
        "self._of_patches(self.parameters, step)",
        "self._of_patches(self.estimates, step)",
        "unit/training/test_patches.py::test_resampled_noise_of_unknown_strength_is_each_pictures_own",
    ),
    Mutation(
        "Laplacian not of unit gain",
        LEVEL,
        "[1, -2, 1]) / 6",
        "[1, -2, 1]) / 5",
        "unit/noise/test_level.py::test_piecewise_smooth_scene",
    ),
    Mutation(
        "strength read everywhere, not in flat parts",
        LEVEL,
        "FLAT_SHARE = 0.2",
        "FLAT_SHARE = 1.0",
        "unit/noise/test_level.py::test_texture_does_not_count",
    ),
    Mutation(
        "law told by the variance's growth",
        FAMILY,
        "np.log(sd), 1",
        "2 * np.log(sd), 1",
        "unit/noise/test_identify.py::test_exponent_on_a_ramp_is_the_laws_own",
    ),
    Mutation("first sigma_a for the last in two steps", SCORE, "torch.ones(()", "torch.zeros(()", TWO_STEPS),
    # SURE and its kin
    Mutation("sign of the divergence", SURE, "- offset + 2 *", "- offset - 2 *", RISK),
    Mutation("factor 2 of the divergence dropped", SURE, "- offset + 2 *", "- offset +", RISK),
    Mutation("noise variance not taken off", SURE, "- offset + 2", "+ 2", RISK),
    Mutation(
        "sigma for sigma squared in SURE",
        SURE,
        "probe, sd**2, sd**2",
        "probe, sd, sd**2",
        "exact/test_unbiased_risks.py::test_sure_is_exact",
    ),
    Mutation(
        "y dropped from PURE's divergence", SURE, "probe, zeta * noisy, zeta", "probe, zeta, zeta", RISK
    ),
    Mutation("k for k + 1 in the Gamma risk", SURE, "noisy.square() / (k + 1)", "noisy.square() / k", RISK),
    Mutation(
        "probe of zeros and ones",
        SURE,
        "generator=rng) * 2 - 1",
        "generator=rng)",
        "exact/test_unbiased_risks.py::test_probe_of_a_filter_is_exact",
    ),
    # Noise2Void
    Mutation("replacement may be the pixel itself", VOID, "chosen + (chosen >= centre)", "chosen", NEIGHBOUR),
    Mutation(
        "one neighbour twice as likely",
        VOID,
        "chosen + (chosen >= centre)",
        "chosen + (chosen == centre)",
        NEIGHBOUR,
    ),
    Mutation(
        "pixels not blinded",
        VOID,
        "net(blinded.view_as(noisy))",
        "net(noisy)",
        "exact/test_blind_spots.py::test_no_prediction_sees_the_pixel_that_it_is_compared_with",
    ),
    Mutation(
        "each channel blinded elsewhere",
        VOID,
        "masked[:, None].expand(-1, noisy.shape[1], -1)",
        "(masked[:, None] + torch.arange(noisy.shape[1])[:, None]) % pixels.shape[2]",
        "exact/test_blind_spots.py::test_pixels_are_blinded_in_all_channels_at_once",
    ),
    Mutation(
        "mask found by comparing values",
        VOID,
        "(estimate - pixels).gather(2, masked).square().mean(dim=(1, 2))",
        "((estimate - pixels)[:, blinded[0] != pixels[0]]).square().mean(dim=1)",
        "exact/test_blind_spots.py::test_pixels_count_where_their_neighbour_has_the_same_value",
    ),
    # Noise2Noise
    Mutation(
        "first copy for the second",
        "methods/noise2noise.py",
        ", batch.noisy2)",
        ", batch.noisy)",
        "exact/test_noise2noise_and_recorruption.py::test_second_copy_adds_its_own_variance",
    ),
    # Keys of randomness
    Mutation(
        "one stream for every role",
        "bench/seeds.py",
        "digest[:16]",
        "digest[:0]",
        "unit/test_seeds.py::test_no_two_roles_share_a_seed_or_a_stream",
    ),
    Mutation(
        "training noise shared by all pictures",
        PATCHES,
        "noise.spec, picture.fingerprint, self.sampling.seed)",
        "noise.spec, self.sampling.seed)",
        "unit/training/test_patches.py::test_pictures_do_not_share_a_noise_field",
    ),
    Mutation(
        "both training copies the same",
        PATCHES,
        '("training noise", source, noise.spec',
        '("training noise", noise.spec',
        "unit/training/test_patches.py::test_frozen_copies_have_the_law_and_are_independent",
    ),
    Mutation(
        "seed dropped from the training noise",
        PATCHES,
        "picture.fingerprint, self.sampling.seed)",
        "picture.fingerprint)",
        "unit/training/test_patches.py::test_other_seed_or_level_other_noise",
    ),
    Mutation(
        "resampled noise the same at every step",
        PATCHES,
        "self.noise.spec, self.sampling.seed, step))",
        "self.noise.spec, self.sampling.seed))",
        RESAMPLED,
    ),
    Mutation(
        "both resampled copies the same",
        PATCHES,
        '"resampled noise", need, ',
        '"resampled noise", ',
        RESAMPLED,
    ),
    Mutation(
        "seed dropped from the resampled noise",
        PATCHES,
        "self.noise.spec, self.sampling.seed, step))",
        "self.noise.spec, step))",
        "unit/training/test_patches.py::test_other_seed_or_level_other_noise",
    ),
    Mutation(
        "grey levels by a product with the reciprocal",
        PATCHES,
        "np.arange(256, dtype=np.float32) / np.float32(255)",
        "np.arange(256, dtype=np.float32) * np.float32(1 / 255)",
        "unit/training/test_patches.py::test_every_grey_level_arrives_to_the_last_bit",
    ),
    Mutation(
        "mirrored patches not mirrored",
        PATCHES,
        "torch.where(mirrored, back, self.grid)",
        "self.grid",
        "unit/training/test_patches.py::test_clean_patches_are_crops_under_a_symmetry",
    ),
    Mutation(
        "test noise shared by all pictures",
        EVALUATION,
        "noise.spec, picture.fingerprint, seed)",
        "noise.spec, seed)",
        "unit/scoring/test_evaluate.py::test_no_two_images_share_a_field",
    ),
    Mutation(
        "seed dropped from the test noise",
        EVALUATION,
        "picture.fingerprint, seed)",
        "picture.fingerprint)",
        "unit/scoring/test_evaluate.py::test_hash_tells_seeds_and_noises_apart",
    ),
    Mutation(
        "test noise the same as training noise",
        EVALUATION,
        '("test noise", ',
        '("training noise", "noisy", ',
        "unit/scoring/test_evaluate.py::test_fields_of_seeds_levels_and_roles_are_unrelated",
    ),
    # The network
    Mutation(
        "mean for sum of the window of a join",
        UNET,
        "4 * functional.avg_pool2d",
        "functional.avg_pool2d",
        JOIN,
    ),
    Mutation("weights of a join not flipped", UNET, "weight.flip(2, 3)", "weight", JOIN),
    Mutation("window of a join a pixel aside", UNET, "[1, 1, 1, 1]", "[2, 0, 1, 1]", JOIN),
    Mutation(
        "bias of a join added twice", UNET, "conv2d(skip, skipped,", "conv2d(skip, skipped, self.bias,", JOIN
    ),
    # Training
    Mutation(
        "schedule not stepped",
        STEP,
        "loss = self.update(batch)\n        self.schedule.step()",
        "loss = self.update(batch)",
        BY_HAND,
    ),
    Mutation(
        "gradients added up from step to step",
        STEP,
        "self.optimiser.zero_grad(set_to_none=True)\n        loss.backward",
        "loss.backward",
        BY_HAND,
    ),
    Mutation(
        "randomness of a method the same at every step",
        STEP,
        '"method", self.sampling.seed, step)',
        '"method", self.sampling.seed)',
        BY_HAND,
    ),
    Mutation(
        "seed dropped from the randomness of a method",
        STEP,
        '"method", self.sampling.seed, step)',
        '"method", step)',
        "unit/training/test_step.py::test_steps_are_a_function_of_the_seed",
    ),
    Mutation(
        "progress a step ahead",
        STEP,
        "fill_(step / self",
        "fill_((step + 1) / self",
        "unit/training/test_loop.py::test_progress_runs_from_zero_towards_one",
    ),
    Mutation(
        "gradient left by the trial",
        STEP,
        "self.optimiser.zero_grad(set_to_none=True)\n        return losses",
        "return losses",
        TRIAL,
    ),
    Mutation(
        "weights moved by the trial",
        STEP,
        "losses.mean().backward()  # type: ignore[no-untyped-call]",
        "losses.mean().backward(); self.optimiser.step()",
        TRIAL,
    ),
    # What training costs
    Mutation("looking counted as training", STOPWATCH, "time.perf_counter() - before", "self.since", CLOCK),
    Mutation(
        "clock begun before the device is done",
        STOPWATCH,
        "synchronise(device)\n        self.since",
        "self.since",
        "unit/system/test_stopwatch.py::test_waits_for_what_the_device_was_given",
    ),
    Mutation(
        "clock goes on before what was looked at is done",
        STOPWATCH,
        "yield\n        synchronise(self.device)",
        "yield",
        "unit/system/test_stopwatch.py::test_waits_for_what_the_device_was_given",
    ),
    Mutation(
        "looked at a step late",
        TRAINING,
        "_look(evaluation_points, step,",
        "_look(evaluation_points, step - 1,",
        CLOCK,
    ),
    Mutation(
        "steps counted for patches", TRAINING, "sampling.steps * sampling.batch /", "sampling.steps /", CLOCK
    ),
    Mutation(
        "operations of one step for all",
        TRAINING,
        "sampling.steps * flops",
        "flops",
        "unit/training/test_loop.py::test_operations_are_those_of_every_step",
    ),
    Mutation(
        "operations at a look those of the end", TRAINING, "done * flops", "sampling.steps * flops", CLOCK
    ),
    Mutation(
        "every test set looked at",
        RUNNING,
        "if test.name == context.test_images[0].name",
        "if test.name",
        CURVE,
    ),
    Mutation(
        "looks one step apart", RUNNING, "math.ceil(run.steps / 2**halvings)", "run.steps - halvings", CURVE
    ),
    Mutation(
        "curve of the superseded run",
        "bench/store/store.py",
        '(SETTINGS, dropna=False)["key"].transform("last")',
        '(SETTINGS, dropna=False)["key"].transform("first")',
        "unit/store/test_store.py::test_of_curves_too_the_latest_counts",
    ),
    Mutation(
        "test set of a superseded run kept",
        "bench/store/store.py",
        'rows[rows["key"] == newest]',
        "rows",
        "unit/store/test_store.py::test_a_superseded_run_lends_no_test_set_to_the_newer_one",
    ),
    Mutation(
        "weights of another protocol loaded",
        "bench/scoring/denoiser.py",
        'facts["protocol"] != PROTOCOL',
        "not facts",
        "unit/runs/test_launch.py::test_a_run_of_another_protocol_is_refused",
    ),
    # Scores
    Mutation(
        "scores in the order of the batches",
        EVALUATION,
        "[rows[image.name] for image in noisy_set.images]",
        "list(rows.values())",
        "unit/scoring/test_evaluate.py::test_together_or_alone_scores_and_order_are_the_same",
    ),
    Mutation(
        "rows counted for pixels in a batch",
        EVALUATION,
        "pixels // math.prod(size[-2:])",
        "pixels // size[-2]",
        "unit/scoring/test_evaluate.py::test_images_of_equal_size_are_denoised_together",
    ),
    Mutation(
        "seconds of a batch counted for each image",
        EVALUATION,
        "clock.seconds / len(images)",
        "clock.seconds",
        "unit/scoring/test_evaluate.py::test_seconds_of_a_batch_are_shared_by_its_images",
    ),
    Mutation(
        "PSNR by 20 log10",
        METRICS,
        "-10 * torch.log10",
        "-20 * torch.log10",
        "unit/scoring/test_metrics.py::test_psnr_by_hand",
    ),
    Mutation(
        "PSNR pooled over images",
        METRICS,
        ".square().mean(dim=(1, 2, 3))",
        ".square().mean().expand(len(clean))",
        "unit/scoring/test_metrics.py::test_scores_are_per_image_and_in_order",
    ),
    Mutation(
        "outputs not clamped before their scores",
        EVALUATION,
        ".clamp(0, 1)",
        "",
        "unit/scoring/test_evaluate.py::test_outputs_are_clamped_once_and_never_rounded",
    ),
    # What scores bear out
    Mutation(
        "seeds counted as more images",
        STATISTICS,
        "if min(psnr.shape) == 1:",
        "if psnr.size:",
        "unit/analysis/test_statistics.py::test_wider_than_if_seeds_were_more_images",
    ),
    Mutation(
        "Bonferroni's factor for Holm's",
        STATISTICS,
        "np.count_nonzero(~np.isnan(raw)) - np.arange(raw.size)",
        "np.count_nonzero(~np.isnan(raw))",
        "unit/analysis/test_statistics.py::test_holm_by_hand",
    ),
    Mutation(
        "differences of unlike images",
        STATISTICS,
        "(ours[seeds] - theirs[seeds])",
        "(ours[seeds] - theirs[seeds].to_numpy()[::-1])",
        "unit/analysis/test_statistics.py::test_what_images_share_does_not_widen_a_difference",
    ),
    Mutation(
        "one training's scatter for that of a difference of two",
        STATISTICS,
        "* self.sd * math.sqrt(2)",
        "* self.sd",
        "unit/analysis/test_statistics.py::test_scatter_of_two_seeds_by_hand",
    ),
    # Published numbers and ours
    Mutation(
        "numbers of another source in a published table",
        "bench/published/table.py",
        'self.numbers[self.numbers["source"] == self.source]',
        "self.numbers",
        "unit/published/test_table.py::test_other_sources_are_kept_apart",
    ),
    Mutation(
        "resampled runs beside frozen ones",
        REPRODUCTION,
        'wanted & (lines["training_noise"] == published.training_noise)',
        "wanted",
        "unit/published/test_reproduction.py::test_other_trainings_are_never_mixed_in",
    ),
    Mutation(
        "seeds averaged that survived",
        REPRODUCTION,
        "if cell not in failed}",
        "if cell}",
        "unit/published/test_reproduction.py::test_seeds_that_survived_are_not_averaged",
    ),
    Mutation(
        "two training sets in one row",
        REPRODUCTION,
        "if count > 1]",
        "if count > 2]",
        "unit/published/test_reproduction.py::test_training_sets_stand_together_where_they_share_no_row",
    ),
    Mutation(
        "published less ours",
        REPRODUCTION,
        "ours.value - psnr",
        "psnr - ours.value",
        "unit/published/test_reproduction.py::test_means_and_differences_are_plain_ones",
    ),
    Mutation(
        "a failure taken for a missing entry",
        REPRODUCTION,
        'cell.status == "failed":',
        "not cell:",
        "unit/published/test_reproduction.py::test_each_blank_cell_says_why",
    ),
    Mutation(
        "p of a table not corrected",
        CONTRASTS,
        "holm([pair.p for pair in pairs.values()])",
        "[pair.p for pair in pairs.values()]",
        "unit/tables/test_paired_differences.py::test_p_is_corrected_over_all_tests_of_the_table",
    ),
    Mutation(
        "a pair tested from both sides",
        CONTRASTS,
        "method not in methods[: place + 1]",
        "method != reference",
        "unit/tables/test_paired_differences.py::test_each_pair_is_tested_once",
    ),
    Mutation(
        "small p written as nought",
        "bench/output/text_table.py",
        "max(CSV_DIGITS, 2 - magnitude)",
        "CSV_DIGITS",
        "unit/tables/test_paired_differences.py::test_a_small_p_is_not_written_as_nought",
    ),
    Mutation(
        "variants in the mean of a setting",
        "bench/published/tuning.py",
        'plain = scores[~scores["method"].str.contains(":", regex=False)]',
        "plain = scores",
        "unit/published/test_tuning.py::test_settings_are_compared_by_plain_means_of_what_was_tried_under_several",
    ),
    Mutation(
        "methods tried under one setting in the table of settings",
        "bench/published/tuning.py",
        'transform("size") > 1',
        'transform("size") > 0',
        "unit/published/test_tuning.py::test_settings_are_compared_by_plain_means_of_what_was_tried_under_several",
    ),
    Mutation(
        "overlong gradients not shortened",
        "bench/training/step.py",
        "        self.clip_gradient()\n",
        "",
        "unit/training/test_step.py::test_however_large_a_burst_it_counts_as_twice_the_usual",
    ),
    Mutation(
        "the first gradient's length taken as the usual one for ever",
        "bench/training/step.py",
        ", 1 - MEMORY)",
        ", 0.0)",
        "unit/training/test_step.py::test_gradients_are_shortened_to_twice_their_running_mean",
    ),
    Mutation(
        "equals beat each other",
        "bench/report/cost_figure.py",
        "g >= gain and (c, g) != (cost, gain)",
        "g >= gain",
        "unit/report/test_write.py::test_the_front_is_what_nothing_beats",
    ),
    Mutation(
        "a variant as the baseline",
        "bench/report/numbers.py",
        "min(saw_clean, key=",
        "max(saw_clean, key=",
        "unit/report/test_write.py::test_the_baseline_is_the_plain_one_of_those_that_saw_clean_images",
    ),
    Mutation(
        "a method that saw clean images picked",
        "bench/report/recommendation.py",
        '(numbers["status"] == "done") & numbers["self_supervised"]',
        'numbers["status"] == "done"',
        "unit/report/test_write.py::test_picks_are_self_supervised_and_lead_by_the_paired_difference",
    ),
    Mutation(
        "residuals divided by the variance",
        "bench/report/residual_figure.py",
        "np.sqrt(variance[some])",
        "variance[some]",
        "unit/report/test_write.py::test_residuals_are_one_where_noise_alone_was_taken_and_none_where_nothing_was",
    ),
    Mutation(
        "spectrum not divided by the pixels",
        "bench/report/residual_figure.py",
        "** 2 / (height * width)",
        "** 2 / height",
        "unit/report/test_write.py::test_white_noise_has_a_flat_spectrum_of_its_variance",
    ),
    Mutation(
        "windows of a crop not shifted to their middle",
        "bench/report/image_tiles.py",
        "slice(size // 2, size // 2 + length - size + 1)",
        "slice(0, length - size + 1)",
        "unit/report/test_write.py::test_the_crop_has_the_largest_spread_of_slopes_of_all",
    ),
    Mutation(
        "pictures not checked against their scores",
        "bench/report/denoised_images.py",
        "> SAME_SCORE",
        "> 100",
        "unit/report/test_write.py::test_another_picture_of_the_same_name_is_refused",
    ),
    Mutation(
        "names not escaped in the report",
        "bench/report/render.py",
        "autoescape=True",
        "autoescape=False",
        "unit/report/test_write.py::test_names_are_shown_as_text_and_run_nothing",
    ),
    Mutation(
        "ids of two drawings alike",
        "bench/report/embedded_figure.py",
        r"\g<1>{name}-",
        r"\g<1>",
        "unit/report/test_write.py::test_a_drawing_takes_the_colours_of_the_page_and_ids_of_its_own",
    ),
    Mutation(
        "a gain called a loss",
        "bench/tables/matching.py",
        '"better" if self.difference.mean > 0',
        '"better" if self.difference.mean < 0',
        "unit/tables/test_compare.py::test_a_known_shift_is_found_and_swapping_turns_it_round",
    ),
    Mutation(
        "the seeds of one side in a comparison",
        "bench/tables/matching.py",
        'lines[lines["seed"].isin(seeds)] for lines in parts',
        "lines for lines in parts",
        "unit/tables/test_compare.py::test_only_common_seeds_count_for_every_number_of_a_row",
    ),
    Mutation(
        "better or worse without a test",
        "bench/tables/matching.py",
        "self.difference.p < ALPHA",
        "self.difference.p <= 1",
        "unit/tables/test_compare.py::test_same_means_every_image_and_chance_is_called_no_difference",
    ),
    Mutation(
        "one colour for two noises",
        "bench/published/ranks.py",
        "place = noises.index(noise)",
        "place = list(rows.groups).index(noise)",
        "unit/published/test_page.py::test_a_noise_looks_the_same_in_every_panel",
    ),
    # Reference results, collected and verified
    Mutation(
        "lesser copy of a run kept",
        REFERENCE,
        "for run in sorted(found, key=_rank)}",
        "for run in sorted(found, key=_rank, reverse=True)}",
        "unit/store/test_reference.py::test_of_copies_of_one_run_the_one_scored_on_more_sets_stays",
    ),
    Mutation(
        "traceback collected",
        REFERENCE,
        "if name not in LOCAL",
        "if name",
        "unit/store/test_reference.py::test_a_failure_comes_without_its_traceback",
    ),
    Mutation(
        "pictures of a reference looked for where its scores are",
        "bench/report/write.py",
        "runs = runs or root",
        "runs = root",
        "unit/report/test_write.py::test_a_reference_is_reported_with_what_its_runs_kept_and_no_others",
    ),
    Mutation(
        "curves of other runs reported",
        "bench/report/write.py",
        'curves[curves["key"].isin(keys)]',
        "curves",
        "unit/report/test_write.py::test_a_reference_is_reported_with_what_its_runs_kept_and_no_others",
    ),
    Mutation(
        "profile of the first runs collected",
        REFERENCE,
        "(root / PROFILE for root in stores)",
        "(root / PROFILE for root in reversed(stores))",
        "unit/store/test_reference.py::test_the_profile_of_the_machine_comes_too",
    ),
    Mutation(
        "what learns nothing is trained",
        RUNNING,
        "return denoiser, Cost.none(context.engine)",
        "pass",
        "unit/runs/test_launch.py::test_what_learns_nothing_is_scored_and_never_trained",
    ),
    Mutation(
        "passes counted whatever their size",
        DENOISER,
        "self.values += image.numel()",
        "self.values += 2000",
        "unit/scoring/test_evaluate.py::test_passes_are_counted_in_sizes_of_the_image",
    ),
    Mutation(
        "all methods under every noise, defined or not",
        PLAN,
        "                    if not named:\n                        continue\n",
        "",
        "unit/runs/test_launch.py::test_all_is_every_method_wherever_it_is_defined",
    ),
    Mutation(
        "any score below the committed one confirmed",
        VERIFY,
        "if abs(difference) <= allowed",
        "if difference <= allowed",
        "unit/published/test_verify.py::test_own_weights_are_evaluated_and_the_scores_beside_them_not_read",
    ),
    Mutation(
        "other test noise not told apart",
        VERIFY,
        "elif _noisy(case.facts, parameter, images) != _noisy(remade.facts, parameter, images):",
        "elif not remade:",
        "unit/published/test_verify.py::test_other_test_noise_is_told_apart",
    ),
    # What is let in
    Mutation(
        "pipes and devices read",
        IMAGE_FILE,
        "not stat.S_ISREG(status.st_mode)",
        "stat.S_ISDIR(status.st_mode)",
        "security/test_pictures.py::test_every_hostile_input_is_refused_by_its_name",
    ),
    Mutation(
        "files read whatever their size",
        IMAGE_FILE,
        "status.st_size > LARGEST_FILE",
        "status.st_size < 0",
        "unit/images/test_safe_decode.py::test_the_largest_file_is_read",
    ),
    Mutation(
        "checksums of a PNG not verified",
        IMAGE_FILE,
        "        header.verify()\n",
        "",
        "unit/images/test_safe_decode.py::test_any_flipped_bit_of_the_pixels_of_a_png_is_found",
    ),
    Mutation(
        "further formats decoded",
        IMAGE_FILE,
        'FORMATS = ("BMP", "JPEG",',
        'FORMATS = ("BMP", "EPS", "GIF", "JPEG",',
        "unit/images/test_safe_decode.py::test_other_formats_are_not_decoded",
    ),
    Mutation(
        "size of a picture taken for that of its tiles",
        IMAGE_FILE,
        "-(-length // tile) * tile",
        "length",
        "unit/images/test_safe_decode.py::test_a_huge_image_is_refused_by_its_header",
    ),
    Mutation(
        "as many scans as a JPEG claims",
        IMAGE_FILE,
        "content.count(_SCAN) > MOST_SCANS",
        "content.count(_SCAN) < 0",
        "unit/images/test_safe_decode.py::test_a_jpeg_of_endless_scans_is_refused",
    ),
    Mutation(
        "OpenCV left to its own limit",
        "bench/__init__.py",
        '"OPENCV_IO_MAX_IMAGE_PIXELS"',
        '"OPENCV_LIMIT"',
        "unit/images/test_safe_decode.py::test_opencv_has_the_same_limit",
    ),
    Mutation(
        "a link judged by where it lies",
        IMAGE_FILE,
        "Path(os.path.realpath(path))",
        "Path(os.path.abspath(path))",
        "unit/images/test_sources.py::test_link_out_of_the_folder_is_refused",
    ),
    Mutation(
        "rows of a table read from anywhere",
        "bench/images/sources.py",
        "    require_inside(path, *roots)\n",
        "",
        "unit/images/test_sources.py::test_a_row_reads_no_file_from_elsewhere",
    ),
    Mutation(
        "a run's word opens a folder of the reader's",
        "bench/report/write.py",
        "if name not in named and name not in REGISTRY:",
        "if not name:",
        "unit/report/test_write.py::test_runs_open_no_folder_that_the_reader_did_not_name",
    ),
    Mutation(
        "names passed on to the terminal as they are",
        "bench/cli/escaping_console.py",
        'visible(segment.text, keep="\\n")',
        "segment.text",
        "unit/cli/test_console.py::test_whatever_is_printed_a_terminal_only_shows_it",
    ),
    Mutation(
        "names may turn the direction of writing",
        "bench/system/safe_names.py",
        " or unicodedata.bidirectional(character) in _TURNING",
        "",
        "unit/system/test_safe_names.py::test_what_steers_a_terminal_is_refused_and_shown",
    ),
    Mutation(
        "weights in the cache unpickled",
        METRICS,
        ", weights_only=True",
        "",
        "unit/scoring/test_metrics.py::test_weights_in_the_cache_are_read_and_never_run",
    ),
    # How far another training may end
    Mutation(
        "each number of a call held by itself",
        STATISTICS,
        "(1 - LEVEL) / 2 / intervals",
        "(1 - LEVEL) / 2",
        "unit/analysis/test_statistics.py::test_all_numbers_hold_together_in_95_percent_of_cases",
    ),
    Mutation(
        "two trainings no farther apart than one from its mean",
        STATISTICS,
        "numbers) * self.sd * math.sqrt(2)",
        "numbers) * self.sd",
        "unit/analysis/test_statistics.py::test_all_numbers_hold_together_in_95_percent_of_cases",
    ),
    Mutation(
        "run judged by its own retraining",
        TRAININGS,
        'self.means.drop(index=key, level="key")',
        "self.means",
        "unit/published/test_retraining.py::test_own_trainings_do_not_judge_a_run",
    ),
    Mutation(
        "one scatter of trainings for all methods",
        TRAININGS,
        'runs.get_level_values("method") == method',
        'runs.get_level_values("method") != ""',
        "unit/published/test_retraining.py::test_the_interval_holds_95_percent_of_honest_retrainings_of_every_method",
    ),
    Mutation(
        "seeds asked before trainings of the same run",
        TRAININGS,
        "others.scatter(method, images) or self.seed_scatter(method, images)",
        "self.seed_scatter(method, images) or others.scatter(method, images)",
        "unit/published/test_retraining.py::test_the_interval_holds_95_percent_of_honest_retrainings_of_every_method",
    ),
    Mutation(
        "training of the same bits counted twice",
        TRAININGS,
        "np.unique(run[~np.isnan(run)])",
        "run[~np.isnan(run)]",
        "unit/published/test_retraining.py::test_what_came_back_to_the_last_bit_is_no_other_training",
    ),
    Mutation(
        "committed training less the one made again",
        TRAININGS,
        ".sub(self.means[COMMITTED]",
        ".rsub(self.means[COMMITTED]",
        "unit/published/test_retrained.py::test_every_run_has_a_line_and_what_was_not_trained_again_a_mark",
    ),
    Mutation(
        "weights at hand counted among the trainings",
        VERIFY,
        "for case in cases if not case.weights)",
        "for case in cases)",
        "unit/published/test_verify.py::test_all_trainings_of_a_call_hold_together_and_weights_at_hand_do_not_count",
    ),
    Mutation(
        "threads of another device's host taken",
        VERIFY,
        'case.facts["run"]["device"] == case.job.run.device == "cpu"',
        'case.job.run.device == "cpu"',
        "unit/published/test_verify.py::test_a_run_is_made_anew_by_as_many_threads_as_then",
    ),
    Mutation(
        "threads kept after a run",
        "bench/system/devices.py",
        "    finally:\n        torch.set_num_threads(before)",
        "    finally:\n        pass",
        "unit/system/test_devices.py::test_threads_are_taken_for_a_while_where_there_are_cores",
    ),
    # Nothing lost
    Mutation(
        "usual length of gradients forgotten", STEP, 'copy_(state["mean_gradient_norm"])', "clone()", GOES_ON
    ),
    Mutation("schedule begins again", STEP, '"last_epoch": step - 1', '"last_epoch": 0', GOES_ON),
    Mutation(
        "Adam's moments swapped",
        STEP,
        'stored = state[f"adam.{name}.{moment}"]',
        "stored = state[f\"adam.{name}.{moment if moment == 'step' else MOMENTS[1]}\"]",
        GOES_ON,
    ),
    Mutation(
        "losses since the last entry forgotten",
        TRAINING,
        "for loss in start.pending",
        "for loss in ()",
        GOES_ON,
    ),
    Mutation(
        "a step taken twice", TRAINING, "Checkpoint(done, seconds,", "Checkpoint(step, seconds,", GOES_ON
    ),
    Mutation(
        "checksum of a checkpoint not looked at",
        "bench/training/checkpoint.py",
        "metadata.get(SUM) != _digest(text, tensors)",
        "SUM not in metadata",
        "unit/training/test_checkpoint.py::test_any_flipped_byte_is_found",
    ),
    Mutation(
        "seal of facts not looked at",
        SEAL,
        "facts[SEAL] != _seal_of(facts)",
        "not facts[SEAL]",
        "unit/store/test_integrity.py::test_any_change_of_the_facts_is_found",
    ),
    Mutation(
        "checksums of files not looked at",
        SEAL,
        "_sha256(content) == facts[FILES][name]",
        "name in facts[FILES]",
        "unit/store/test_integrity.py::test_any_change_of_a_file_is_found_and_named",
    ),
    Mutation(
        "names that lead out of a run followed",
        SEAL,
        '".." in path.parts',
        '"..." in path.parts',
        "unit/store/test_integrity.py::test_a_name_that_leads_out_of_the_run_is_refused",
    ),
    Mutation(
        "what scores replaced moved before they are told of",
        STORE,
        "        facts[FILES] |= checksums(folder / NEXT)\n",
        "        facts[FILES] |= checksums(folder / NEXT)\n        self._adopt_next(folder, facts)\n"
        "        (folder / NEXT).mkdir()\n",
        "unit/store/test_integrity.py::test_a_crash_while_scores_are_added_leaves_the_run_whole",
    ),
    Mutation(
        "runs taken without their lock",
        STORE,
        "                lock.acquire(blocking=False)\n",
        "                pass\n",
        "faults/test_two_processes.py::test_what_another_process_left_undone_is_taken_over",
    ),
    Mutation(
        "a lost disk taken for a failed run",
        "bench/runs/launch.py",
        "    except StorageError:\n        raise\n",
        "",
        "unit/training/test_checkpoint.py::test_a_checkpoint_that_cannot_be_written_stops_the_work",
    ),
    Mutation(
        "file overwritten in place",
        "bench/system/files.py",
        "            with beside.open",
        "            with path.open",
        "faults/test_disks.py::test_what_cannot_be_written_leaves_what_was_there",
    ),
    Mutation(
        "shards share runs",
        "bench/runs/plan.py",
        "jobs[number - 1 :: count]",
        "jobs[number - 1 :]",
        "unit/runs/test_launch.py::test_shards_are_the_grid_and_share_nothing",
    ),
    Mutation(
        "a batch named that was not tried",
        "bench/training/memory.py",
        "4 * needed < free_memory(device)",
        "needed > 0",
        "faults/test_memory.py::test_where_nothing_fits_it_is_said",
    ),
    Mutation(
        "a run taken for done whose test sets are not all scored",
        "bench/runs/plan.py",
        "if not all((job.key",
        "if not any((job.key",
        "unit/runs/test_launch.py::test_a_run_is_missing_until_every_test_of_it_is_scored",
    ),
    Mutation(
        "grey levels left in host memory",
        "bench/training/patches.py",
        "/ np.float32(255)).to(device)",
        "/ np.float32(255))",
        "unit/training/test_step.py::test_a_step_stays_on_its_device_and_reads_no_value",
    ),
    Mutation(
        "a gradient's length read on the host",
        "bench/training/step.py",
        "length.minimum(CLIP_RATIO * usual)",
        "min(length, CLIP_RATIO * usual)",
        "unit/training/test_step.py::test_a_step_stays_on_its_device_and_reads_no_value",
    ),
    Mutation(
        "suspect numbers held against ours",
        "bench/published/reproduction.py",
        ' & (numbers["suspect"] == "")',
        "",
        "unit/published/test_page.py::test_shortfalls_are_the_unsuspect_numbers_that_ours_do_not_reach",
    ),
    Mutation(
        "a loss on another device let through",
        "bench/conformance/loss_checks.py",
        "if losses.device != ACCELERATOR:",
        "if False:",
        "unit/conformance/test_suite.py::test_a_broken_entry_is_caught_with_its_fault_named",
    ),
)


def run_tests(tests: list[str], mutation: Mutation | None = None) -> int:
    """Run tests on a copy of the code, broken or not, and give pytest's exit code; for a process of its own.

    Raises:
        RuntimeError: not the copy was tested.
    """
    with TemporaryDirectory() as folder:
        copy = Path(folder).resolve()
        for part in ("bench", "methods", "tests"):
            shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", copy)
        if mutation:
            mutation.apply(copy)
        silence()
        os.chdir(copy)
        sys.path.insert(0, str(copy))  # before an editable install
        options = ["-qx", "--assert=plain", "-p", "no:cacheprovider"]
        # The folder that all of pytest's processes share is cleared by each, in the others' way.
        options += ["--basetemp", str(copy / "scratch")]
        code = pytest.main([*options, *(f"tests/{test}" for test in tests)])
        tested = {Path(sys.modules[name].__file__ or "").parents[1] for name in ("bench", "tests")}
        os.chdir(ROOT)
        if tested != {copy}:
            raise RuntimeError(f"the tests ran on {tested} in the place of {copy}")
    return int(code)


def silence() -> None:
    """Send what this process prints nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)


VERDICTS = {pytest.ExitCode.OK: "NOT caught", pytest.ExitCode.TESTS_FAILED: "caught"}


def table() -> str:
    """Lay the mutations out in Markdown."""
    rows = [f"| {each.name} | `{each.file}` | `{each.test}` |" for each in MUTATIONS]
    return "\n".join(["| what is broken | where | caught by |", "| --- | --- | --- |", *rows])


def with_table(text: str) -> str:
    """Put the table between the two marks of a README."""
    before, after = text[: text.index(START)], text[text.index(END) :]
    return f"{before}{START}\n{table()}\n{after}"


def main(words: list[str]) -> str | None:
    """Run the mutations and give what is wrong, None where nothing is."""
    write = words == ["--write"]
    chosen = [each for each in MUTATIONS if write or not words or any(word in each.name for word in words)]
    tests = [each.test for each in chosen]
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    # Every run has a fresh process, forked from one that has imported what takes long, but not the code.
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(SLOW_TO_IMPORT)
    with ProcessPoolExecutor(PARALLEL, mp_context=server, max_tasks_per_child=1) as pool:
        unbroken = pool.submit(run_tests, sorted(set(tests)))
        codes = pool.map(run_tests, [[test] for test in tests], chosen)
        missed = 0
        for mutation, code in zip(chosen, codes, strict=True):
            verdict = VERDICTS.get(code, f"pytest ended with exit code {code}")
            missed += verdict != "caught"
            print(f"{verdict:10} | {mutation.name} | {mutation.test}", flush=True)  # noqa: T201
        if unbroken.result() != pytest.ExitCode.OK:
            return "a test fails without any mutation: see pytest"
    if missed:
        return f"{missed} of {len(chosen)} mutations are not caught"
    text = README.read_text(encoding="utf-8")
    if write:
        README.write_text(with_table(text), encoding="utf-8")
    elif text != with_table(text):
        return "the table in tests/README.md is out of date: python tools/mutations.py --write"
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

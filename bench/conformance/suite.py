"""Runs the checks in order on one method and reports what they find."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bench.conformance import denoising_checks, loss_checks, training_checks
from bench.conformance.case import Case, ConformanceError
from bench.conformance.declaration_checks import declares_itself
from bench.discovery import listings, parse_method
from bench.errors import InputError, line_in, unknown
from bench.method import Untrained
from bench.noise import NOISES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.method import Method

    Check = Callable[[Case], str | None]

LOSS_CHECKS: tuple[Check, ...] = (
    loss_checks.sees_only_what_it_declares,
    loss_checks.returns_one_loss_per_image,
    loss_checks.has_a_gradient,
    loss_checks.is_stable_on_black_and_white,
    loss_checks.draws_from_its_generator,
    loss_checks.leaves_its_input_unchanged,
    loss_checks.treats_images_independently,
    loss_checks.accepts_one_estimate_per_image,
    loss_checks.runs_on_an_accelerator,
    loss_checks.is_stable_in_its_precision,
)
DENOISING_CHECKS: tuple[Check, ...] = (
    denoising_checks.accepts_any_image_size,
    denoising_checks.denoises_black_and_white,
    denoising_checks.denoises_images_independently,
    denoising_checks.denoises_reproducibly,
)
TRAINING_CHECKS: tuple[Check, ...] = (training_checks.learns, training_checks.costs)


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Args:
        check: name of the check.
        noise: noise model; empty for a check of the declaration.
        fault: what is wrong and how to fix it; empty if nothing is wrong.
        measured: the measured value, if any.
    """

    check: str
    noise: str = ""
    fault: str = ""
    measured: str = ""


def examine(spec: str) -> Iterator[Finding]:
    """Check a method under every noise model that it declares.

    A wrong declaration ends the checks; a method with a fault under a noise model is not trained under it.

    Args:
        spec: name of the method, with hyper-parameters if wanted.

    Raises:
        InputError: the method cannot be loaded.
    """
    name = spec.partition(":")[0]
    if name not in listings():
        raise unknown("method", name, listings())
    file = listings()[name].file()
    declaration = _run(partial(declares_itself, name), file)
    yield declaration
    if not declaration.fault:
        _, method = parse_method(spec)
        for noise in sorted(method.noises):
            yield from _examine_case(Case(method, NOISES[noise](NOISES[noise].example)), file)


def _examine_case(case: Case, file: Path | None) -> Iterator[Finding]:
    sound = True
    for check in checks(case.method):
        if sound or check not in TRAINING_CHECKS:
            finding = _run(partial(check, case), file, noise=case.noise.name)
            sound &= not finding.fault
            yield finding


def checks(method: Method) -> tuple[Check, ...]:
    """Return the checks of a method in order; an untrained method has no loss to check."""
    if isinstance(method, Untrained):
        return (*DENOISING_CHECKS, training_checks.gains)
    return (*LOSS_CHECKS, *DENOISING_CHECKS, *TRAINING_CHECKS)


def title(check: Callable[..., object]) -> str:
    """Return the printed name of a check."""
    return check.__name__.replace("_", " ")


def _run(check: partial[str | None] | partial[None], file: Path | None, *, noise: str = "") -> Finding:
    name = title(check.func)
    try:
        return Finding(name, noise, measured=check() or "")
    except (ConformanceError, InputError) as error:
        return Finding(name, noise, fault=str(error))
    except Exception as error:  # noqa: BLE001 - any error of the method is a finding
        return Finding(name, noise, fault=_format_exception(error, file))


def _format_exception(error: Exception, file: Path | None) -> str:
    """Describe an exception and its line, in the method's own file if the traceback contains it."""
    raised = f"raises {type(error).__name__}: {error}"
    if file and (line := line_in(file, error)):
        return f"{raised} ({file.name}, line {line})"
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{raised} ({Path(last.filename).name}, line {last.lineno})"

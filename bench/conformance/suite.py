"""The checks in their order, and what they find in one method."""

from __future__ import annotations

import traceback
from dataclasses import MISSING, dataclass, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from bench.conformance import denoising_checks as of_denoising
from bench.conformance import loss_checks as of_loss
from bench.conformance import training_checks as of_learning
from bench.conformance.case import ConformanceError, Subject
from bench.discovery import listings, load_class, parse_method
from bench.errors import unknown
from bench.method import NEEDS, Untrained
from bench.noise import NOISES
from bench.settings import Precision

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.method import Method

    Check = Callable[[Subject], str | None]

OF_LOSS: tuple[Check, ...] = (
    of_loss.sees_only_what_it_declares,
    of_loss.gives_one_loss_per_image,
    of_loss.has_a_gradient,
    of_loss.bears_black_and_white,
    of_loss.draws_from_its_generator,
    of_loss.leaves_its_input_alone,
    of_loss.keeps_images_apart,
    of_loss.takes_an_estimate_for_each_image,
    of_loss.runs_on_an_accelerator,
    of_loss.bears_its_precision,
)
OF_DENOISING: tuple[Check, ...] = (
    of_denoising.keeps_any_shape,
    of_denoising.denoises_black_and_white,
    of_denoising.denoises_images_alone,
    of_denoising.denoises_the_same_again,
)
OF_TRAINING: tuple[Check, ...] = (of_learning.learns, of_learning.costs)


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Args:
        check: its name.
        noise: the name of the noise model; empty for a check of the declaration.
        fault: what is wrong and what to do; empty where nothing is.
        figure: what was measured, if anything.
    """

    check: str
    noise: str = ""
    fault: str = ""
    figure: str = ""


def examine(spec: str) -> Iterator[Finding]:
    """Check a method under every law that it declares.

    A method whose declaration is wrong is not looked at further; one with a fault under a law is not trained.

    Args:
        spec: its name, with hyper-parameters if wanted.

    Raises:
        InputError: it cannot be loaded.
    """
    name = spec.partition(":")[0]
    if name not in listings():
        raise unknown("method", name, listings())
    file = listings()[name].file()
    declaration = _find(partial(declares_itself, name), file)
    yield declaration
    if declaration.fault:
        return
    _, method = parse_method(spec)
    for noise in sorted(method.noises):
        subject = Subject(method, NOISES[noise](NOISES[noise].example))
        sound = True
        for check in checks(method):
            if sound or check not in OF_TRAINING:
                finding = _find(partial(check, subject), file, noise=noise)
                sound &= not finding.fault
                yield finding


def checks(method: Method) -> tuple[Check, ...]:
    """Give the checks of a method in their order; what learns nothing has no loss to check."""
    if isinstance(method, Untrained):
        return (*OF_DENOISING, of_learning.gains)
    return (*OF_LOSS, *OF_DENOISING, *OF_TRAINING)


def title(check: Callable[..., object]) -> str:
    """Give the name of a check, as it is printed."""
    return check.__name__.replace("_", " ")


def declares_itself(name: str) -> None:
    """What the class declares is what the contract knows; every hyper-parameter has a default.

    Args:
        name: of the method.
    """
    method = load_class(name)
    for attribute, known, least in (("needs", set(NEEDS), {"noisy"}), ("noises", set(NOISES), set())):
        given = getattr(method, attribute, None)
        if not isinstance(given, frozenset):
            raise ConformanceError(f"`{attribute}` is {given!r}, but must be a frozenset of names")
        if alien := given - known:
            raise ConformanceError(
                f"`{attribute}` names {', '.join(sorted(alien))}, but the contract knows "
                f"{', '.join(sorted(known))} alone"
            )
        if not given or not least <= given:
            raise ConformanceError(
                f"`{attribute}` is {sorted(given)}, but must hold {', '.join(least) or 'a noise'}"
            )
    if method.precision not in get_args(Precision):
        raise ConformanceError(
            f"`precision` is {method.precision!r}, but must be one of {', '.join(get_args(Precision))}"
        )
    required = [
        field.name
        for field in fields(method)
        if field.default is MISSING and field.default_factory is MISSING
    ]
    if required:
        raise ConformanceError(f"the hyper-parameters {', '.join(required)} have no default")
    if not listings()[name].summary():
        raise ConformanceError("the file has no docstring, whose first line names the method and its paper")


def _find(check: partial[str | None] | partial[None], file: Path | None, *, noise: str = "") -> Finding:
    name = title(check.func)
    try:
        return Finding(name, noise, figure=check() or "")
    except ConformanceError as error:
        return Finding(name, noise, fault=str(error))
    except Exception as error:  # noqa: BLE001 - whatever the method raises is the finding
        return Finding(name, noise, fault=_raised(error, file))


def _raised(error: Exception, file: Path | None) -> str:
    """Say what was raised, and at which line: the last in the method's own file, if it came by there."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if file and Path(frame.filename) == file]
    where = (own or frames)[-1]
    return f"raises {type(error).__name__}: {error} ({Path(where.filename).name}, line {where.lineno})"

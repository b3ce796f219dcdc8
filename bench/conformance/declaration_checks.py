"""What the declaration of a method must satisfy."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, get_args

from bench.conformance.case import ConformanceError
from bench.discovery import listings, load_class
from bench.method import NEEDS
from bench.noise import NOISES
from bench.settings import Precision

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.method import Method


def declares_itself(name: str) -> None:
    """The class declares only what the contract knows; every hyper-parameter has a default.

    Args:
        name: name of the method.
    """
    method = load_class(name)
    _require_names(method, "needs", NEEDS)
    if "noisy" not in method.needs:
        raise ConformanceError(f"`needs` is {sorted(method.needs)}, but must contain noisy")
    _require_names(method, "noises", NOISES)
    _require_precision(method)
    _require_patch_scale(method)
    _require_defaults(method)
    if not listings()[name].summary():
        raise ConformanceError("the file has no docstring, whose first line names the method and its paper")


def _require_names(method: type[Method], attribute: str, known: Iterable[str]) -> None:
    given = getattr(method, attribute, None)
    if not isinstance(given, frozenset) or not given:
        raise ConformanceError(f"`{attribute}` is {given!r}, but must be a frozenset of at least one name")
    if unknown := given - {*known}:
        raise ConformanceError(
            f"`{attribute}` names {', '.join(sorted(unknown))}, but the contract knows only "
            f"{', '.join(sorted(known))}"
        )


def _require_precision(method: type[Method]) -> None:
    if method.precision not in get_args(Precision):
        raise ConformanceError(
            f"`precision` is {method.precision!r}, but must be one of {', '.join(get_args(Precision))}"
        )


def _require_patch_scale(method: type[Method]) -> None:
    if not isinstance(method.patch_scale, int) or method.patch_scale < 1:
        raise ConformanceError(
            f"`patch_scale` is {method.patch_scale!r}, but must be a whole number, at least 1"
        )


def _require_defaults(method: type[Method]) -> None:
    required = [
        field.name
        for field in fields(method)
        if field.default is MISSING and field.default_factory is MISSING
    ]
    if required:
        raise ConformanceError(f"the hyper-parameters {', '.join(required)} have no default")

"""Errors that a user can fix; messages name the given value and what is allowed."""

from __future__ import annotations

from difflib import get_close_matches
from traceback import extract_tb
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class InputError(ValueError):
    """Invalid input; the message names the value and what is allowed."""


def unknown(kind: str, name: str, allowed: Iterable[str]) -> InputError:
    """Return the error for an unknown name, which suggests the most similar known one.

    Args:
        kind: what the name refers to, such as ``method``.
        name: the name as given.
        allowed: all known names.
    """
    allowed = sorted(allowed)
    lower = {known.lower(): known for known in allowed}
    nearest = get_close_matches(name.lower(), lower, n=1, cutoff=0.5)
    hint = f"; did you mean {lower[nearest[0]]!r}?" if nearest else "."
    return InputError(f"unknown {kind} {name!r}{hint} Known: {', '.join(allowed) or 'none'}.")


def line_in(file: Path | str | None, error: Exception) -> int | None:
    """Return the last line of a file that led to an error; None if none did."""
    frames = extract_tb(error.__traceback__)
    return next((frame.lineno for frame in reversed(frames) if frame.filename == str(file)), None)

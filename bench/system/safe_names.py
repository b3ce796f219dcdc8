"""Safe names of images and image sets, which become file names, table cells and lines on a terminal."""

from __future__ import annotations

import unicodedata

from bench.errors import InputError

LONGEST_NAME = 255
"""Maximum length of a name in bytes, as in common file systems."""

_CONTROL_CATEGORIES = {"Cc", "Cs", "Zl", "Zp"}
"""Unicode's control characters, surrogates (bytes that are not text), line and paragraph separators."""

_DIRECTION_CONTROLS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
"""Unicode's bidirectional controls, which can make a name look like another."""


def visible(text: str, *, keep: str = "") -> str:
    r"""Escape characters that would control a terminal, as in ``\x1b``.

    Args:
        text: any text.
        keep: characters to keep as they are, such as line breaks.
    """
    if text.isprintable():
        return text
    return "".join(_escaped(each) if _is_control(each) and each not in keep else each for each in text)


def require_name(name: str, *, of: str) -> None:
    r"""Check that a name can only refer to one file, and that it reads as it is stored.

    Args:
        name: without folders.
        of: owner of the name, for the message, such as ``image set 'photos'``.

    Raises:
        InputError: if it is empty, ``.``, ``..`` or longer than ``LONGEST_NAME``, or holds ``/``, ``\``, a
            control character, a bidirectional control, or bytes that are not text.
    """
    if name in ("", ".", ".."):
        raise InputError(f"{of}: {name!r} cannot be a name; rename it")
    for each in name:
        if each in "/\\" or _is_control(each):
            raise InputError(
                f"{of}: the name {name!r} holds {each!r}; rename it, without slashes and without characters "
                "that control a terminal or the text direction"
            )
    if len(name.encode()) > LONGEST_NAME:
        raise InputError(f"{of}: a name of {len(name.encode())} bytes; allowed: {LONGEST_NAME}")


def _is_control(character: str) -> bool:
    category, direction = unicodedata.category(character), unicodedata.bidirectional(character)
    return category in _CONTROL_CATEGORIES or direction in _DIRECTION_CONTROLS


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")

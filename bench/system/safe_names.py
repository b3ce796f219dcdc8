"""Names of images and image sets, which become file names, cells of tables and lines on a terminal."""

from __future__ import annotations

import unicodedata

from bench.errors import InputError

LONGEST_NAME = 255
"""Bytes of a name, which is what file systems take."""

_ACTING = {"Cc", "Cs", "Zl", "Zp"}
"""Unicode's control characters, surrogates (bytes of a name that are no text), line and paragraph breaks."""

_TURNING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
"""Unicode's bidirectional controls, by which a name can be read as another."""


def visible(text: str, *, keep: str = "") -> str:
    r"""Write what acts on a terminal, in the place of being shown on it, as escapes such as ``\x1b``.

    Args:
        text: any text.
        keep: characters to leave alone, such as line breaks.
    """
    if text.isprintable():
        return text
    return "".join(_escaped(each) if _acts(each) and each not in keep else each for each in text)


def require_name(name: str, *, of: str) -> None:
    r"""Check that a name can only ever be the name of one file, and reads as what it is.

    Args:
        name: without folders.
        of: what has the name, for the message, such as ``image set 'photos'``.

    Raises:
        InputError: if it is empty, ``.``, ``..`` or longer than ``LONGEST_NAME``, or holds ``/``, ``\``, a
            control character, a bidirectional control, or bytes that are no text.
    """
    if name in ("", ".", ".."):
        raise InputError(f"{of}: {name!r} cannot be a name; rename it")
    for each in name:
        if each in "/\\" or _acts(each):
            raise InputError(
                f"{of}: the name {name!r} holds {each!r}; rename it, without slashes and without characters "
                "that steer a terminal or the direction of writing"
            )
    if len(name.encode()) > LONGEST_NAME:
        raise InputError(f"{of}: a name of {len(name.encode())} bytes; allowed: {LONGEST_NAME}")


def _acts(character: str) -> bool:
    return unicodedata.category(character) in _ACTING or unicodedata.bidirectional(character) in _TURNING


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")

"""Standard output and error that never end a command, whose work continues if its output cannot be read."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from bench.system.files import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator


class OutputStream:
    """A text stream that replaces what its encoding lacks, and drops everything after an error.

    Args:
        stream: the stream, None if it is closed.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self.stream = stream or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - kept open
        self.error: OSError | None = None

    def write(self, text: str) -> int:
        """Write text; characters without a code become question marks."""
        encoding = self.stream.encoding or "utf-8"
        self._try("write", text.encode(encoding, errors="replace").decode(encoding))
        return len(text)

    def flush(self) -> None:
        """Write what is buffered."""
        self._try("flush")

    def _try(self, name: str, *args: str) -> None:
        if self.error is None:
            try:
                getattr(self.stream, name)(*args)
            except OSError as error:
                self.error = error

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


@contextmanager
def lasting_output() -> Iterator[None]:
    """Print to ``OutputStream`` inside the block.

    Raises:
        StorageError: the standard output could not be stored, as on a full disk. A reader that closes the
            pipe is no error.
    """
    before = sys.stdout, sys.stderr
    output, errors = OutputStream(sys.stdout), OutputStream(sys.stderr)
    sys.stdout, sys.stderr = output, errors
    try:
        yield
    finally:
        for stream in (output, errors):
            stream.flush()
            _discard_buffered(stream)
        sys.stdout, sys.stderr = before
    if output.error and output.error.errno != errno.EPIPE:
        raise StorageError(f"the standard output could not be written ({output.error.strerror})")


def _discard_buffered(stream: OutputStream) -> None:
    """Keep Python from writing the buffer of a failed stream once more when it exits."""
    if stream.error:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.stream.fileno())
        os.close(null)

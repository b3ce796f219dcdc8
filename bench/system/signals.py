"""Stopping: Ctrl-C, and the signal by which schedulers end a job, are heard at the next safe moment."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

HEARD = (signal.SIGINT, signal.SIGTERM)


class Interrupted(BaseException):
    """Someone asked to stop; ``number`` is the signal's."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


@dataclass
class StopRequest:
    """Whether someone asked to stop.

    A signal ends the work at once, wherever it is, but for a block that defers it: that one looks at
    ``asked`` itself, as often as it can end well. A second signal ends even that.
    """

    asked: int | None = None
    patient: bool = False

    @contextmanager
    def listening(self, numbers: tuple[signal.Signals, ...] = HEARD) -> Iterator[None]:
        """Hear signals in this block; outside the main thread, where Python hears none, do nothing."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._on_signal) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Let a signal wait for ``end_if_asked``.

        Raises:
            Interrupted: one came, and was not heeded before the end of the block.
        """
        self.patient = True
        try:
            yield
        finally:
            self.patient = False
        self.end_if_asked()

    def end_if_asked(self) -> None:
        """End the work if someone asked to.

        Raises:
            Interrupted: if so.
        """
        if self.asked is not None:
            raise Interrupted(self.asked)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        again = self.asked is not None
        self.asked = number
        if again or not self.patient:
            raise Interrupted(number)

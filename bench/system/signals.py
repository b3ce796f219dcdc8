"""Stop requests: Ctrl-C and the schedulers' SIGTERM take effect at the next safe moment."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(BaseException):
    """A stop was requested; ``number`` is the number of the signal."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


@dataclass
class StopRequest:
    """Whether a stop was requested.

    A signal ends the work immediately, except in a block that defers it; such a block checks ``received`` at
    points where it can stop without loss. A second signal ends even that block immediately.

    Args:
        received: number of the signal; None until one arrives.
        deferring: whether the work is in a block that defers signals.
    """

    received: int | None = None
    deferring: bool = False

    @contextmanager
    def listening(self, numbers: tuple[signal.Signals, ...] = STOP_SIGNALS) -> Iterator[None]:
        """Handle signals in this block; do nothing outside the main thread, where Python receives none."""
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
            Interrupted: one was received, and the block ended without that call.
        """
        self.deferring = True
        try:
            yield
        finally:
            self.deferring = False
        self.end_if_asked()

    def end_if_asked(self) -> None:
        """End the work if a stop was requested.

        Raises:
            Interrupted: a stop was requested.
        """
        if self.received is not None:
            raise Interrupted(self.received)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        again = self.received is not None
        self.received = number
        if again or not self.deferring:
            raise Interrupted(number)

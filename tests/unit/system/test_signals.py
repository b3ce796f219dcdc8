"""Requests to stop: at once, deferred to a safe moment, or insisted on by a second signal."""

from __future__ import annotations

import signal
import threading

import pytest

from bench.system.signals import STOP_SIGNALS, Interrupted, StopRequest


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_a_signal_ends_the_work_at_once_and_handlers_are_restored(number: signal.Signals) -> None:
    before, stop = signal.getsignal(number), StopRequest()
    with pytest.raises(Interrupted) as caught, stop.listening():
        signal.raise_signal(number)
    assert caught.value.number == stop.received == number
    assert str(caught.value) == number.name
    assert signal.getsignal(number) == before


def test_a_deferred_signal_takes_effect_where_the_work_asks() -> None:
    stop, done = StopRequest(), []
    with stop.listening(), pytest.raises(Interrupted), stop.deferred():
        signal.raise_signal(signal.SIGTERM)
        done.append("the rest of the step")
        stop.end_if_asked()
        done.append("the next step")
    assert done == ["the rest of the step"]


def test_a_deferred_signal_takes_effect_at_the_end_of_the_block_at_the_latest() -> None:
    stop = StopRequest()
    with stop.listening(), pytest.raises(Interrupted), stop.deferred():
        signal.raise_signal(signal.SIGTERM)
    assert not stop.deferring


def test_a_second_signal_ends_even_a_block_that_defers() -> None:
    stop, done = StopRequest(), []
    with stop.listening(), pytest.raises(Interrupted), stop.deferred():
        signal.raise_signal(signal.SIGTERM)
        done.append("deferred")
        signal.raise_signal(signal.SIGTERM)
        done.append("not reached")
    assert done == ["deferred"]


def test_without_a_signal_nothing_ends() -> None:
    stop = StopRequest()
    with stop.listening(), stop.deferred():
        stop.end_if_asked()
    assert stop.received is None


def test_outside_the_main_thread_no_handler_is_set() -> None:
    before, seen = signal.getsignal(signal.SIGTERM), []

    def listen() -> None:
        with StopRequest().listening():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    assert seen == [before]

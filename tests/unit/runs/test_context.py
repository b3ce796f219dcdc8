"""The context of jobs, which is sent to the workers of a cluster."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.runs import Tiny


def test_a_context_can_be_sent_to_another_process(tiny: Tiny) -> None:
    sent = pickle.loads(pickle.dumps(tiny.context))  # noqa: S301 - pickled a moment ago
    assert sent.training_images.fingerprint == tiny.context.training_images.fingerprint
    assert sent.store == tiny.context.store
    assert sent.stop.received is None


def test_contexts_do_not_share_a_request_to_stop(tiny: Tiny) -> None:
    context = tiny.context
    other = type(context)(context.training_images, context.test_images, context.device, context.store, "none")
    assert other.stop is not context.stop

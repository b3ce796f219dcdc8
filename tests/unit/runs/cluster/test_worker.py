"""The worker of a cluster: it refuses orders of other code, and reports to the coordinator."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from bench.errors import InputError
from bench.runs.cluster.coordinator import Progressed, Started, Warned

pytest.importorskip("ray", reason="Ray is not installed")

from bench.runs.cluster import worker

if TYPE_CHECKING:
    from tests.support.runs import Tiny


@pytest.fixture
def without_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pass objects on as they are, without a running cluster."""
    util = SimpleNamespace(get_node_ip_address=lambda: "10.0.0.1")
    monkeypatch.setattr(
        worker, "ray", SimpleNamespace(put=lambda value: value, get=lambda value: value, util=util)
    )


@pytest.mark.usefixtures("without_a_cluster")
def test_an_order_is_read_where_the_code_is_the_same(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    (job,) = tiny.jobs()
    order = worker.Order.of(job)
    assert order.read() is job
    monkeypatch.setattr(worker, "source_hash", lambda _: "0" * 64)
    with pytest.raises(InputError, match=r"10\.0\.0\.1 has another supervised than the driver"):
        order.read()
    monkeypatch.setattr(worker, "PROTOCOL_VERSION", -1)
    with pytest.raises(InputError, match="of protocol -1, the driver"):
        order.read()


def test_a_reporter_sends_events_but_no_outcome(tiny: Tiny) -> None:
    sent: list[tuple[str, Any]] = []
    coordinator: Any = SimpleNamespace(
        record_event=SimpleNamespace(remote=lambda key, event: sent.append((key, event)))
    )
    (job,), reporter = tiny.jobs(), worker.Reporter(coordinator)
    reporter.started(job)
    reporter.progressed(job, {"step": 20})
    reporter.warned(job, "slow")
    reporter.ended(job, "trained")
    assert sent == [(job.key, event) for event in (Started(), Progressed({"step": 20}), Warned("slow"))]

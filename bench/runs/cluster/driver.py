"""Run a grid on a Ray cluster: the driver claims runs in its store, and workers execute them."""

from __future__ import annotations

import socket
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from bench.errors import InputError
from bench.runs.cluster.coordinator import Coordinator
from bench.runs.cluster.worker import Order, ask, work
from bench.runs.launch import PAUSE, Queue
from bench.store.checksums import DamagedRunError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.runs.cluster.resources import RunResources
    from bench.runs.context import RunContext, Watcher
    from bench.runs.launch import Claim
    from bench.runs.plan import Job
    from bench.store.store import Store

RETRIES = 3
"""Number of retries of a run whose worker died; each resumes from the last checkpoint."""

AT_ONCE = 500
"""Maximum number of runs submitted at a time; each holds a lock, which is an open file."""

PATIENCE = 10.0
"""Seconds that workers have for a last checkpoint, and a cluster for its first response."""


@contextmanager
def connected(address: str) -> Iterator[None]:
    """Join a Ray cluster for this block; an existing connection is reused, and kept.

    Args:
        address: HOST:PORT; or ``auto``, the cluster that this machine belongs to, else a local one.

    Raises:
        InputError: no cluster responds.
    """
    if ray.is_initialized():
        yield
        return
    try:
        if address != "auto":
            _require_listener(address)
        ray.init(
            address=None if address == "auto" else address,
            include_dashboard=False,
            log_to_driver=False,
            logging_level="ERROR",
        )
    except (OSError, ValueError) as error:
        raise InputError(
            f"no Ray cluster answers at {address!r} ({error}); give auto, or the HOST:PORT that "
            "`ray start --head` prints, on a machine that belongs to the cluster"
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


def _require_listener(address: str) -> None:
    """Check that something listens at the address; Ray itself would wait for minutes."""
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE):
        pass


def launch_on_cluster(
    jobs: Sequence[Job], context: RunContext, watcher: Watcher, *, resources: RunResources
) -> list[Job]:
    """Execute every job that is not stored yet, on the cluster that this process has joined.

    Like ``launch``, but as many jobs at a time as the cluster has room for. Only this process uses the store:
    workers send checkpoints and return files. A run whose worker dies resumes from its last checkpoint.

    Args:
        jobs: the jobs of the grid.
        context: how jobs are executed; ``device`` is that of the workers.
        watcher: receives the progress.
        resources: resources of each run.

    Returns:
        The jobs that failed.

    Raises:
        InputError: no node has room for a run, or a worker has different code from this process.
        StorageError: the store can no longer be written; its content is valid, and another call resumes.
        Interrupted: a stop was requested; likewise, and the running jobs have written a checkpoint.
    """
    _require_room(resources)
    queue = Queue(jobs, context, watcher)
    coordinator, shared = _start_coordinator(context.store), ray.put(context)
    task = ray.remote(num_cpus=resources.cpus, num_gpus=resources.gpus, max_retries=RETRIES)(work)
    running: dict[ray.ObjectRef, Claim] = {}
    try:
        while queue.left or running:
            with context.stop.deferred():
                while len(running) < AT_ONCE and (claim := queue.take()):
                    context.store.begin(claim.job.key)
                    result = task.remote(Order.of(claim.job), [shared], coordinator)
                    running[result] = claim
                ended = _wait(running)
                _show_events(coordinator, running, watcher)
                for result in ended:
                    claim = running.pop(result)
                    with claim.lock:
                        outcome = _adopt(result, claim.job, context.store)
                    queue.end(claim.job, outcome)
    finally:
        _cancel(running)
    return queue.failed


def _require_room(resources: RunResources) -> None:
    """Check that a run fits on some node; otherwise it would wait forever."""
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    if not any(
        node.get("CPU", 0) >= resources.cpus and node.get("GPU", 0) >= resources.gpus for node in nodes
    ):
        there = "; ".join(f"{node.get('CPU', 0):g} CPUs, {node.get('GPU', 0):g} GPUs" for node in nodes)
        raise InputError(
            f"no node of the cluster has room for {resources.cpus} CPUs and {resources.gpus:g} GPUs per run; "
            f"its nodes have: {there}"
        )


def _start_coordinator(store: Store) -> ray.actor.ActorHandle:
    """Start a coordinator on this machine, which has the store; Ray restarts it if it dies."""
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    actor = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)(Coordinator)
    return actor.options(scheduling_strategy=here).remote(store.root.resolve())


def _wait(running: dict[ray.ObjectRef, Claim]) -> list[ray.ObjectRef]:
    """Wait for a moment, and return the tasks that have ended."""
    if not running:
        time.sleep(PAUSE)
        return []
    ended: list[ray.ObjectRef] = ray.wait(list(running), timeout=PAUSE)[0]
    return ended


def _show_events(
    coordinator: ray.actor.ActorHandle, running: dict[ray.ObjectRef, Claim], watcher: Watcher
) -> None:
    """Pass the events that workers reported to the watcher."""
    jobs = {claim.job.key: claim.job for claim in running.values()}
    for key, event in ask(coordinator.drain_events.remote()):
        if key in jobs:
            event.show(watcher, jobs[key])


def _adopt(result: ray.ObjectRef, job: Job, store: Store) -> str:
    """Store the files of a run that has ended, and return its outcome."""
    try:
        outcome, archive = ask(result)
        if archive:
            store.adopt(job.key, archive)
    except (DamagedRunError, RayError) as error:
        first_line, *_ = str(error).splitlines() or [type(error).__name__]
        return f"failed: {first_line}"
    return str(outcome)


def _cancel(running: dict[ray.ObjectRef, Claim]) -> None:
    """End the tasks that are still running, if possible each after a checkpoint."""
    left = list(running)
    for result in left:
        ray.cancel(result)
    if left:
        _, left = ray.wait(left, num_returns=len(left), timeout=PATIENCE)
    for result in left:  # only these: Ray may abort this process if a task ends while it is cancelled
        ray.cancel(result, force=True)
    for claim in running.values():
        claim.lock.close()

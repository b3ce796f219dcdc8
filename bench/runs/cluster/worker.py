"""A worker of a cluster: executes one run in a temporary store, and returns the run's files."""

from __future__ import annotations

import signal
import tempfile
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ray
import torch
from ray.exceptions import RayError, RayTaskError

from bench.discovery import load_class, source_hash
from bench.errors import InputError
from bench.protocol import PROTOCOL_VERSION
from bench.runs.cluster.coordinator import Progressed, Started, Warned
from bench.runs.inputs import NoisyTestSets
from bench.runs.launch import try_execute
from bench.store.archive import pack, unpack
from bench.store.layout import FAILED
from bench.store.record import ClusterNode
from bench.store.store import Store
from bench.system.devices import open_device
from bench.system.files import StorageError
from bench.system.provenance import versions
from bench.system.signals import Interrupted, StopRequest

if TYPE_CHECKING:
    from bench.runs.context import RunContext
    from bench.runs.plan import Job
    from bench.store.archive import Archive


def ask(answer: ray.ObjectRef) -> Any:
    """Wait for a result from another process of the cluster.

    Raises:
        RayError: the process or the cluster died.
        Exception: any error that the other process raised.
    """
    try:
        return ray.get(answer)
    except RayTaskError as error:
        raise error.cause from error


@dataclass(frozen=True)
class Order:
    """A run to execute, as the driver describes it.

    Args:
        method: name of the method.
        job: a reference that Ray does not unpack, so that a worker without the method can report that first.
        version: version of the driver's noisebench.
        protocol: protocol version of the driver.
    """

    method: str
    job: ray.ObjectRef
    version: str
    protocol: int

    @classmethod
    def of(cls, job: Job) -> Order:
        """Create the order for a job."""
        return cls(job.run.method, ray.put(job), versions()["noisebench"], PROTOCOL_VERSION)

    def read(self) -> Job:
        """Unpack the job, if this worker has the same code.

        Raises:
            InputError: this worker has different code.
        """
        here = f"the worker at {ray.util.get_node_ip_address()}"
        advice = "install the same on every node"
        ours, theirs = (versions()["noisebench"], PROTOCOL_VERSION), (self.version, self.protocol)
        if ours != theirs:
            raise InputError(
                f"{here} has noisebench {ours[0]} of protocol {ours[1]}, the driver {theirs[0]} of protocol "
                f"{theirs[1]}; {advice}"
            )
        try:
            load_class(self.method)
        except InputError as error:
            raise InputError(f"{here} lacks {self.method}: {error}; {advice}") from error
        job: Job = ray.get(self.job)
        if job.run.key(source_hash(type(job.method))) != job.key:
            raise InputError(f"{here} has another {self.method} than the driver; {advice}")
        return job


@dataclass(frozen=True)
class Reporter:
    """A watcher that reports to the driver's coordinator."""

    coordinator: ray.actor.ActorHandle

    def started(self, job: Job) -> None:
        """Report that a job starts."""
        self.coordinator.record_event.remote(job.key, Started())

    def progressed(self, job: Job, entry: dict[str, Any]) -> None:
        """Report a log entry."""
        self.coordinator.record_event.remote(job.key, Progressed(entry))

    def warned(self, job: Job, text: str) -> None:
        """Report a warning."""
        self.coordinator.record_event.remote(job.key, Warned(text))

    def ended(self, job: Job, outcome: str) -> None:
        """Do nothing: the task returns the outcome."""


def work(
    order: Order, shared: list[ray.ObjectRef], coordinator: ray.actor.ActorHandle
) -> tuple[str, Archive]:
    """Execute one run, or resume it from the checkpoint that the coordinator has.

    Args:
        order: the run.
        shared: a reference to the driver's ``RunContext``, in a list, so that Ray does not unpack it.
        coordinator: handle of the driver's ``Coordinator``.

    Returns:
        The outcome, as returned by ``try_execute``, and the files of the run, if there are any. A cancelled
        run has sent its checkpoint to the coordinator.

    Raises:
        InputError: this worker has different code from the driver, or lacks the device.
        StorageError: the driver's store or the disk of this machine can no longer be written.
    """
    job, reporter = order.read(), Reporter(coordinator)
    reporter.started(job)
    context, tests = _unpacked(shared[0])
    runtime = ray.get_runtime_context()
    given = runtime.get_assigned_resources()
    # After `open_device`, which counts the cores of the machine.
    torch.set_num_threads(int(given["CPU"]))

    def send(checkpoint: Path) -> None:
        try:
            ask(coordinator.keep.remote(job.key, checkpoint.read_bytes()))
        except RayError as error:
            raise StorageError(f"the driver's store is out of reach: {error}") from error

    with tempfile.TemporaryDirectory(prefix="noisebench-") as folder:
        store = Store.open(Path(folder))
        unpack(ask(coordinator.fetch.remote(job.key)), store.root)
        context = replace(
            context,
            store=store,
            stop=StopRequest(),
            on_checkpoint=send,
            place={"cluster": ClusterNode(node=runtime.get_node_id(), gpus_per_run=given.get("GPU", 0.0))},
        )
        try:
            # Ray cancels a task with an interrupt. SIGTERM ends a worker; its run is retried elsewhere.
            with context.stop.listening((signal.SIGINT,)):
                outcome = try_execute(job, context, tests.of(job), reporter)
        except Interrupted as stopped:
            return str(stopped), {}
        done = [run for run in (store.root / job.key, store.root / FAILED / job.key) if run.is_dir()]
        return outcome, pack(done[0]) if done else {}


@lru_cache(maxsize=1)
def _unpacked(shared: ray.ObjectRef) -> tuple[RunContext, NoisyTestSets]:
    """Unpack the data that all runs share, once per worker process."""
    context: RunContext = ray.get(shared)
    device = open_device(context.device.type)
    lpips = context.lpips if isinstance(context.lpips, str) else replace(context.lpips, device=device)
    return replace(context, device=device, lpips=lpips), NoisyTestSets(context)

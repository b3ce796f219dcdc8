"""A grid on a Ray cluster of two nodes: each job once, to the same scores, whatever is killed meanwhile."""

from __future__ import annotations

import os
import re
import shutil
import signal
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from bench.cli.main import main
from bench.errors import InputError
from bench.images.sources import open_set
from bench.runs.cluster.resources import RunResources
from bench.store.checksums import read_record
from bench.store.layout import CHECKPOINT, FAILED, PARTIAL, WEIGHTS
from bench.store.recovery import set_aside_damaged
from bench.store.store import Store
from bench.system.files import StorageError
from bench.training.checkpoint import read_checkpoint
from tests.support.processes import QUICK_GRID, results, start
from tests.support.runs import CPU, Silent, Tiny

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.runs.plan import Job

ray = pytest.importorskip("ray", reason="Ray is not installed")

from ray.cluster_utils import Cluster  # noqa: E402 - where Ray is
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy  # noqa: E402

from bench.runs.cluster.driver import connected, launch_on_cluster  # noqa: E402
from bench.runs.cluster.worker import Order  # noqa: E402

pytestmark = pytest.mark.xdist_group("cluster")  # which is one for all

LONG = 200
"""Steps of a run that is disturbed, with a checkpoint after each."""

AFTER = 20
"""Steps after which it is disturbed."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Join a cluster of two nodes with a CPU each, on which a run leaves no room for another."""
    node = {"num_cpus": 1, "object_store_memory": 100 * 2**20, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=node)
    cluster.add_node(**node)
    with connected(cluster.address):
        here = [NodeAffinitySchedulingStrategy(node.node_id, soft=False) for node in cluster.list_all_nodes()]
        task = ray.remote(num_cpus=1)(warm_up)
        ray.get([task.options(scheduling_strategy=strategy).remote() for strategy in here])
        yield cluster
    cluster.shutdown()


def warm_up() -> None:
    """Import what a worker needs, so that both nodes are ready when a grid begins."""
    import bench.runs.cluster.worker  # noqa: F401


@pytest.fixture
def long(tiny: Tiny) -> Tiny:
    return replace(tiny, context=replace(tiny.context, checkpoint_every=0))


def in_store(tiny: Tiny, root: Path) -> Tiny:
    return replace(tiny, context=replace(tiny.context, store=Store.open(root)))


def resources(address: str = "auto") -> RunResources:
    return RunResources(address, CPU, cpus=1, gpus=0.0)


def on_cluster(tiny: Tiny, jobs: list[Job]) -> Silent:
    watcher = Silent()
    launch_on_cluster(jobs, tiny.context, watcher, resources=resources())
    assert set_aside_damaged(tiny.context.store.root) == []
    return watcher


def alone(tiny: Tiny, root: Path, **changes: Any) -> Tiny:
    """Launch a grid without Ray, in a process of one thread."""
    here = in_store(tiny, root)
    process, connection = start(here, **changes)
    assert set(connection.recv()) == {"trained"}
    process.join()
    return here


def steps_done(tiny: Tiny, job: Job) -> int:
    """Read how far a run is, from a copy, since another process may replace the checkpoint."""
    path = tiny.context.store.root / PARTIAL / job.key / CHECKPOINT
    if not path.is_file():
        return 0
    with tempfile.TemporaryDirectory() as folder:
        return read_checkpoint(Path(shutil.copy(path, folder)))[0].step


def wait_for_checkpoint(tiny: Tiny, job: Job) -> None:
    while steps_done(tiny, job) < AFTER:
        time.sleep(0.01)


def amid(tiny: Tiny, job: Job, do: Callable[[], None]) -> Thread:
    """Do something in the middle of a run."""

    def watch() -> None:
        wait_for_checkpoint(tiny, job)
        do()

    thread = Thread(target=watch, daemon=True)
    thread.start()
    return thread


def kill_workers(cluster: Cluster) -> None:
    """Kill the processes of this cluster that execute a job."""
    for node in cluster.list_all_nodes():
        raylet = node.all_processes["raylet"][0].process.pid
        for process in Path(f"/proc/{raylet}/task/{raylet}/children").read_text().split():
            if Path(f"/proc/{process}/cmdline").read_bytes().startswith(b"ray::work"):
                os.kill(int(process), signal.SIGKILL)


def test_the_quick_grid_is_executed_once_on_both_nodes_to_the_same_scores(
    cluster: Cluster, tiny: Tiny, tmp_path: Path
) -> None:
    jobs = tiny.jobs(**QUICK_GRID)
    assert on_cluster(tiny, jobs).outcomes == ["trained"] * 15
    assert results(tiny).equals(results(alone(tiny, tmp_path / "alone", **QUICK_GRID)))
    store = tiny.context.store
    records = [store.record(job.key) for job in jobs]
    nodes = [record.cluster.node for record in records]
    assert set(nodes) == {node.node_id for node in cluster.list_all_nodes()}
    assert {record.hardware.threads for record in records} == {1}
    assert on_cluster(tiny, jobs).outcomes == ["stored"] * 15
    assert list((store.root / PARTIAL).iterdir()) == []
    print(f"\n15 runs on two nodes: {sorted(nodes.count(node) for node in set(nodes))}")


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="workers are found in /proc")
def test_a_run_whose_worker_is_killed_resumes_from_its_checkpoint(
    cluster: Cluster, long: Tiny, tmp_path: Path
) -> None:
    (job,) = long.jobs(steps=LONG)
    killing = amid(long, job, lambda: kill_workers(cluster))
    watcher = on_cluster(long, [job])
    killing.join()
    assert watcher.outcomes == ["trained"]
    (warning,) = watcher.warnings
    step = int(re.fullmatch(rf"resumes after step (\d+) of {LONG}", warning)[1])
    assert AFTER <= step < LONG
    record = long.context.store.record(job.key)
    assert [attempt.step for attempt in record.earlier_attempts] == [0]
    whole = alone(long, tmp_path / "alone", steps=LONG)
    assert results(long).equals(results(whole))
    ours, theirs = (load_file(tiny.context.store.root / job.key / WEIGHTS) for tiny in (long, whole))
    assert all(torch.equal(ours[name], value) for name, value in theirs.items())
    print(f"\nresumed after step {step} of {LONG}")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_driver_that_was_ended_resumes_from_the_checkpoint(
    cluster: Cluster, long: Tiny, number: signal.Signals
) -> None:
    (job,) = long.jobs(steps=LONG)
    process, _ = start(long, resources=resources(cluster.address), steps=LONG)
    wait_for_checkpoint(long, job)
    os.kill(process.pid, number)
    process.join(30)
    assert process.exitcode == (1 if number == signal.SIGINT else -number)
    assert AFTER <= steps_done(long, job) < LONG
    assert long.context.store.keys() == []
    assert long.context.store.failures().empty
    watcher = on_cluster(long, [job])
    assert watcher.outcomes == ["trained"]
    assert re.fullmatch(rf"resumes after step \d+ of {LONG}", watcher.warnings[0])


def test_a_method_that_fails_is_recorded_and_the_others_continue(cluster: Cluster, tiny: Tiny) -> None:
    bad, *others = tiny.jobs(learning_rate=1e30) + tiny.jobs(seeds=(0, 1))
    watcher = on_cluster(tiny, [bad, *others])
    assert sorted(outcome.partition(":")[0] for outcome in watcher.outcomes) == [
        "failed",
        "trained",
        "trained",
    ]
    record = read_record(tiny.context.store.root / FAILED / bad.key)
    assert record.error.startswith("TrainingError: the loss became")
    assert sorted(tiny.context.store.keys()) == sorted(job.key for job in others)


def test_a_further_test_set_is_scored_without_training(cluster: Cluster, tiny: Tiny, tmp_path: Path) -> None:
    assert tiny.launch() == ["trained"]
    (tmp_path / "more").mkdir()
    first = Image.open(tmp_path / "test" / "0.png")
    first.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "more" / "a.png")
    more = open_set(str(tmp_path / "more"), channels=1)
    both = replace(tiny, context=replace(tiny.context, test_images=(*tiny.context.test_images, more)))
    assert on_cluster(both, tiny.jobs()).outcomes == ["scored"]
    assert list(both.context.store.scores()["images"]) == ["test", "test", "more"]
    assert on_cluster(both, tiny.jobs()).outcomes == ["stored"]


def test_a_worker_with_other_code_is_refused(cluster: Cluster, tiny: Tiny) -> None:
    (job,) = tiny.jobs()
    with pytest.raises(InputError, match="has another supervised than the driver"):
        on_cluster(tiny, [replace(job, key=16 * "0")])
    with pytest.raises(InputError, match="lacks mine: unknown method 'mine'"):
        on_cluster(tiny, [replace(job, run=replace(job.run, method="mine"))])
    for change, said in (
        ({"version": "0.0"}, "the driver 0.0 of"),
        ({"protocol": 0}, "of protocol 0; install"),
    ):
        with pytest.raises(InputError, match=said):
            replace(Order.of(job), **change).read()
    assert tiny.context.store.keys() == []
    assert on_cluster(tiny, [job]).outcomes == ["trained"]


def test_a_store_that_is_gone_ends_the_grid(cluster: Cluster, long: Tiny) -> None:
    jobs = long.jobs(steps=LONG, seeds=(0, 1))
    root = long.context.store.root
    losing = amid(long, jobs[0], lambda: shutil.rmtree(root, ignore_errors=True))
    with pytest.raises(StorageError, match="cannot be written"):
        on_cluster(long, jobs)
    losing.join()


def test_a_run_that_fits_on_no_node_is_refused(cluster: Cluster, tiny: Tiny) -> None:
    with pytest.raises(
        InputError, match="room for 2 CPUs and 0 GPUs per run; its nodes have: 1 CPUs, 0 GPUs"
    ):
        launch_on_cluster(tiny.jobs(), tiny.context, Silent(), resources=replace(resources(), cpus=2))


def test_the_command_launches_a_grid_on_the_cluster(
    cluster: Cluster,
    photo_folders: Callable[[int], tuple[Path, Path]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    photo_folders(1)
    monkeypatch.chdir(tmp_path)
    size = ["--width", "4", "--steps", "3", "--batch", "2", "--patch", "32"]
    sets = ["--train", "./train", "--test", "./test", "--noises", "gaussian:25"]
    main(["run", *size, *sets, "--methods", "supervised", "sure", "--ray", cluster.address])
    printed = capsys.readouterr().out
    assert "2 trained" in printed
    assert "sure" in (tmp_path / "runs" / "tables" / "table.md").read_text()

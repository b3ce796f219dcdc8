"""Grids launched in other processes, which can be killed; these start with all modules imported."""

from __future__ import annotations

import multiprocessing
from typing import TYPE_CHECKING, Any

import torch

from bench.runs.launch import launch
from bench.runs.recipes import RECIPES
from tests.support.runs import Silent, Tiny

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

    import pandas as pd

    from bench.runs.cluster.resources import RunResources

WARM = multiprocessing.get_context("forkserver")
WARM.set_forkserver_preload([__name__])

QUICK_GRID = {"methods": RECIPES["quick"].methods, "noises": RECIPES["quick"].noises, "steps": 60}

CLOCKS = ["finished", "seconds", "training_seconds", "patches_per_second", "core_share"]


def start(
    tiny: Tiny, *, resources: RunResources | None = None, **changes: Any
) -> tuple[BaseProcess, Connection]:
    """Launch a grid in a process of one thread, which sends ``begun``, and at its end all outcomes.

    With resources on a cluster, the process is the driver of a grid there.
    """
    here, there = WARM.Pipe()
    process = WARM.Process(target=_work, args=(tiny, resources, changes, there), daemon=True)
    process.start()
    there.close()
    assert here.poll(120), "the process did not begin"
    assert here.recv() == "begun"
    return process, here


def _work(
    tiny: Tiny, resources: RunResources | None, changes: dict[str, Any], connection: Connection
) -> None:
    torch.set_num_threads(1)
    jobs, watcher = tiny.jobs(**changes), Silent()
    connection.send("begun")
    if resources:
        from bench.runs.cluster.driver import connected, launch_on_cluster

        with connected(resources.address), tiny.context.stop.listening():
            launch_on_cluster(jobs, tiny.context, watcher, resources=resources)
    else:
        with tiny.context.stop.listening():
            launch(jobs, tiny.context, watcher)
    connection.send(watcher.outcomes)


def results(tiny: Tiny) -> pd.DataFrame:
    """Return the scores of a store without its clocks, sorted by run and image."""
    scores = tiny.context.store.scores().drop(columns=CLOCKS)
    return scores.sort_values(["key", "parameter", "images", "image"], ignore_index=True)

"""Hundreds of hostile inputs: each is refused with its name, in time and little memory, writing nothing."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import Counter, defaultdict
from contextlib import contextmanager
from threading import Timer
from typing import TYPE_CHECKING, Any

from bench.system.safe_names import visible
from tests.security.hostile_inputs import HostileInput, hostile_inputs
from tests.support.repository import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TIMEOUT_S = 30  # enough for a slow machine
MOST_MEGABYTES = 250
FEWEST_REFUSED = 150


@contextmanager
def opening_process(home: Path) -> Iterator[Callable[[HostileInput], dict[str, Any]]]:
    """Start another process that opens inputs, and is killed when one takes too long."""
    places = {
        "HOME": str(home),
        "TMPDIR": str(home),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    with subprocess.Popen(
        [sys.executable, "-m", "tests.security.opening_process"],
        cwd=ROOT,
        env=os.environ | places,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout

        def open_input(hostile: HostileInput) -> dict[str, Any]:
            request = {name: getattr(hostile, name) for name in ("opener", "path", "channels")}
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            clock = Timer(TIMEOUT_S, process.kill)
            clock.start()
            answer = process.stdout.readline()
            clock.cancel()
            assert answer, f"hung or crashed over {hostile}"
            return json.loads(answer)

        yield open_input


def snapshot(root: Path) -> dict[str, tuple[int, int, int]]:
    """List all below a folder with mode, size and time of change; nothing is opened."""
    found = {}
    for path in root.rglob("*"):
        status = path.lstat()
        found[str(path)] = (status.st_mode, status.st_size, status.st_mtime_ns)
    return found


def verdict_on(hostile: HostileInput, outcome: dict[str, Any]) -> str:
    """Classify an outcome; ``wrong`` must not happen."""
    if "refused" in outcome:
        return "refused" if visible(hostile.name) in visible(outcome["refused"]) else "wrong"
    if "raised" in outcome or not outcome["sound"]:
        return "wrong"
    if outcome["pixels"] == hostile.pixels:
        return "unharmed"
    return "another image" if hostile.unchecked else "wrong"


def test_every_hostile_input_is_refused_with_its_name(tmp_path):
    inputs = list(hostile_inputs(tmp_path, random.Random(0)))
    before = snapshot(tmp_path)
    counts, slowest, wrong = defaultdict(Counter), defaultdict(float), []
    with opening_process(tmp_path) as open_input:
        start = open_input(HostileInput("", "spec", "none"))["megabytes"]
        for each in inputs:
            outcome = open_input(each)
            verdict = verdict_on(each, outcome)
            counts[each.kind][verdict] += 1
            slowest[each.kind] = max(slowest[each.kind], outcome["seconds"])
            if verdict == "wrong" or outcome["megabytes"] > start + MOST_MEGABYTES:
                wrong.append((each, outcome))
    show(counts, slowest)
    assert not wrong
    assert snapshot(tmp_path) == before
    assert sum(count["refused"] for count in counts.values()) >= FEWEST_REFUSED


def show(counts: dict[str, Counter[str]], slowest: dict[str, float]) -> None:
    """Print the table of outcomes; ``pytest -s`` shows it."""
    verdicts = ("refused", "unharmed", "another image", "wrong")
    total = sum(counts.values(), Counter())
    print("\n" + " | ".join(["kind".ljust(34), "inputs", *verdicts, "slowest s"]))
    for kind, count in [*counts.items(), ("all", total)]:
        cells = [f"{count.total():6}", *(f"{count[verdict]:{len(verdict)}}" for verdict in verdicts)]
        seconds = max(slowest.values()) if kind == "all" else slowest[kind]
        print(" | ".join([kind.ljust(34), *cells, f"{seconds:9.3f}"]))

"""Hundreds of hostile inputs: each is refused by its name, in time, in little memory; nothing is written."""

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
from tests.security.specimens import Specimen, specimens
from tests.support.repository import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PATIENCE_S = 30  # a slow machine is no hang
MEGABYTES = 250
AT_LEAST = 150


@contextmanager
def door(home: Path) -> Iterator[Callable[[Specimen], dict[str, Any]]]:
    """Give a function that opens an input in another process, which is ended where it takes too long."""
    places = {
        "HOME": str(home),
        "TMPDIR": str(home),
        "OPENCV_LOG_LEVEL": "SILENT",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    with subprocess.Popen(
        [sys.executable, "-m", "tests.security.door"],
        cwd=ROOT,
        env=os.environ | places,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout

        def opened(specimen: Specimen) -> dict[str, Any]:
            request = {name: getattr(specimen, name) for name in ("opener", "path", "channels")}
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            clock = Timer(PATIENCE_S, process.kill)
            clock.start()
            answer = process.stdout.readline()
            clock.cancel()
            assert answer, f"hung or crashed over {specimen}"
            return json.loads(answer)

        yield opened


def listed(root: Path) -> dict[str, tuple[int, int, int]]:
    """Give all that lies below a folder, with kind, size and time of change; nothing is opened."""
    found = {}
    for path in root.rglob("*"):
        status = path.lstat()
        found[str(path)] = (status.st_mode, status.st_size, status.st_mtime_ns)
    return found


def judged(specimen: Specimen, outcome: dict[str, Any]) -> str:
    """Say what came of an input, and ``wrong`` where that must not be."""
    if "refused" in outcome:
        return "refused" if visible(specimen.name) in visible(outcome["refused"]) else "wrong"
    if "raised" in outcome or not outcome["sound"]:
        return "wrong"
    if outcome["pixels"] == specimen.pixels:
        return "unharmed"
    return "another picture" if specimen.unchecked else "wrong"


def test_every_hostile_input_is_refused_by_its_name(tmp_path):
    inputs = list(specimens(tmp_path, random.Random(0)))
    before = listed(tmp_path)
    counts, slowest, wrong = defaultdict(Counter), defaultdict(float), []
    with door(tmp_path) as opened:
        start = opened(Specimen("", "spec", "none"))["megabytes"]
        for each in inputs:
            outcome = opened(each)
            verdict = judged(each, outcome)
            counts[each.kind][verdict] += 1
            slowest[each.kind] = max(slowest[each.kind], outcome["seconds"])
            if verdict == "wrong" or outcome["megabytes"] > start + MEGABYTES:
                wrong.append((each, outcome))
    show(counts, slowest)
    assert not wrong
    assert listed(tmp_path) == before
    assert sum(count["refused"] for count in counts.values()) >= AT_LEAST


def show(counts: dict[str, Counter[str]], slowest: dict[str, float]) -> None:
    """Print the table; ``pytest -s`` shows it."""
    verdicts = ("refused", "unharmed", "another picture", "wrong")
    total = sum(counts.values(), Counter())
    print("\n" + " | ".join(["kind".ljust(34), "inputs", *verdicts, "slowest s"]))
    for kind, count in [*counts.items(), ("all", total)]:
        cells = [f"{count.total():6}", *(f"{count[verdict]:{len(verdict)}}" for verdict in verdicts)]
        seconds = max(slowest.values()) if kind == "all" else slowest[kind]
        print(" | ".join([kind.ljust(34), *cells, f"{seconds:9.3f}"]))

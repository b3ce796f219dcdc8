"""The guard against slower code: ratios within one run, compared with committed ones."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import pytest
from scipy.stats import linregress

from bench.profile.workloads import BareStep, TrainingStep
from bench.system.counters import count_memory
from methods.supervised import Supervised
from tests.support.methods.trained import TRAINED
from tests.throughput.ratios import ratios_to, seconds_in_turn

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.profile.workloads import Setting

COMMITTED = Path(__file__).parent / "ratios.json"
SCATTER = 0.1
"""Of a median on a shared machine; added to each limit below."""
SLOWER = 1.1
"""How many times the committed ratio is allowed."""
OVERHEAD = 1.05
"""How much the harness may add to the bare step: patches, seeds, schedule and log."""
LINEAR = 0.15
"""How far a time or a memory may be from a straight line."""
ROUNDS = 15


def test_no_method_has_become_slower(
    setting_of: Callable[..., Setting], request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    setting = setting_of()
    steps = {name: TrainingStep(method, setting_of(method.precision)) for name, method in TRAINED.items()}
    times = seconds_in_turn({"bare": BareStep(setting), **steps}, rounds=ROUNDS, device=setting.device)
    found = ratios_to("bare", times)
    case = f"{setting.device.type} {setting.precision} {setting.engine} width {setting.width} "
    case += f"batch {setting.batch} patch {setting.patch}"
    committed = json.loads(COMMITTED.read_text(encoding="utf-8"))
    if request.config.getoption("write_ratios"):
        committed[case] = {spec: round(ratio, 3) for spec, ratio in found.items()}
        COMMITTED.write_text(json.dumps(committed, indent=2) + "\n", encoding="utf-8")
    expected = committed.get(case, {})
    with capsys.disabled():
        print(f"\nstep / bare step ({case}; median of {ROUNDS}):")
        for spec, ratio in found.items():
            print(f"  {spec:<16} {ratio:.3f}  (committed: {expected.get(spec, 'none')})")
    if not expected:
        pytest.skip(f"no committed ratios for {case}; write them by --write-ratios")
    limit = SLOWER + SCATTER
    slower = {spec: ratio for spec, ratio in found.items() if ratio > limit * expected.get(spec, ratio)}
    assert not slower


def test_the_harness_adds_little(
    setting_of: Callable[..., Setting], capsys: pytest.CaptureFixture[str]
) -> None:
    """A supervised step is little but the bare step."""
    setting = setting_of()
    steps = {"bare": BareStep(setting), "supervised": TrainingStep(Supervised(), setting)}
    ratio = ratios_to("bare", seconds_in_turn(steps, rounds=2 * ROUNDS, device=setting.device))["supervised"]
    with capsys.disabled():
        print(f"\nharness overhead, supervised / bare step: {ratio:.3f} (median of {2 * ROUNDS})")
    assert ratio <= OVERHEAD + SCATTER


def test_time_and_memory_grow_linearly_with_the_batch(
    setting_of: Callable[..., Setting], capsys: pytest.CaptureFixture[str]
) -> None:
    batches = (8, 16, 32, 64)
    steps = {str(batch): BareStep(setting_of(batch=batch)) for batch in batches}
    device = setting_of().device
    times = seconds_in_turn(steps, rounds=7, device=device)
    seconds = [median(times[str(batch)]) for batch in batches]
    slope, intercept, *_ = linregress(batches, seconds)
    line = [intercept + slope * batch for batch in batches]
    memory = [count_memory(steps[str(batch)], device) for batch in batches]
    with capsys.disabled():
        print("\nbatch, and time and memory relative to the smallest:")
        for batch, took, held in zip(batches, seconds, memory, strict=True):
            print(f"  {batch:>3}  {took / seconds[0]:.2f}  {held / memory[0]:.2f}")
        off = max(abs(took / expected - 1) for took, expected in zip(seconds, line, strict=True))
        print(f"  time is at most {off:.1%} off a straight line")
    assert seconds == pytest.approx(line, rel=LINEAR + SCATTER)
    assert all(
        held / memory[0] == pytest.approx(batch / batches[0], rel=LINEAR)
        for batch, held in zip(batches, memory, strict=True)
    )

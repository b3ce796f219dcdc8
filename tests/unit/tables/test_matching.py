"""What is compared with what, what is listed apart, what is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bench.errors import InputError
from tests.support.results.comparisons import Made, column, compare_made, drawn, notes_of
from tests.support.results.scores import SEES, failed, failure


def test_code_is_changed_where_any_run_has_another_source() -> None:
    scores = drawn()
    changed = {"sure": {"source": {"sha256": "rewritten"}}}
    table = compare_made(Made(scores), Made(scores, changes=changed))
    assert column(table, "code") == dict.fromkeys(SEES, "same") | {"sure": "changed"}


@dataclass
class Mixed(Made):
    """Runs of two sources, of which one seed has the older."""

    older: int = 0

    def changes_of(self, key: str) -> dict[str, Any]:
        source = "older" if key.endswith(f"-{self.older}") else "newer"
        return super().changes_of(key) | {"source": {"sha256": source}}


@pytest.mark.parametrize(("older", "code"), [(0, "same"), (1, "changed")])
def test_code_is_compared_seed_by_seed(older: int, code: str) -> None:
    table = compare_made(Mixed(drawn()), Mixed(drawn(), older=older))
    assert set(column(table, "code").values()) == {code}


def test_a_method_of_one_side_is_listed_with_its_psnr() -> None:
    scores = drawn()
    known = scores[scores["method"] != "sure"]
    mean = scores.loc[scores["method"] == "sure", "psnr"].mean()
    for sides, name, empty in (((known, scores), "B", "psnr_a"), ((scores, known), "A", "psnr_b")):
        table = compare_made(*map(Made, sides))
        assert "sure" not in column(table, "verdict")
        assert notes_of(table, "Only in") == [
            f"Only in {name}: sure: gaussian σ=25, set12: {mean:.2f} dB in {name}, seeds 0, 1."
        ]
        line = table.numbers.set_index("method").loc["sure"]
        assert line["verdict"] == f"only in {name}"
        assert line[f"psnr_{name.lower()}"] == pytest.approx(mean)
        assert (line["n_images"], line["n_seeds"]) == (12, 2)
        assert np.isnan(line[empty])
        assert f"here this table: {len(SEES) - 1} tests on set12" in table.notes[1]


def test_failures_of_either_side_are_listed_with_their_reason() -> None:
    scores = drawn()
    crashed = (scores["method"] == "noise2void") & (scores["seed"] == 0)
    mean = scores.loc[scores["method"] == "noise2void", "psnr"].mean()
    broken = Made(scores[~crashed], failed(failure(), failure("other", error="out of memory")))
    for sides, name, other in (((Made(scores), broken), "B", "A"), ((broken, Made(scores)), "A", "B")):
        table = compare_made(*sides)
        # The seed that did not fail is no mean of the cell.
        assert "noise2void" not in column(table, "verdict")
        assert notes_of(table, f"Failed in {name}") == [
            f"Failed in {name}: noise2void: gaussian σ=25, set12: {mean:.2f} dB in {other}, seeds 0, 1.",
            f"Failed in {name}: noise2void, gaussian σ=25, set12: seed 0: the loss is nan at step 120.",
            f"Failed in {name}: other, gaussian σ=25, set12: seed 0: out of memory.",
        ]
        assert table.numbers.set_index("method")["verdict"]["noise2void"] == f"failed in {name}"


def test_a_folder_of_failures_alone_is_compared() -> None:
    broken = Made(pd.DataFrame(), failed(*(failure(method) for method in SEES)))
    table = compare_made(Made(drawn()), broken)
    assert not table.rows
    assert len(notes_of(table, "Failed in B")) == 2 * len(SEES)
    assert set(table.numbers["verdict"]) == {"failed in B"}


def test_cells_without_a_common_seed_are_listed_on_both_sides() -> None:
    scores = drawn(seeds=[0, 1])
    apart = scores["method"] == "sure"
    a, b = (scores[~apart | (scores["seed"] == seed)] for seed in (0, 1))
    table = compare_made(Made(a), Made(b))
    assert "sure" not in column(table, "verdict")
    for name, other, seed in (("A", "B", 0), ("B", "A", 1)):
        mean = scores.loc[apart & (scores["seed"] == seed), "psnr"].mean()
        assert notes_of(table, f"Other seeds in {other}") == [
            f"Other seeds in {other}: sure: gaussian σ=25, set12: {mean:.2f} dB in {name}, seed {seed}."
        ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"learning_rate": 1e-3}, r"differ in learning_rate \(0\.002 in A, 0\.001 in B\)$"),
        ({"protocol": 2, "device": "cpu"}, r"differ in protocol \(1 in A, 2 in B\)$"),
        ({"steps": 7, "width": 32}, r"differ in width \(48 in A, 32 in B\), steps \(20000 in A, 7 in B\)$"),
        ({"training_noise": "resampled"}, r"training_noise \(frozen in A, resampled in B\)$"),
    ],
)
def test_unlike_protocols_are_refused_with_both_values(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=f"A and B share no protocol, .*{said}"):
        compare_made(Made(drawn()), Made(drawn(**changes)))


def test_the_most_alike_protocols_are_named() -> None:
    a = Made(pd.concat([drawn(steps=1, width=2, batch=3), drawn()]))
    with pytest.raises(InputError, match=r"differ in batch \(16 in A, 8 in B\)$"):
        compare_made(a, Made(drawn(batch=8)))


def test_two_devices_of_one_shared_protocol_in_one_folder_are_refused() -> None:
    both = pd.concat([drawn(device="cpu"), drawn(device="cuda")])
    with pytest.raises(
        InputError, match="B holds runs of one protocol on cpu and on cuda, so that it is unclear"
    ):
        compare_made(Made(drawn()), Made(both))
    apart = pd.concat([both.assign(steps=7), drawn()])
    table = compare_made(Made(drawn()), Made(apart))
    assert len(notes_of(table, "Protocol that only B has")) == 2


def test_other_images_are_refused() -> None:
    scores = drawn()
    other = scores.assign(noisy_psnr=scores["noisy_psnr"] + 0.001)
    with pytest.raises(InputError, match="were given different noisy copies of image"):
        compare_made(Made(scores), Made(other))
    # Even where no cell is shared.
    parts = [lines[lines["method"] == method] for lines, method in ((scores, "sure"), (other, "noise2noise"))]
    with pytest.raises(InputError, match="noise2noise and sure were given different noisy copies"):
        compare_made(*map(Made, parts))
    with pytest.raises(InputError, match=r"only one of A and B has scores of image '11\.png' of set12"):
        compare_made(Made(scores), Made(scores[scores["image"] != "11.png"]))
    changes = {"all": {"run": {"fingerprint": "f" * 64}}}
    with pytest.raises(
        InputError, match=r"training images 'bsd400' are not .* abcdef012345 in A, with ffffffffffff in B"
    ):
        compare_made(Made(scores), Made(scores, changes=changes))

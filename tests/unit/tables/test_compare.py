"""Two folders compared: what is paired, what has changed, what is listed apart, what is refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from bench.analysis.columns import CELL, ROW
from bench.analysis.comparability import SAME_SCORE
from bench.analysis.paired import difference_of, holm
from bench.analysis.scatter import seed_scatter
from bench.cli.main import main
from bench.errors import InputError
from bench.store.reference import collect
from bench.store.scores import write_scores
from bench.store.store import Store
from bench.tables.compare import HEADER, compare, write_comparison
from tests.support.markup import read_latex, read_markdown
from tests.support.records import EVALUATION, made_up_record, write_made_up
from tests.support.scores import NO_FAILURES, SEES, cell_of, failed, failure, made_up, mean_difference

if TYPE_CHECKING:
    from pathlib import Path

    from bench.output.text_table import TextTable
    from bench.store.record import RunRecord

FILES = [f"{number:02}.png" for number in range(12)]
SET12 = {"set12": FILES}
CIRCUMSTANCES: dict[str, Any] = {
    "run": {"fingerprint": "abcdef012345" + "0" * 52},
    "source": {"sha256": "as it was"},
    "commit": "1234567890abcdef",
    "hardware": {"name": "one CPU"},
}


@dataclass
class Made:
    """Made-up results; all runs have the same record, except for the changes to those of a method."""

    lines: pd.DataFrame
    failed: pd.DataFrame = field(default_factory=lambda: NO_FAILURES)
    changes: dict[str, dict[str, Any]] = field(default_factory=dict)

    def scores(self) -> pd.DataFrame:
        return self.lines

    def failures(self) -> pd.DataFrame:
        return self.failed

    def keys(self) -> list[str]:
        return sorted(set(self.lines["key"]))

    def changes_of(self, key: str) -> dict[str, Any]:
        method = self.lines.loc[self.lines["key"] == key, "method"].iloc[0]
        return CIRCUMSTANCES | self.changes.get("all", {}) | self.changes.get(method, {})

    def record(self, key: str) -> RunRecord:
        return made_up_record(key, **self.changes_of(key))


def one_sheet(a: Made, b: Made) -> TextTable:
    (sheet,) = compare(a, b, names=("first/runs", "second/runs"))
    return sheet


def notes_of(sheet: TextTable, start: str) -> list[str]:
    return [note for note in sheet.notes if note.startswith(start)]


def column(sheet: TextTable, name: str) -> dict[str, str]:
    """Give a column's text by method, of a table with one noise and one set."""
    place = HEADER.index(name)
    found = {row[2]: row[place] for row in sheet.rows}
    assert len(found) == len(sheet.rows)
    return found


def drawn(**changes: Any) -> pd.DataFrame:
    return made_up(noises=[("gaussian", 25.0)], sets=SET12, **changes)


# Numbers


def test_identical_folders_are_the_same_everywhere() -> None:
    scores = made_up()
    sheet = one_sheet(Made(scores), Made(scores.iloc[::-1]))
    assert len(sheet.rows) == len(scores.drop_duplicates(CELL))
    expected = ["+0.00 [+0.00, +0.00]°", "1", "2", "same", "1.00", "same"]
    assert [row[5:] for row in sheet.rows] == [expected] * len(sheet.rows)
    assert [row[3] for row in sheet.rows] == [row[4] for row in sheet.rows]
    assert (sheet.numbers[["difference", "low", "high"]] == 0).all(axis=None)
    assert not [note for note in sheet.notes if note.startswith(("Not the same", "Only in", "Failed"))]


def test_a_known_shift_is_found_and_swapping_turns_it_round() -> None:
    scores = drawn()
    shifts = dict.fromkeys(SEES, 0.0) | {"sure": 0.25, "supervised": -0.5}
    rng = np.random.default_rng(5)
    moved = scores.assign(
        psnr=scores["psnr"] + scores["method"].map(shifts) * rng.uniform(0.9, 1.1, len(scores))
    )
    sheets = [one_sheet(Made(scores), Made(moved)), one_sheet(Made(moved), Made(scores))]
    for sheet, sign in zip(sheets, (1, -1), strict=True):
        found = sheet.numbers.set_index("method")
        for method, shift in shifts.items():
            assert found["difference"][method] == pytest.approx(sign * shift, abs=0.02 * abs(shift))
            expected = sign * mean_difference(
                cell_of(moved, "gaussian", 25.0, "set12", method),
                cell_of(scores, "gaussian", 25.0, "set12", method),
            )
            assert found["difference"][method] == pytest.approx(expected, abs=1e-8)
        gap = found["psnr_b"] - found["psnr_a"]
        assert list(gap) == pytest.approx(list(found["difference"]), abs=1e-8)
    up, down = (column(sheet, "verdict") for sheet in sheets)
    unmoved = dict.fromkeys(SEES, "same")
    assert up == unmoved | {"sure": "better", "supervised": "worse"}
    assert down == unmoved | {"sure": "worse", "supervised": "better"}
    for one, other in (("low", "high"), ("high", "low"), ("difference", "difference")):
        assert list(sheets[0].numbers[one]) == pytest.approx(list(-sheets[1].numbers[other]), abs=1e-9)


def test_same_means_every_image_and_chance_is_called_no_difference() -> None:
    scores = drawn(seeds=[0])
    first = scores["image"] == FILES[0]
    moves = {"sure": 0.9 * SAME_SCORE, "noise2void": np.where(first, 2 * SAME_SCORE, 0)}
    moved = scores.copy()
    for method, move in moves.items():
        moved["psnr"] += np.where(moved["method"] == method, move, 0)
    sheet = one_sheet(Made(scores), Made(moved))
    verdicts = column(sheet, "verdict")
    # The move of sure is of one sign on all images, yet of no size.
    assert sheet.numbers.set_index("method")["p_holm"]["sure"] < 0.05
    assert verdicts == dict.fromkeys(SEES, "same") | {"noise2void": "no difference shown"}


def test_p_is_corrected_over_the_table() -> None:
    scores = drawn(seeds=[0])
    rng = np.random.default_rng(3)
    moved = scores.assign(psnr=scores["psnr"] + rng.normal(0.06, 0.1, size=len(scores)))
    numbers = one_sheet(Made(scores), Made(moved)).numbers
    raw = [
        difference_of(cell_of(moved, *cell), cell_of(scores, *cell)).p
        for cell in numbers[CELL].itertuples(index=False, name=None)
    ]
    assert list(numbers["p_holm"]) == pytest.approx(holm(raw), rel=1e-12)
    # One of them is below the level by itself, and not after the correction.
    assert any(before < 0.05 <= after for before, after in zip(raw, numbers["p_holm"], strict=True))
    assert list(numbers["verdict"] == "better") == [p < 0.05 for p in numbers["p_holm"]]


def test_only_common_seeds_count_for_every_number_of_a_row() -> None:
    a = drawn(seeds=[0, 1])
    b = drawn(seeds=[1, 2])
    for scores in (a, b):
        scores["psnr"] = 30.0 + 5 * scores["seed"] + scores["image"].map(FILES.index) / 7
        scores["training_seconds"] = 100.0 * (1 + scores["seed"])
    b["psnr"] += 0.5
    b["training_seconds"] *= 3
    numbers = one_sheet(Made(a), Made(b)).numbers
    assert set(numbers["n_seeds"]) == {1}
    assert list(numbers["difference"]) == pytest.approx([0.5] * len(SEES))
    assert list(numbers["psnr_a"]) == pytest.approx([35 + 5.5 / 7] * len(SEES))
    assert list(numbers["seconds_ratio"]) == pytest.approx([3.0] * len(SEES))


def test_what_is_not_trained_has_no_ratio_of_seconds() -> None:
    scores = drawn()
    scores.loc[scores["method"] == "sure", "training_seconds"] = 0.0
    sheet = one_sheet(Made(scores), Made(scores))
    assert column(sheet, "seconds B/A") == dict.fromkeys(SEES, "1.00") | {"sure": "–"}
    assert sheet.numbers.set_index("method")["seconds_ratio"].isna().sum() == 1


def test_rows_grow_with_the_noise() -> None:
    scores = made_up(noises=[("gamma", 50.0), ("gaussian", 50.0), ("gamma", 100.0), ("gaussian", 25.0)])
    rows = one_sheet(Made(scores), Made(scores)).rows
    assert [*dict.fromkeys(row[0] for row in rows)] == [
        "gaussian σ=25",
        "gaussian σ=50",
        "gamma k=100",
        "gamma k=50",
    ]


def test_one_image_or_few_bear_no_verdict() -> None:
    scores = made_up(sets={"one": ["a.png"], "few": FILES[:5], "enough": FILES[:6]})
    sheet = one_sheet(Made(scores), Made(scores.assign(psnr=scores["psnr"] + 1)))
    assert {(row[1], row[6]) for row in sheet.rows if row[1] == "one"} == {("one", "–")}
    assert {row[-1] for row in sheet.rows if row[1] != "enough"} == {"no difference shown"}
    assert [note.split(": ")[1] for note in notes_of(sheet, "Too few images")] == [
        "few has 5, and p is never below 0.0625 there.",
        "one has 1, and p is never below 1 there.",
    ]


# Code, seeds, circumstances


def test_code_is_changed_where_any_run_has_another_source() -> None:
    scores = drawn()
    changed = {"sure": {"source": {"sha256": "rewritten"}}}
    sheet = one_sheet(Made(scores), Made(scores, changes=changed))
    assert column(sheet, "code") == dict.fromkeys(SEES, "same") | {"sure": "changed"}


@dataclass
class Mixed(Made):
    """Runs of two sources, of which one seed has the older."""

    older: int = 0

    def changes_of(self, key: str) -> dict[str, Any]:
        source = "older" if key.endswith(f"-{self.older}") else "newer"
        return super().changes_of(key) | {"source": {"sha256": source}}


@pytest.mark.parametrize(("older", "code"), [(0, "same"), (1, "changed")])
def test_code_is_compared_seed_by_seed(older: int, code: str) -> None:
    sheet = one_sheet(Mixed(drawn()), Mixed(drawn(), older=older))
    assert set(column(sheet, "code").values()) == {code}


def test_retraining_is_told_of_each_side_that_has_two_seeds() -> None:
    many, one = drawn(seeds=[0, 1, 2]), drawn(seeds=[0])
    (note,) = notes_of(one_sheet(Made(one), Made(many)), "Retraining")
    assert "in B with unlike seeds, and the noise drawn anew, differ in mean PSNR on set12 by up to " in note
    assert f" {seed_scatter(many).retraining():.3f} dB (95 %)" in note
    assert len(notes_of(one_sheet(Made(many), Made(many)), "Retraining")) == 2
    sheet = one_sheet(Made(one), Made(one))
    assert not notes_of(sheet, "Retraining")
    assert len(notes_of(sheet, "No cell has two seeds")) == 1


def test_devices_may_differ_and_are_named_with_all_that_differs() -> None:
    changes = {
        "hardware": {"name": "another CPU"},
        "commit": "fedcba0987654321+changes",
        "versions": {"python": "3.11.7", "torch": "2.11.0"},
    }
    sheet = one_sheet(Made(drawn(device="cpu")), Made(drawn(device="cuda"), changes={"all": changes}))
    assert len(sheet.rows) == len(SEES)
    assert notes_of(sheet, "Not the same") == [
        "Not the same: device: cpu in A, cuda in B.",
        "Not the same: hardware: one CPU in A, another CPU in B.",
        "Not the same: commit: 1234567890ab in A, fedcba098765+changes in B.",
        "Not the same: torch: 2.15.0 in A, 2.11.0 in B.",
    ]
    assert "cpu and cuda" in sheet.title
    assert sheet.notes[0] == "A: first/runs. B: second/runs."


def test_a_commit_that_is_not_known_is_told() -> None:
    sheet = one_sheet(Made(drawn()), Made(drawn(), changes={"sure": {"commit": None}}))
    assert notes_of(sheet, "Not the same") == [
        "Not the same: commit: 1234567890ab in A, 1234567890ab and unknown in B."
    ]


def test_unlike_precision_is_shown_not_refused() -> None:
    scores = made_up()
    other = scores.copy()
    changed = (scores["method"] == "sure") & (scores["noise"] == "gamma") & (scores["images"] == "set12")
    other.loc[changed, "precision"] = "bfloat16"
    sheet = one_sheet(Made(scores), Made(other))
    assert notes_of(sheet, "Precision") == [
        "Precision of sure: float32 in A, bfloat16 in B: gamma k=50, set12."
    ]
    assert len(sheet.rows) == len(scores.drop_duplicates(CELL))


# Cells without a partner


def test_a_method_of_one_side_is_listed_with_its_psnr() -> None:
    scores = drawn()
    known = scores[scores["method"] != "sure"]
    mean = scores.loc[scores["method"] == "sure", "psnr"].mean()
    for sides, name, empty in (((known, scores), "B", "psnr_a"), ((scores, known), "A", "psnr_b")):
        sheet = one_sheet(*map(Made, sides))
        assert "sure" not in column(sheet, "verdict")
        assert notes_of(sheet, "Only in") == [
            f"Only in {name}: sure: gaussian σ=25, set12: {mean:.2f} dB in {name}, seeds 0, 1."
        ]
        line = sheet.numbers.set_index("method").loc["sure"]
        assert line["verdict"] == f"only in {name}"
        assert line[f"psnr_{name.lower()}"] == pytest.approx(mean)
        assert (line["n_images"], line["n_seeds"]) == (12, 2)
        assert np.isnan(line[empty])
        assert f"over all {len(SEES) - 1} tests" in sheet.notes[1]


def test_failures_of_either_side_are_listed_with_their_reason() -> None:
    scores = drawn()
    crashed = (scores["method"] == "noise2void") & (scores["seed"] == 0)
    mean = scores.loc[scores["method"] == "noise2void", "psnr"].mean()
    broken = Made(scores[~crashed], failed(failure(), failure("other", error="out of memory")))
    for sides, name, other in (((Made(scores), broken), "B", "A"), ((broken, Made(scores)), "A", "B")):
        sheet = one_sheet(*sides)
        # The seed that did not fail is no mean of the cell.
        assert "noise2void" not in column(sheet, "verdict")
        assert notes_of(sheet, f"Failed in {name}") == [
            f"Failed in {name}: noise2void: gaussian σ=25, set12: {mean:.2f} dB in {other}, seeds 0, 1.",
            f"Failed in {name}: noise2void, gaussian σ=25, set12: seed 0: the loss is nan at step 120.",
            f"Failed in {name}: other, gaussian σ=25, set12: seed 0: out of memory.",
        ]
        assert sheet.numbers.set_index("method")["verdict"]["noise2void"] == f"failed in {name}"


def test_a_folder_of_failures_alone_is_compared() -> None:
    broken = Made(pd.DataFrame(), failed(*(failure(method) for method in SEES)))
    sheet = one_sheet(Made(drawn()), broken)
    assert not sheet.rows
    assert len(notes_of(sheet, "Failed in B")) == 2 * len(SEES)
    assert set(sheet.numbers["verdict"]) == {"failed in B"}


def test_cells_without_a_common_seed_are_listed_on_both_sides() -> None:
    scores = drawn(seeds=[0, 1])
    apart = scores["method"] == "sure"
    a, b = (scores[~apart | (scores["seed"] == seed)] for seed in (0, 1))
    sheet = one_sheet(Made(a), Made(b))
    assert "sure" not in column(sheet, "verdict")
    for name, other, seed in (("A", "B", 0), ("B", "A", 1)):
        mean = scores.loc[apart & (scores["seed"] == seed), "psnr"].mean()
        assert notes_of(sheet, f"Other seeds in {other}") == [
            f"Other seeds in {other}: sure: gaussian σ=25, set12: {mean:.2f} dB in {name}, seed {seed}."
        ]


# Protocols


def test_each_pair_of_protocols_has_a_sheet_and_files_of_its_own(tmp_path: Path) -> None:
    common = [drawn(steps=steps) for steps in (100, 200)]
    a, b = Made(pd.concat([*common, drawn(steps=300)])), Made(pd.concat([*common[::-1], drawn(steps=400)]))
    sheets = compare(a, b, names=("a", "b"))
    assert [sheet.title.split(", ")[3] for sheet in sheets] == [
        "100 steps of 16 crops of 64x64",
        "200 steps of 16 crops of 64x64",
    ]
    alone = notes_of(sheets[-1], "Protocol that only")
    assert [note.split(" has: ")[0][-1] for note in alone] == ["A", "B"]
    assert ["300 steps" in alone[0], "400 steps" in alone[1]] == [True, True]
    assert all(note.endswith("(5 cells).") for note in alone)
    assert not notes_of(sheets[0], "Protocol that only")
    files = write_comparison(sheets, folder=tmp_path / "new", stem="compare")
    assert [file.name for file in files] == [
        f"compare-{number}.{suffix}" for number in (1, 2) for suffix in ("md", "csv", "tex")
    ]
    assert [file.name for file in write_comparison(sheets[:1], folder=tmp_path, stem="some")] == [
        "some.md",
        "some.csv",
        "some.tex",
    ]


def test_failures_under_a_protocol_of_one_side_are_listed() -> None:
    broken = Made(drawn(), failed(failure(steps=7, error="out of memory")))
    notes = one_sheet(Made(drawn()), broken).notes
    assert notes[-1] == "Failed in B: noise2void, gaussian σ=25, set12: seed 0: out of memory."
    assert "7 steps" in notes[-2]
    assert notes[-2].endswith("(1 cell).")


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
        one_sheet(Made(drawn()), Made(drawn(**changes)))


def test_the_most_alike_protocols_are_named() -> None:
    a = Made(pd.concat([drawn(steps=1, width=2, batch=3), drawn()]))
    with pytest.raises(InputError, match=r"differ in batch \(16 in A, 8 in B\)$"):
        one_sheet(a, Made(drawn(batch=8)))


def test_two_devices_of_one_protocol_in_one_folder_are_refused_where_it_counts() -> None:
    both = pd.concat([drawn(device="cpu"), drawn(device="cuda")])
    with pytest.raises(
        InputError, match="B holds runs of one protocol on cpu and on cuda, so that it is open"
    ):
        one_sheet(Made(drawn()), Made(both))
    apart = pd.concat([both.assign(steps=7), drawn()])
    sheet = one_sheet(Made(drawn()), Made(apart))
    assert len(notes_of(sheet, "Protocol that only B has")) == 2


# Images


def test_other_images_are_refused() -> None:
    scores = drawn()
    other = scores.assign(noisy_psnr=scores["noisy_psnr"] + 0.001)
    with pytest.raises(InputError, match="were given different noisy copies of image"):
        one_sheet(Made(scores), Made(other))
    # Even where no cell is shared.
    parts = [lines[lines["method"] == method] for lines, method in ((scores, "sure"), (other, "noise2noise"))]
    with pytest.raises(InputError, match="noise2noise and sure were given different noisy copies"):
        one_sheet(*map(Made, parts))
    with pytest.raises(InputError, match=r"only one of A and B has scores of image '11\.png' of set12"):
        one_sheet(Made(scores), Made(scores[scores["image"] != "11.png"]))
    changes = {"all": {"run": {"fingerprint": "f" * 64}}}
    with pytest.raises(
        InputError, match=r"training images 'bsd400' are not .* abcdef012345 in A, with ffffffffffff in B"
    ):
        one_sheet(Made(scores), Made(scores, changes=changes))


# Formats


EVIL = {"a|b": "noisy", "<script>": "noisy", "50%_x": "noisy", "new|<b>": "noisy"}


def test_every_format_shows_the_same_whatever_the_names(tmp_path: Path) -> None:
    scores = made_up(EVIL)
    sheet = one_sheet(
        Made(scores[scores["method"] != "new|<b>"]),
        Made(scores.assign(psnr=scores["psnr"] + 0.01), failed(failure("x|y", error="<i>|"))),
    )
    markdown, csv, latex = write_comparison([sheet], folder=tmp_path)
    text = markdown.read_text("utf-8")
    assert read_markdown(text) == read_latex(latex.read_text("utf-8")) == [sheet.header, *sheet.rows]
    assert r"a\|b" in text
    for raw in ("<script>", "<b>", "<i>"):
        assert raw not in text
    assert latex.read_text("utf-8").isascii()
    assert list(pd.read_csv(csv)["method"]) == list(sheet.numbers["method"])
    assert len(pd.read_csv(csv)) == len(scores.drop_duplicates(CELL))


# The command


def shelve_runs(root: Path, results: Made) -> Path:
    """Write made-up results as a folder of runs."""
    for key, rows in results.scores().groupby("key"):
        columns = {"key": key, "finished": "2026-01-01"}
        evaluation = {"all": dict.fromkeys(rows["images"].unique(), EVALUATION)}
        changes = results.changes_of(str(key)) | {"columns": columns, "evaluation": evaluation}
        with Store.open(root).writing(str(key)) as folder:
            write_scores(rows.assign(finished="2026-01-01"), folder)
            write_made_up(folder, str(key), **changes)
    return root


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a folder of runs, and reference results that lie half a dB higher."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "250")
    scores = made_up(noises=[("gaussian", 25.0)])
    shelve_runs(tmp_path / "a", Made(scores))
    collect([shelve_runs(tmp_path / "b", Made(scores.assign(psnr=scores["psnr"] + 0.5)))], tmp_path / "c")
    return tmp_path


def test_the_command_compares_runs_with_a_reference(
    folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = set(folders.rglob("*"))
    main(["compare", "a", "c"])
    printed = capsys.readouterr().out
    assert printed.count("+0.50 [+0.50, +0.50]") == 2 * len(SEES)
    assert "A: a. B: c." in printed
    assert set(folders.rglob("*")) == before
    main(["compare", "c", "a", "--out", "said"])
    printed = capsys.readouterr().out
    assert printed.count("−0.50 [−0.50, −0.50]") == 2 * len(SEES)
    assert "written: said/compare.md, said/compare.csv, said/compare.tex" in printed
    numbers = pd.read_csv(folders / "said" / "compare.csv")
    assert list(numbers["difference"]) == [-0.5] * len(numbers)
    assert len(numbers) == len(made_up(noises=[("gaussian", 25.0)]).drop_duplicates([*ROW, "method"]))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("a nowhere", "there are no runs in 'nowhere'"),
        ("a unlike", "learning_rate (0.002 in A, 0.001 in B)"),
        ("a b --out a/sure-gaussian-25-0/run.json", "cannot write"),
    ],
)
def test_the_command_refuses_with_exit_code_2(
    folders: Path, capsys: pytest.CaptureFixture[str], arguments: str, said: str
) -> None:
    shelve_runs(folders / "unlike", Made(made_up(noises=[("gaussian", 25.0)], learning_rate=1e-3)))
    with pytest.raises(SystemExit) as leaving:
        main(["compare", *arguments.split()])
    assert leaving.value.code == 2
    assert said in capsys.readouterr().err

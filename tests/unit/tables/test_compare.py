"""Two folders compared: tables, files and the command."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

from bench.analysis.columns import CELL, ROW
from bench.cli.main import main
from bench.store.reference import collect
from bench.store.scores import write_scores
from bench.store.store import Store
from bench.tables.compare import compare, write_comparison
from tests.support.markup import read_latex, read_markdown
from tests.support.results.comparisons import Made, compare_made, drawn, notes_of
from tests.support.results.records import EVALUATION, write_made_up
from tests.support.results.scores import SEES, failed, failure, made_up

if TYPE_CHECKING:
    from pathlib import Path


def test_rows_are_from_weak_to_strong_noise() -> None:
    scores = made_up(noises=[("gamma", 50.0), ("gaussian", 50.0), ("gamma", 100.0), ("gaussian", 25.0)])
    rows = compare_made(Made(scores), Made(scores)).rows
    assert [*dict.fromkeys(row[0] for row in rows)] == [
        "gaussian σ=25",
        "gaussian σ=50",
        "gamma k=100",
        "gamma k=50",
    ]


def test_each_pair_of_protocols_has_a_table_and_files_of_its_own(tmp_path: Path) -> None:
    common = [drawn(steps=steps) for steps in (100, 200)]
    a, b = Made(pd.concat([*common, drawn(steps=300)])), Made(pd.concat([*common[::-1], drawn(steps=400)]))
    tables = compare(a, b, names=("a", "b"))
    assert [table.title.split(", ")[3] for table in tables] == [
        "100 steps of 16 patches of 64x64",
        "200 steps of 16 patches of 64x64",
    ]
    alone = notes_of(tables[-1], "Protocol that only")
    assert [note.split(" has: ")[0][-1] for note in alone] == ["A", "B"]
    assert ["300 steps" in alone[0], "400 steps" in alone[1]] == [True, True]
    assert all(note.endswith("(5 cells).") for note in alone)
    assert not notes_of(tables[0], "Protocol that only")
    files = write_comparison(tables, folder=tmp_path / "new", stem="compare")
    assert [file.name for file in files] == [
        f"compare-{number}.{suffix}" for number in (1, 2) for suffix in ("md", "csv", "tex")
    ]
    assert [file.name for file in write_comparison(tables[:1], folder=tmp_path, stem="some")] == [
        "some.md",
        "some.csv",
        "some.tex",
    ]


EVIL = {"a|b": "noisy", "<script>": "noisy", "50%_x": "noisy", "new|<b>": "noisy"}


def test_every_format_shows_the_same_whatever_the_names(tmp_path: Path) -> None:
    scores = made_up(EVIL)
    table = compare_made(
        Made(scores[scores["method"] != "new|<b>"]),
        Made(scores.assign(psnr=scores["psnr"] + 0.01), failed(failure("x|y", error="<i>|"))),
    )
    markdown, csv, latex = write_comparison([table], folder=tmp_path)
    text = markdown.read_text("utf-8")
    assert read_markdown(text) == read_latex(latex.read_text("utf-8")) == [table.header, *table.rows]
    assert r"a\|b" in text
    for raw in ("<script>", "<b>", "<i>"):
        assert raw not in text
    assert latex.read_text("utf-8").isascii()
    assert list(pd.read_csv(csv)["method"]) == list(table.numbers["method"])
    assert len(pd.read_csv(csv)) == len(scores.drop_duplicates(CELL))


def store_runs(root: Path, results: Made) -> Path:
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
    """Write a folder of runs, and reference results that are half a dB higher."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "250")
    scores = made_up(noises=[("gaussian", 25.0)])
    store_runs(tmp_path / "a", Made(scores))
    collect([store_runs(tmp_path / "b", Made(scores.assign(psnr=scores["psnr"] + 0.5)))], tmp_path / "c")
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
    store_runs(folders / "unlike", Made(made_up(noises=[("gaussian", 25.0)], learning_rate=1e-3)))
    with pytest.raises(SystemExit) as leaving:
        main(["compare", *arguments.split()])
    assert leaving.value.code == 2
    assert said in capsys.readouterr().err

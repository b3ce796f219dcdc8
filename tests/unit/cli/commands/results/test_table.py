"""``noisebench table``, of runs and of published tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

from bench.cli.main import main
from tests.support.command_line import refuse, run_tiny
from tests.support.markup import read_markdown

if TYPE_CHECKING:
    from pathlib import Path


def test_table_writes_what_run_wrote(folders: Path) -> None:
    run_tiny("--methods", "supervised", "sure")
    main(["table", "--out", "elsewhere"])
    written = (folders / "elsewhere" / "table.md").read_text()
    assert written == (folders / "runs" / "tables" / "table.md").read_text()


def test_a_published_table_has_our_numbers_beside_its_own(
    collected: Path, numbers: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["table", "mine"])
    printed = capsys.readouterr().out
    runs = pd.concat(pd.read_parquet(path) for path in (collected / "runs").glob("*/scores.parquet"))
    means = runs.groupby("method")["psnr"].mean()
    page = (collected / "tables" / "mine" / "README.md").read_text(encoding="utf-8")
    _, _, ours, differences = read_markdown(page)
    written = pd.read_csv(collected / "tables" / "mine" / "beside.csv")
    assert [text.split(" ")[0] for text in ours[3:]] == [
        "(a)",
        *(f"{means[method]:.2f}" for method in ("supervised", "noise2noise")),
    ]
    gaps = [means[line.method] - line.psnr for line in numbers[1:].itertuples()]
    assert differences[3:] == ["", *(f"{gap:+.2f}".replace("-", "−") for gap in gaps)]
    assert list(written["difference"].dropna()) == pytest.approx(gaps, abs=1e-4)
    names = ["README.md", "beside.csv", "beside.md", "beside.tex"]
    for name in names:
        assert name in printed
    main(["table", "tables/mine", "--out", "elsewhere"])
    assert sorted(path.name for path in (collected / "elsewhere").iterdir()) == names
    for name in names:
        first = (collected / "tables" / "mine" / name).read_bytes()
        assert (collected / "elsewhere" / name).read_bytes() == first


def test_the_page_of_another_reference_goes_into_a_folder_of_its_own(
    collected: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["collect", "runs", "--out", "reports/other"])
    capsys.readouterr()
    main(["table", "mine", "--reference", "other"])
    page = collected / "reports" / "other" / "mine" / "README.md"
    assert page.name in capsys.readouterr().out
    assert page.read_text(encoding="utf-8").startswith("# Table 1, compared with other\n")
    assert not (collected / "tables" / "mine" / "README.md").exists()
    refused = refuse(capsys, ["table", "runs", "--reference", "other"])
    assert "--reference needs a published table, but 'runs' is not one" in refused


def test_a_page_without_its_reference_is_refused(collected: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "holds no reference results" in refuse(capsys, ["table", "mine", "--reports", "nowhere"])
    assert "unknown reference in 'nowhere' 'here'" in refuse(
        capsys, ["verify", "mine", "--reports", "nowhere"]
    )
    assert not (collected / "tables" / "mine" / "README.md").exists()

"""``noisebench verify``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

from bench.cli.main import main
from tests.support.command_line import refuse
from tests.support.results.references import publish
from tests.support.results.verifying import renew_checksums, shift_scores

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("store", "how"), [("runs", "evaluated"), ("fresh", "trained")])
def test_honest_scores_are_verified(
    collected: Path, capsys: pytest.CaptureFixture[str], store: str, how: str
) -> None:
    main(["verify", "mine", "--cells", "2", "--runs", store])
    first, *rest = capsys.readouterr().out.splitlines()
    lines = [line for line in rest if "gaussian" in line and "│" in line]
    assert len(lines) == 2
    assert first.startswith("2 runs, whose training took 0:00:00 when they were committed: ")
    assert all(line.split("│")[1].strip() in first for line in lines)
    for line in lines:
        cells = [cell.strip() for cell in line.split("│")]
        assert how in cells
        assert {"identical", "reproduced"} & set(cells)
        assert "+0.0000" in cells or "-0.0000" in cells


@pytest.mark.parametrize(("by", "allowed"), [(0.002, "0.025"), (0.2, "0.150")])
def test_the_difference_allowed_comes_from_the_retrained_results_that_the_table_names(
    collected: Path, numbers: pd.DataFrame, capsys: pytest.CaptureFixture[str], by: float, allowed: str
) -> None:
    main(["collect", "runs", "--out", "reports/again"])
    shift_scores(collected / "reports" / "again", by)
    layout = {"training_images": ["train"], "reference": "here"}
    publish(collected / "tables" / "mine", numbers, **layout, retrained=["again"])
    main(["verify", "mine", "--cells", "1", "--runs", "fresh"])
    printed = capsys.readouterr().out
    assert allowed in printed  # Student's quantile for one degree of freedom, 12.706, times .002; at most .15
    assert "in 95 % of cases all together, and at most 0.15" in " ".join(printed.split())
    publish(collected / "tables" / "mine", numbers, **layout, retrained=["nowhere"])
    assert "unknown reference in 'reports' 'nowhere'" in refuse(capsys, ["verify", "mine"])


def test_a_score_changed_by_a_decibel_is_not_verified(
    collected: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = collected / "reports" / "here" / "scores.parquet"
    rows = pd.read_parquet(path)
    changed = (rows["method"] == "supervised") & (rows["seed"] == 1)
    rows.assign(psnr=rows["psnr"] + changed).to_parquet(path, index=False)
    assert "have changed since they were collected" in refuse(capsys, ["verify", "mine", "--runs", "runs"])
    renew_checksums(path.parent)
    honest, forged = (sorted(set(rows.loc[which, "key"])) for which in (~changed, changed))
    assert (len(honest), len(forged)) == (3, 1)
    main(["verify", "mine", "--runs", "runs", "--keys", *honest])
    assert "not reproduced" not in capsys.readouterr().out
    with pytest.raises(SystemExit) as leaving:
        main(["verify", "mine", "--runs", "runs", "--keys", *honest, *forged])
    assert leaving.value.code == 1
    printed = capsys.readouterr().out
    assert printed.count("not reproduced") == 1
    assert "-1.0000" in printed

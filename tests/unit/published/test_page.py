"""The page of a published table: the same bytes each time, and no number without scores."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from bench.errors import InputError
from bench.published.page import PAGE, write_page
from tests.support.results.pages import ROW
from tests.support.results.references import write_reference

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.results.pages import Workspace

TABLES = """# A page

{{ one.tables.side_by_side("table") }}
{{ one.tables.compare_with("paired", ["noise2noise", "supervised"]) }}
![Ranks]({{ one.tables.ranks("ranks") }})
"""


def content(files: list[Path]) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in files}


def test_the_page_is_the_same_each_time_and_in_any_order_of_scores(workspace: Workspace) -> None:
    first = content(workspace.write(TABLES))
    assert content(workspace.write(TABLES)) == first
    path = workspace.reports / "one" / "scores.parquet"
    for seed in range(2):
        pd.read_parquet(path).sample(frac=1, random_state=seed).to_parquet(path, index=False)
        assert content(workspace.write(TABLES)) == first


def test_every_text_has_unix_line_ends_and_is_utf_8(workspace: Workspace) -> None:
    for file in workspace.write(TABLES):
        if file.suffix in (".md", ".csv", ".tex"):
            assert b"\r" not in file.read_bytes()
            assert file.read_bytes().decode("utf-8").endswith("\n")


def test_a_page_of_text_alone_makes_its_folder(workspace: Workspace) -> None:
    assert not workspace.out.exists()
    assert workspace.write("Nothing yet.\n") == [workspace.out / PAGE]
    assert (workspace.out / PAGE).read_text() == "Nothing yet.\n"


def test_any_reference_may_be_compared_with_the_table(workspace: Workspace) -> None:
    published, reports, out = workspace.published, workspace.reports, workspace.out
    files = write_page(published, reports=reports, out=out, reference="one")
    tables = {file.stem for file in files[1:]}
    assert tables == {"table", "below", "unpublished", "differences"}
    text = files[0].read_text(encoding="utf-8")
    assert text.startswith(f"# {published.title}, compared with one\n")
    for stem in tables:
        assert (out / f"{stem}.md").read_text(encoding="utf-8") in text
    scores = workspace.scores
    write_reference(reports / "few", scores[(scores["method"] == "sure") & (scores["batch"] == 16)])
    files = write_page(published, reports=reports, out=out, reference="few")
    assert {file.stem for file in files[1:]} == {"table", "below"}
    with pytest.raises(InputError, match=r"unknown reference in .*'two'"):
        write_page(published, reports=reports, out=out, reference="two")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f'{{{{ one.numbers.psnr("bm3d", {ROW}) }}}}', "no scores of bm3d on gaussian σ=25, bsd68"),
        ('{{ one.tables.compare_with("paired", ["bm3d"]) }}', "no scores of bm3d to compare with"),
        ('{{ one.runs.select(training_noise="foul") }}', r"no scores of \{'training_noise': 'foul'\}"),
        ('{{ reference("two").tables.side_by_side("table") }}', r"'.*two' holds no reference results"),
        ("{{ one.tabels }}", r"README\.md\.j2: UndefinedError: .*'tabels'"),
        ("{{ two }}", r"README\.md\.j2: UndefinedError: 'two' is undefined"),
        ("{{ one.", r"README\.md\.j2: TemplateSyntaxError"),
    ],
)
def test_a_template_that_asks_for_unknown_things_is_refused(
    workspace: Workspace, text: str, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        workspace.write(text)
    assert not (workspace.out / PAGE).exists()


def test_a_table_without_a_template_is_refused(workspace: Workspace) -> None:
    with pytest.raises(InputError, match=r"README\.md\.j2: TemplateNotFound"):
        write_page(workspace.published, reports=workspace.reports, out=workspace.out)


def test_repeated_training_runs_need_a_reference_that_exists(workspace: Workspace) -> None:
    alone = replace(workspace, published=replace(workspace.published, retrained=()))
    with pytest.raises(InputError, match="none of these runs was trained again"):
        alone.write('{{ one.tables.retraining("retraining") }}')
    lost = replace(workspace, published=replace(workspace.published, retrained=("nowhere",)))
    with pytest.raises(InputError, match=r"nowhere' holds no reference results"):
        lost.write('{{ one.tables.retraining("retraining") }}')

"""The tables of a page: those of the library, as files and as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.errors import InputError
from bench.published.overview import overview_table
from bench.published.page import PAGE
from bench.published.reproduction import reproduce
from bench.published.retraining_table import retraining_table
from bench.published.side_by_side import gaps_table, side_by_side_table, unpublished_table
from bench.published.tuning import hyper_parameters_table, settings_table
from bench.tables.paired_differences import changes, compare_with
from tests.support.results.references import write_reference
from tests.support.results.scores import NO_FAILURES

if TYPE_CHECKING:
    from bench.output.text_table import TextTable
    from tests.support.results.pages import Workspace

TABLES = """# A page

{{ one.tables.side_by_side("table") }}
{{ one.tables.unpublished("unpublished") }}
{{ one.tables.gaps("gaps", 0.15) }}
{{ one.tables.compare_with("paired", ["noise2noise", "supervised"]) }}
{{ one.tables.changes("redrawn", "Redrawn", one.runs.select(training_noise="resampled"), one.runs.main) }}
{{ one.tables.retraining("retraining") }}
{{ one.tables.settings("settings") }}
{{ one.tables.hyper_parameters("hyper") }}
![Ranks]({{ one.tables.ranks("ranks") }})
"""


def expected(workspace: Workspace) -> dict[str, TextTable]:
    main, tuning = workspace.main, workspace.tuning
    reproduction = reproduce(workspace.published, main, NO_FAILURES)
    return {
        "table": side_by_side_table(reproduction),
        "unpublished": unpublished_table(reproduction),
        "gaps": gaps_table(reproduction, within=0.15),
        "paired": compare_with(main, ["noise2noise", "supervised"]),
        "redrawn": changes(workspace.redrawn, main, title="Redrawn"),
        "retraining": retraining_table(workspace.repeated, ["sure", "supervised"]),
        "settings": settings_table(tuning),
        "hyper": hyper_parameters_table(tuning),
    }


def test_tables_are_those_of_the_reference(workspace: Workspace) -> None:
    tables = expected(workspace)
    assert all(table.rows for table in tables.values())
    files = workspace.write(TABLES)
    names = [f"{stem}.{suffix}" for stem in tables for suffix in ("md", "csv", "tex")]
    figures = [f"ranks.{suffix}" for suffix in ("csv", "png", "svg", "pdf")]
    assert [file.name for file in files] == [PAGE, *names, *figures]
    assert {file.parent for file in files} == {workspace.out}
    shown = "".join(f"{table.markdown()}\n" for table in tables.values())
    assert files[0].read_text(encoding="utf-8") == f"# A page\n\n{shown}![Ranks](ranks.svg)\n"
    for stem, table in tables.items():
        for suffix, text in (("md", table.markdown()), ("csv", table.csv()), ("tex", table.latex())):
            assert (workspace.out / f"{stem}.{suffix}").read_text(encoding="utf-8") == text


def test_the_overview_comes_with_its_figure_and_complete_columns_alone(workspace: Workspace) -> None:
    main = workspace.main
    partial = (main["method"] == "sure") & (main["noise"] == "gamma")
    write_reference(workspace.reports / "partial", main[~partial])
    text = workspace.render('{{ reference("partial").tables.overview("over", "supervised", "bsd68") }}')
    complete = set(main["method"]) - {"sure"}
    of_set = main[~partial & (main["images"] == "bsd68")]
    assert text == overview_table(of_set, complete, "supervised").markdown()
    assert {file.suffix for file in workspace.out.glob("over.*")} == {
        ".md",
        ".csv",
        ".tex",
        ".png",
        ".svg",
        ".pdf",
    }


def test_a_reference_without_further_methods_or_a_search_is_refused_by_name(workspace: Workspace) -> None:
    main = workspace.main
    write_reference(workspace.reports / "few", main[main["method"].isin(["sure", "supervised"])])
    with pytest.raises(InputError, match="few has no method that is not in the published table"):
        workspace.write('{{ reference("few").tables.unpublished("unpublished") }}')
    with pytest.raises(InputError, match=r"few has no scores of .*bsd400-tune"):
        workspace.write('{{ reference("few").tables.settings("settings") }}')

"""The page of a published table: a template filled with numbers from reference results."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import jinja2

from bench.errors import InputError
from bench.published.page_numbers import PageNumbers
from bench.published.page_runs import PageRuns
from bench.published.page_tables import PageTables
from bench.store.reference import find_reference, open_reference
from bench.system.files import open_folder

if TYPE_CHECKING:
    from pathlib import Path

    from bench.published.table import Published

TEMPLATE, PAGE = "README.md.j2", "README.md"
ANY_REFERENCE = "any_reference.md.j2"


class ReferenceView(NamedTuple):
    """The data of one reference for the template of a page."""

    runs: PageRuns
    numbers: PageNumbers
    tables: PageTables


def write_page(published: Published, *, reports: Path, out: Path, reference: str | None = None) -> list[Path]:
    """Write the page of a published table, with its tables and figures in the same folder.

    Args:
        published: the table, whose folder contains the template ``README.md.j2``.
        reports: folder of the reference results to which the template refers.
        out: folder for the files.
        reference: other reference results to compare with the table, using a generic template.

    Returns:
        All files, the page first.

    Raises:
        InputError: the template is missing or invalid, or needs results that do not exist.
    """
    files: list[Path] = []

    def view(name: str) -> ReferenceView:
        runs = PageRuns(published, open_reference(reports / name), reports)
        return ReferenceView(runs, PageNumbers(runs), PageTables(runs, out, files))

    if reference is None:
        loader: jinja2.BaseLoader = jinja2.FileSystemLoader(published.folder)
        text = _render(loader, TEMPLATE, published.folder, reference=view)
    else:
        find_reference(reports, reference)
        loader = jinja2.PackageLoader("bench.published", "templates")
        names = {"name": reference, "title": published.title, "table": published.folder.name}
        text = _render(loader, ANY_REFERENCE, published.folder, reference=view, **names)
    page = open_folder(out) / PAGE
    page.write_text(text, encoding="utf-8", newline="\n")
    return [page, *files]


def _render(loader: jinja2.BaseLoader, template: str, folder: Path, **names: object) -> str:
    environment = jinja2.Environment(  # noqa: S701 - Markdown, whose tables escape what they show
        loader=loader, undefined=jinja2.StrictUndefined, keep_trailing_newline=True, trim_blocks=True
    )
    try:
        return environment.get_template(template).render(names)
    except jinja2.TemplateError as error:
        raise InputError(f"{folder}: {template}: {type(error).__name__}: {error}") from error

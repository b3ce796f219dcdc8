"""The page of a published table: a template whose every number comes from reference results."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import jinja2
import numpy as np

from bench.analysis.columns import CELL, ROW, Condition
from bench.analysis.statistics import difference_of, mean_of, seed_scatter
from bench.analysis.supervision import methods_in
from bench.errors import InputError, unknown
from bench.output.markup import signed
from bench.published.overview import glance, write_glance
from bench.published.ranks import write_ranks
from bench.published.reproduction import beside, lacking, reproduce, shortfalls, with_interval
from bench.published.retraining import retrained, trainings_of
from bench.published.tuning import hyper_parameters, settings
from bench.store.reference import find_reference, open_reference
from bench.system.files import open_folder
from bench.tables.paired_differences import changes, compare_with, format_difference

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import pandas as pd

    from bench.analysis.statistics import Scatter
    from bench.output.text_table import TextTable
    from bench.published.reproduction import Reproduction
    from bench.published.retraining import Trainings
    from bench.published.table import Published
    from bench.store.reference import Reference

TEMPLATE, PAGE = "README.md.j2", "README.md"
BESIDE = "beside.md.j2"


def write_page(published: Published, *, reports: Path, out: Path, reference: str | None = None) -> list[Path]:
    """Fill in the page of a published table, and write the sheets and figures that it shows beside it.

    Args:
        published: the table, in whose folder the template ``README.md.j2`` lies.
        reports: folder of the reference results that the template names.
        out: where the files go.
        reference: reference results to set beside the table instead, by a template that knows no others.

    Returns:
        All files.

    Raises:
        InputError: the template is missing or wrong, or speaks of results that there are not.
    """
    shelf = PageContext(published, reports, out)
    loader: jinja2.BaseLoader
    if reference is None:
        loader, template, names = jinja2.FileSystemLoader(published.folder), TEMPLATE, {}
    else:
        find_reference(reports, reference)
        loader, template = jinja2.PackageLoader("bench", "published"), BESIDE
        names = {"name": reference, "title": published.title, "table": published.folder.name}
    environment = jinja2.Environment(  # noqa: S701 - Markdown, whose sheets escape what they show
        loader=loader, undefined=jinja2.StrictUndefined, keep_trailing_newline=True, trim_blocks=True
    )
    try:
        text = environment.get_template(template).render(reference=shelf.reference, **names)
    except jinja2.TemplateError as error:
        raise InputError(f"{published.folder}: {template}: {type(error).__name__}: {error}") from error
    page = open_folder(out) / PAGE
    page.write_text(text, encoding="utf-8", newline="\n")
    return [page, *shelf.files]


@dataclass(frozen=True)
class PageContext:
    """Where the page takes reference results from, and what was written for it."""

    published: Published
    reports: Path
    out: Path
    files: list[Path] = field(default_factory=list)

    def reference(self, name: str) -> ReferenceView:
        """Open the reference results of that name."""
        return ReferenceView(self, open_reference(self.reports / name))


@dataclass(frozen=True)
class ReferenceView:
    """What one reference says, in the words of the template: numbers as text, sheets as Markdown."""

    shelf: PageContext
    results: Reference

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Of all its runs."""
        return self.results.scores()

    @cached_property
    def reproduction(self) -> Reproduction:
        """Its runs that stand beside the published table."""
        return reproduce(self.shelf.published, self.scores, self.results.failures())

    @cached_property
    def main(self) -> pd.DataFrame:
        """The scores of the runs that stand beside the published table."""
        return self.reproduction.scores

    @cached_property
    def trainings(self) -> Trainings:
        """Those runs beside the same ones trained again."""
        names = self.shelf.published.retrained
        again = {name: open_reference(self.shelf.reports / name).scores() for name in names}
        return trainings_of(self.main, again)

    @property
    def processors(self) -> str:
        """What those runs were trained on."""
        keys = self.main["key"].unique()
        return " and ".join(sorted({self.results.facts(key)["hardware"]["name"] for key in keys}))

    @property
    def methods(self) -> list[str]:
        """The columns of the published table."""
        return self.shelf.published.methods

    @property
    def baselines(self) -> list[str]:
        """The methods to compare with, as far as they ran."""
        return [method for method in self.shelf.published.baselines if method in set(self.main["method"])]

    def select(self, **columns: Any) -> pd.DataFrame:
        """Choose scores by the values of columns; a value may be a list of those allowed."""
        chosen = self.scores
        for name, value in columns.items():
            if name not in chosen:
                raise unknown("column of the scores", name, chosen.columns)
            chosen = chosen[chosen[name].isin(value if isinstance(value, list) else [value])]
        if chosen.empty:
            raise InputError(f"{self.results.folder} has no scores of {columns}")
        return chosen

    # Sheets

    def table(self, stem: str) -> str:
        """Write the published table with ours beside it."""
        return self._sheet(stem, beside(self.reproduction))

    def lacking(self, stem: str) -> str:
        """Write what the published table lacks."""
        sheet = lacking(self.reproduction)
        if sheet is None:
            raise InputError(f"{self.results.folder} has no method that the published table lacks")
        return self._sheet(stem, sheet)

    @property
    def has_more(self) -> bool:
        """Whether it has methods or settings that the published table lacks."""
        return not set(methods_in(self.main)) <= set(self.methods)

    def shortfalls(self, stem: str, within: float) -> str:
        """Write which published numbers ours do not come within so many dB of."""
        return self._sheet(stem, shortfalls(self.reproduction, within=within))

    def compare_with(self, stem: str, methods: Sequence[str]) -> str:
        """Write the paired differences to a few methods."""
        return self._sheet(stem, compare_with(self.main, methods))

    def changes(self, stem: str, title: str, scores: pd.DataFrame, other: pd.DataFrame) -> str:
        """Write what another protocol changes."""
        return self._sheet(stem, changes(scores, other, title=title))

    def retrained(self, stem: str) -> str:
        """Write how far the same trainings end elsewhere, of the methods that were trained again."""
        again = set(self.trainings.differences.dropna(how="all").index.unique("method"))
        methods = [method for method in methods_in(self.main) if method in again]
        return self._sheet(stem, retrained(self.trainings, methods))

    def settings(self, stem: str) -> str:
        """Write how the optimiser's settings were chosen."""
        return self._sheet(stem, settings(self._tuning))

    def hyper_parameters(self, stem: str) -> str:
        """Write how hyper-parameters were chosen."""
        return self._sheet(stem, hyper_parameters(self._tuning))

    def glance(self, stem: str, baseline: str, images: str) -> str:
        """Write one test set's table, and draw the differences to a baseline beside it."""
        sheet, found = glance(self._columns[self._columns["images"] == images], baseline)
        self.shelf.files.extend(write_glance(found, baseline, folder=self.shelf.out, stem=stem))
        return self._sheet(stem, sheet)

    def ranks(self, stem: str) -> str:
        """Draw the mean ranks; gives the name of the figure."""
        files = write_ranks(self._columns, folder=self.shelf.out, stem=stem)
        self.shelf.files.extend(files)
        return f"{stem}.svg"

    # Numbers

    def published(self, method: str, *row: Any) -> float:
        """Give a published PSNR, dB; ``row`` is noise, parameter and test set."""
        return float(_cell(self.shelf.published.cells, method, row)["psnr"].item())

    def published_gap(self, method: str, other: str, *row: Any) -> str:
        """Give the difference of two published numbers, the first less the second, dB."""
        return signed(self.published(method, *row) - self.published(other, *row))

    def mean(self, method: str, *row: Any) -> float:
        """Give a mean PSNR of ours, dB."""
        return mean_of(_cell(self.main, method, row)).value

    def psnr(self, method: str, *row: Any) -> str:
        """Give a mean PSNR of ours with its interval."""
        mean = mean_of(_cell(self.main, method, row))
        return with_interval(mean, of_seeds=mean.seeds)

    def gap(self, method: str, other: str, *row: Any) -> str:
        """Give the paired difference of two methods, the first less the second, with its interval."""
        return format_difference(difference_of(_cell(self.main, method, row), _cell(self.main, other, row)))

    def change(self, scores: pd.DataFrame, method: str, *row: Any) -> str:
        """Give the paired difference that another protocol makes to a method, with its interval."""
        return format_difference(difference_of(_cell(scores, method, row), _cell(self.main, method, row)))

    def on_image(self, scores: pd.DataFrame, method: str, *row: Any, image: str) -> str:
        """Give the difference that another protocol makes to a method on one image, dB."""
        pairs = [_cell(part[part["image"] == image], method, row) for part in (scores, self.main)]
        return signed(difference_of(*pairs).mean)

    def scatter(self, images: str) -> str:
        """Give the standard deviation of a test set's mean from one training seed to another, dB."""
        of_set = self.main[self.main["images"] == images]
        return f"{seed_scatter(of_set).sd:.3f}"

    def training(self, method: str, images: str) -> Scatter:
        """Give how far a training of one run ends from another of the same, over the runs of a method, dB."""
        found = self.trainings.scatter(method, images)
        if found is None:
            raise InputError(f"no training of {method} was made again on {images}")
        return found

    def made_again(self, method: str, *row: Any) -> str:
        """Give how far trainings made again ended from the committed ones in the mean, dB."""
        differences = self.trainings.differences
        found = _cell(differences.reset_index(), method, row)[list(differences)].to_numpy()
        if np.isnan(found).all():
            raise InputError(f"no training of {method} was made again on {Condition(*row)}")
        return signed(float(np.nanmean(found)))

    def hours(self, scores: pd.DataFrame) -> float:
        """Sum the training times of runs, in hours."""
        return float(scores.drop_duplicates("key")["training_seconds"].sum()) / 3600

    @property
    def _columns(self) -> pd.DataFrame:
        """The scores of methods that ran under every noise on every test set, which alone fill a column."""
        cells = self.main.drop_duplicates(CELL).groupby("method").size()
        whole = cells.index[cells == len(self.main.drop_duplicates(ROW))]
        return self.main[self.main["method"].isin(whole)]

    @property
    def _tuning(self) -> pd.DataFrame:
        return self.select(training_images=self.shelf.published.tuning_images)

    def _sheet(self, stem: str, sheet: TextTable) -> str:
        self.shelf.files.extend(sheet.write(self.shelf.out, stem))
        return sheet.markdown()


def _cell(scores: pd.DataFrame, method: str, row: Iterable[Any]) -> pd.DataFrame:
    chosen = scores[(scores[ROW] == list(row)).all(axis="columns") & (scores["method"] == method)]
    if chosen.empty:
        raise InputError(f"there are no scores of {method} on {Condition(*row)}")
    return chosen

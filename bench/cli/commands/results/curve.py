"""The command ``noisebench curve``."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bench.cli.console import open_console, print_files, print_line
from bench.cli.opening import existing_runs
from bench.output.markup import stems
from bench.output.terminal import terminal_table
from bench.tables.before_after import before_after_table, parse_before
from bench.tables.budget_curve import NothingToCompareError, budget_curves
from bench.tables.equal_operations import equal_operations_table
from bench.tables.write_curves import write_budgets, write_curves

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.cli.options.results import CurveOptions
    from bench.output.text_table import TextTable
    from bench.tables.budget_curve import BudgetCurves


def curve(options: CurveOptions) -> None:
    """Write the figures and tables of PSNR against training cost, and print those of finished budgets."""
    before = parse_before(options.before or ())
    runs, folder = existing_runs(options.runs), options.out or options.runs / "tables"
    evaluated = runs.curves()
    files = write_curves(evaluated, folder=folder) if len(evaluated) else []
    try:
        budgets = budget_curves(runs.scores())
    except NothingToCompareError as error:
        if not files or before or options.level is not None:
            raise NothingToCompareError(
                f"{error}, or evaluate runs as they train, with --evaluations N"
            ) from error
        print_line(open_console(), str(error))
    else:
        files += write_budgets(budgets, folder=folder)
        files += _write("equal-operations", budgets, equal_operations_table, folder)
        if before or options.level is not None or any(set(one.trained["setup"]) - {""} for one in budgets):
            compare = partial(before_after_table, before=before, level=options.level)
            files += _write("before-after", budgets, compare, folder)
    print_files(files)


def _write(
    stem: str, budgets: list[BudgetCurves], make: Callable[[BudgetCurves], TextTable], folder: Path
) -> list[Path]:
    """Print and write a table of each group of budgets, or print why there is nothing to compare."""
    console = open_console()
    files = []
    for name, one in zip(stems(stem, len(budgets)), budgets, strict=True):
        try:
            table = make(one)
        except NothingToCompareError as error:
            print_line(console, str(error))
        else:
            console.print(terminal_table(table, repeated=table.left, width=console.width))
            files += table.write(folder, name)
    return files

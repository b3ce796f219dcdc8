"""Markdown and LaTeX: escaped text, tables, and formatted numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from bench.system.files import open_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

MISSING = "–"
LATEX_PACKAGES = "% needs \\usepackage{booktabs,graphicx}\n"
MARKDOWN_SPECIAL = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\n": " "} | {sign: f"\\{sign}" for sign in r"\`*_{}[]|$~#"}
)
LATEX_SPECIAL = str.maketrans(
    {sign: f"\\{sign}" for sign in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': "''"}
    | {"σ": r"$\sigma$", "ζ": r"$\zeta$", "²": "$^2$", "±": r"$\pm$", "−": "$-$", "†": r"\dag{}"}
    | {"°": r"$^\circ$", "≥": r"$\geq$"}
    | {MISSING: "--", "\n": " "}
)


class Span(NamedTuple):
    """A part of a cell with its own style."""

    text: str
    style: Literal["plain", "bold", "failed"] = "plain"


CellText = str | tuple[Span, ...]
"""The content of a table cell, not escaped yet."""


def spans(cell: CellText) -> tuple[Span, ...]:
    """Return the parts of a cell; plain text is one."""
    return (Span(cell),) if isinstance(cell, str) else cell


@dataclass(frozen=True)
class Markup:
    """A format: how it escapes plain text, and marks escaped text as bold or failed."""

    escape: Callable[[str], str]
    bold: Callable[[str], str]
    failed: Callable[[str], str]

    def format(self, cell: CellText) -> str:
        """Escape a cell and format its parts in their styles."""
        styles: dict[str, Callable[[str], str]] = {"plain": str, "bold": self.bold, "failed": self.failed}
        return "".join(styles[style](self.escape(text)) for text, style in spans(cell))


MARKDOWN = Markup(lambda text: text.translate(MARKDOWN_SPECIAL), "**{}**".format, "{}".format)
LATEX = Markup(lambda text: text.translate(LATEX_SPECIAL), r"\textbf{{{}}}".format, r"\emph{{{}}}".format)


def pipe_table(header: Sequence[str], rows: Iterable[Sequence[str]], *, left: int = 1) -> str:
    """Lay out escaped cells as a Markdown table.

    Args:
        header: headings of the columns.
        rows: rows as long as the header.
        left: number of leading columns with text; the others hold numbers.
    """
    rule = ["---"] * left + ["---:"] * (len(header) - left)
    return "\n".join(f"| {' | '.join(line)} |" for line in (header, rule, *rows))


def latex_float(
    caption: str,
    header: Sequence[str],
    *bodies: Iterable[Sequence[str]],
    notes: Iterable[str],
    left: int = 1,
) -> str:
    """Lay out escaped cells as a LaTeX float for the packages ``booktabs`` and ``graphicx``.

    Args:
        caption: plain text.
        header: headings of the columns.
        bodies: groups of rows as long as the header, separated by rules.
        notes: notes below the table, plain text.
        left: number of leading columns with text; the others hold numbers.
    """
    parts = ["\n".join(f"{' & '.join(line)} \\\\" for line in body) for body in ([header], *bodies)]
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{LATEX.escape(caption)}}}",
            r"\resizebox{\linewidth}{!}{%",
            rf"\begin{{tabular}}{{{'l' * left}{'r' * (len(header) - left)}}}",
            r"\toprule",
            "\n\\midrule\n".join(parts),
            r"\bottomrule",
            r"\end{tabular}}",
            r"\par\smallskip\raggedright\footnotesize",
            " \\\\\n".join(LATEX.escape(note) for note in notes),
            r"\end{table}",
            "",
        ]
    )


def write_texts(texts: Mapping[str, str], *, folder: Path, stem: str) -> list[Path]:
    """Write files whose names differ only in the suffix.

    Args:
        texts: contents by suffix.
        folder: created if it does not exist.
        stem: stem of the file names.

    Returns:
        The files.
    """
    place = open_folder(folder)
    files = [place / f"{stem}{suffix}" for suffix in texts]
    for file, text in zip(files, texts.values(), strict=True):
        file.write_text(text, encoding="utf-8", newline="\n")
    return files


def stems(stem: str, count: int) -> list[str]:
    """Return the stems of so many files: the given one, or numbered ones if there are several."""
    return [stem] if count == 1 else [f"{stem}-{number}" for number in range(1, count + 1)]


def significant(value: float) -> str:
    """Format a positive number with three significant digits, but at least its whole part."""
    return f"{value:,.{max(0, 2 - math.floor(math.log10(value)))}f}"


def format_number(value: float | None, form: str) -> str:
    """Format a number, or a placeholder if it is None or NaN."""
    return MISSING if value is None or math.isnan(value) else format(value, form)


def plural(count: int, noun: str) -> str:
    """Format a count, such as ``1 seed`` or ``2 seeds``."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def signed(difference: float, *, digits: int = 2) -> str:
    """Format a difference with its sign and a fixed number of decimals."""
    return f"{difference:+.{digits}f}".replace("-", "−")

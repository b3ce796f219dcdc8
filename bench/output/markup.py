"""Tables of escaped text in Markdown and LaTeX, with a heading above and notes below."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.system.files import open_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

MISSING = "–"
LATEX_PACKAGES = "% needs \\usepackage{booktabs,graphicx}\n"
MARKDOWN_SPECIAL = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\n": " "} | {mark: f"\\{mark}" for mark in r"\`*_{}[]|$~#"}
)
LATEX_SPECIAL = str.maketrans(
    {mark: f"\\{mark}" for mark in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': "''"}
    | {"σ": r"$\sigma$", "ζ": r"$\zeta$", "²": "$^2$", "±": r"$\pm$", "−": "$-$", "†": r"\dag{}"}
    | {"°": r"$^\circ$", "≥": r"$\geq$"}
    | {MISSING: "--", "\n": " "}
)


@dataclass(frozen=True)
class Markup:
    """How one format escapes plain text, and sets escaped text in bold or as failed."""

    escape: Callable[[str], str]
    bold: Callable[[str], str]
    failed: Callable[[str], str]


MARKDOWN = Markup(lambda text: text.translate(MARKDOWN_SPECIAL), "**{}**".format, "{}".format)
LATEX = Markup(lambda text: text.translate(LATEX_SPECIAL), r"\textbf{{{}}}".format, r"\emph{{{}}}".format)


def pipe_table(header: Sequence[str], rows: Iterable[Sequence[str]], *, left: int = 1) -> str:
    """Set cells, escaped already, as a Markdown table.

    Args:
        header: of the columns.
        rows: as long as the header.
        left: how many of the first columns hold text, the others numbers.
    """
    rule = ["---"] * left + ["---:"] * (len(header) - left)
    return "\n".join(f"| {' | '.join(line)} |" for line in (header, rule, *rows))


def markdown_section(heading: str, table: str, notes: Iterable[str]) -> str:
    """Set a Markdown table under its heading, with its notes as a list; heading and notes are plain text."""
    listed = [f"- {MARKDOWN.escape(note)}" for note in notes]
    return "\n".join([f"### {MARKDOWN.escape(heading)}", "", table, "", *listed, ""])


def latex_float(
    caption: str,
    header: Sequence[str],
    *bodies: Iterable[Sequence[str]],
    notes: Iterable[str],
    left: int = 1,
) -> str:
    """Set cells, escaped already, as a LaTeX float for the packages ``booktabs`` and ``graphicx``.

    Args:
        caption: plain text.
        header: of the columns.
        bodies: rows as long as the header, a rule between one body and the next.
        notes: plain text, one per line below the table.
        left: how many of the first columns hold text, the others numbers.
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
    """Write files that differ in their suffix alone.

    Args:
        texts: by suffix.
        folder: made if it does not exist.
        stem: of the files' names.

    Returns:
        The files.
    """
    place = open_folder(folder)
    files = [place / f"{stem}{suffix}" for suffix in texts]
    for file, text in zip(files, texts.values(), strict=True):
        file.write_text(text, encoding="utf-8", newline="\n")
    return files


def signed(difference: float, *, digits: int = 2) -> str:
    """Write a difference in dB with its sign, and so many digits behind the point."""
    return f"{difference:+.{digits}f}".replace("-", "−")

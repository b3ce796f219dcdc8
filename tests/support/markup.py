"""Tables read back from Markdown and LaTeX."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt


def read_markdown(text: str) -> list[list[str]]:
    """Read the cells of the only table, header first, as a reader of Markdown shows them."""
    rows: list[list[str]] = []
    place = ""
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline" and place in ("th_open", "td_open"):
            assert {part.type for part in token.children} <= {"text"}
            rows[-1].append("".join(part.content for part in token.children))
        place = token.type
    return rows


TEX = {"$\\sigma$": "σ", "$\\zeta$": "ζ", "$\\pm$": "±", "$-$": "−", "\\dag{}": "†", "$^\\circ$": "°"}

TEX |= {"\\textbackslash{}": "\\", "\\textasciitilde{}": "~", "\\textasciicircum{}": "^", "--": "–"}

TEX |= {"\\textless{}": "<", "\\textgreater{}": ">", "\\textbar{}": "|"}

TEX |= {f"\\{mark}": mark for mark in "&%$#_{}"}

TEX_PATTERN = re.compile("|".join(map(re.escape, TEX)))


def read_latex(text: str) -> list[list[str]]:
    """Read the cells of the only table, header first, as LaTeX would show them."""
    body = text.split("\\toprule\n")[1].split("\n\\bottomrule", maxsplit=1)[0].replace("\\midrule\n", "")
    rows = [re.split(r" & ", line.removesuffix(r" \\")) for line in body.split("\n")]
    return [[TEX_PATTERN.sub(lambda found: TEX[found[0]], cell) for cell in row] for row in rows]

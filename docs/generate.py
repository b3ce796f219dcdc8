"""Hooks of MkDocs: they write pages from the code, and fill the code's facts into the pages written by hand.

A page under ``docs`` is a Jinja template, whose names are those of ``facts``. An unknown name, or a check
without advice, fails the build.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
from mkdocs.structure.files import File

from bench.images.registry import REGISTRY
from bench.runs.recipes import RECIPES
from docs import source

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

DOCS = Path(__file__).parent
TABLES = source.ROOT / "tables"
PAGE = "README.md"
METHOD = "_method.md.j2"
METHODS, RESULTS = "Methods", "Results"
TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(DOCS),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    autoescape=False,  # noqa: S701 - it writes Markdown
)


@cache
def facts() -> dict[str, Any]:
    """Collect the names that pages may use."""
    return {
        "methods": sorted(source.entries(), key=exposure),
        "noise_models": source.noise_models(),
        "checks": source.checks(),
        "sets": REGISTRY,
        "recipes": RECIPES,
        "results": results(),
        "protocol": source.constants("bench.protocol"),
        "step": source.constants("bench.training.step"),
        "optimiser": source.constants("bench.training.optimiser"),
        "bfloat16": source.constants("bench.training.bfloat16"),
        "images": source.constants("bench.images.clean_image"),
        "version": tomllib.loads(read("pyproject.toml"))["project"]["version"],
        "citation": read("CITATION.cff").strip(),
    }


def exposure(entry: source.Entry) -> tuple[bool, int, str]:
    """Order methods by how much they see, those without training last."""
    order = ["noisy", "noise", "noisy2", "clean"]
    return not entry.trained, max(order.index(need) for need in entry.needs), entry.name


def read(name: str) -> str:
    """Read a file of the repository."""
    return (source.ROOT / name).read_text(encoding="utf-8")


def results() -> list[Path]:
    """Find the pages of published tables that have been written."""
    return sorted(TABLES.glob(f"*/{PAGE}"))


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Add the generated pages to the navigation, after the overviews written by hand."""
    assert config.nav is not None  # noqa: S101 - mkdocs.yml has one
    for section in config.nav:
        for name, pages in section.items():
            if name == METHODS:
                pages += [{entry.name: f"methods/{entry.name}.md"} for entry in facts()["methods"]]
            if name == RESULTS:
                pages += [f"results/{page.parent.name}.md" for page in results()]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages, and those whose text is elsewhere in the repository."""
    pages: dict[str, str | bytes] = {
        f"methods/{entry.name}.md": TEMPLATES.get_template(METHOD).render(method=entry, **facts())
        for entry in facts()["methods"]
    }
    for page in results():
        text = page.read_text(encoding="utf-8")
        pages[f"results/{page.parent.name}.md"] = without_links_outside(text)
        pages |= {f"results/{file.name}": file.read_bytes() for file in shown(text, page.parent)}
    for name in ("CONTRIBUTING", "SECURITY", "CHANGELOG"):
        pages[f"{name.lower()}.md"] = read(f"{name}.md").replace("](docs/", "](")
    for uri, content in pages.items():
        files.append(File.generated(config, uri, content=content))
    return files


def on_page_markdown(markdown: str, *, page: Page, **rest: object) -> str:  # noqa: ARG001 - MkDocs passes more
    """Fill in a page that was written by hand."""
    if page.file.generated_by:
        return markdown
    return TEMPLATES.get_template(page.file.src_uri).render(facts())


def shown(text: str, folder: Path) -> list[Path]:
    """List the files of a folder that a page beside them links to or shows."""
    names = dict.fromkeys(re.findall(r"\]\(([\w.-]+)\)", text))
    return [folder / name for name in names if (folder / name).is_file()]


def without_links_outside(text: str) -> str:
    """Turn links to files that are in the repository but not on the site into plain text."""
    return re.sub(r"(?<!!)\[([^\]]*)\]\((?:\.\./)+[^)]*\)", r"\1", text)

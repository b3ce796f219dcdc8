"""The commands ``noisebench list`` and ``show``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import tyro

from bench.cli.console import open_console, print_grid, print_list
from bench.cli.options import DEFAULT_STORE, Runs
from bench.protocol import NOISE_FORMULAS
from bench.runs.recipes import RECIPES

if TYPE_CHECKING:
    pass


PARAMETERS = {"gaussian": "SIGMA", "poisson": "ZETA", "gamma": "K"}
USUAL = {
    "gaussian": "σ > 0; 25 or 50 in the literature",
    "poisson": "ζ > 0; 0.01 or 0.05 in the literature",
    "gamma": "k > 1; 100 or 50 in the literature",
}


def list_(what: tyro.conf.Positional[Literal["all", "methods", "noises", "sets", "recipes"]] = "all") -> None:
    """List methods, noises, image sets and recipes, importing no method.

    Args:
        what: which of them
    """
    from bench.discovery import listings
    from bench.images.registry import REGISTRY

    sections = {
        "methods": [
            (name, f"{listing.summary()} [{listing.origin}]") for name, listing in listings().items()
        ],
        "noises": [
            (f"{name}:{PARAMETERS[name]}", f"{formula}, {USUAL[name]}")
            for name, formula in NOISE_FORMULAS.items()
        ],
        "sets": [(name, entry.summary()) for name, entry in REGISTRY.items()],
        "recipes": [(name, recipe.summary()) for name, recipe in RECIPES.items()],
    }
    console = open_console()
    for section, lines in sections.items():
        if what in ("all", section):
            print_list(console, section, lines)


def show(run: tyro.conf.Positional[str], *, runs: Runs = DEFAULT_STORE) -> None:
    """Show what a run was, what it ran on, and its scores.

    Args:
        run: its key, the start of its key, or its folder
        runs: the folder of runs
    """
    from bench.store.integrity import FILES, SEAL, read_facts
    from bench.store.scores import SCORES, read_table
    from bench.store.store import Store

    folder = Store(runs).find(run)
    facts = read_facts(folder)
    console = open_console()
    hidden = ("columns", FILES, SEAL)
    console.print_json(data={name: value for name, value in facts.items() if name not in hidden})
    scores = read_table(folder, SCORES, facts)
    columns = ["images", "image", "noisy_psnr", "psnr", "noisy_ssim", "ssim", "lpips", "seconds"]
    rows = [[_number(value) for value in row] for row in scores[columns].itertuples(index=False)]
    for name, part in scores.groupby("images", sort=False):
        means = part[columns[2:]].mean()
        rows.append([str(name), "mean", *(_number(value) for value in means)])
    print_grid(console, f"scores of {folder.name}", columns, rows)


def _number(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:.4f}"

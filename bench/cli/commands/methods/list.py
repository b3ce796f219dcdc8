"""The command ``noisebench list``, which imports no method."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.cli.console import open_console, print_list
from bench.discovery import listings
from bench.images.registry import REGISTRY
from bench.protocol import NOISE_FORMULAS
from bench.runs.recipes import RECIPES

if TYPE_CHECKING:
    from bench.cli.options.methods import ListOptions

PARAMETERS = {"gaussian": "σ", "poisson": "ζ", "gamma": "k"}
USUAL = {
    "gaussian": "σ > 0; 25 or 50 in the literature",
    "poisson": "ζ > 0; 0.01 or 0.05 in the literature",
    "gamma": "k > 1; 100 or 50 in the literature",
}


def list_(options: ListOptions) -> None:
    """Print methods, noise models, image sets and recipes, each with a description."""
    sections = {
        "methods": {name: f"{found.summary()} [{found.origin}]" for name, found in listings().items()},
        "noises": {
            f"{name}:{PARAMETERS[name]}": f"{formula}, {USUAL[name]}"
            for name, formula in NOISE_FORMULAS.items()
        },
        "sets": {name: entry.summary() for name, entry in REGISTRY.items()},
        "recipes": {name: recipe.summary() for name, recipe in RECIPES.items()},
    }
    console = open_console()
    for section, lines in sections.items():
        if options.what in ("all", section):
            print_list(console, section, list(lines.items()))

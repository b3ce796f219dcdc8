"""What several test modules share: noises, networks of known properties, calculus, runs and tables."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import torch
from markdown_it import MarkdownIt
from scipy import integrate
from torch import Tensor
from torch.nn import functional

from bench.conformance.case import declared, images_of, smooth
from bench.images.sources import open_set
from bench.noise import Gamma, Gaussian, Noise, Poisson
from bench.published.table import LAYOUT, NUMBERS, Published, open_published
from bench.runs.context import Bench
from bench.runs.launch import launch
from bench.runs.plan import Job, plan
from bench.runs.recipes import RECIPES, Recipe
from bench.store.integrity import read_facts, write_facts, write_json
from bench.store.reference import RUNS, Reference, open_reference
from bench.store.scores import SETTINGS, write_scores
from bench.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from bench.method import Batch, Method
    from methods.noise2score import Noise2Score

    Function = Callable[[Tensor], Tensor]

CPU = torch.device("cpu")
LEVELS = {"gaussian": Gaussian(25), "poisson": Poisson(0.05), "gamma": Gamma(50)}
every_noise = pytest.mark.parametrize("noise", LEVELS.values(), ids=LEVELS)


def rng_of(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def share(progress: float) -> Tensor:
    return torch.tensor(progress)


def column(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


# Calculus


def slope_of(function: Function, at: Tensor) -> Tensor:
    """Differentiate a function of each value by autograd."""
    at = at.detach().requires_grad_()
    return torch.autograd.grad(function(at).sum(), at)[0]


def quadrature(function: Callable[[float], float], low: float, high: float) -> float:
    value, _ = integrate.quad(function, low, high, epsabs=0, epsrel=1e-11, limit=500)
    return value


# Batches


def batch_of(method: Method | type[Method], noise: Noise, *, channels: int = 1, count: int = 3) -> Batch:
    """Give smooth patches with what the method declares."""
    return declared(method, images_of(smooth(count, channels, 40, 40), noise), noise)


# Networks


class Spy:
    """A network that remembers what it was shown."""

    def __init__(self, net: Function) -> None:
        self.net = net
        self.seen: list[Tensor] = []

    def __call__(self, image: Tensor) -> Tensor:
        self.seen.append(image)
        return self.net(image)


TAPS = np.array([[0.02, 0.1, 0.05], [0.15, 0.4, 0.03], [0.01, 0.1, 0.08]])


def filter_of(taps: np.ndarray) -> Function:
    """Make the linear network that correlates each image with a 3x3 filter, zero beyond the border."""
    weight = torch.from_numpy(taps)[None, None]
    return lambda image: functional.conv2d(image, weight.to(image.dtype), padding=1)


def curved(image: Tensor) -> Tensor:
    """Be non-linear in each pixel and its neighbours."""
    return 0.1 + 0.7 * torch.tanh(filter_of(TAPS)(image)) + 0.05 * torch.sin(6 * image)


def network_with(score: Function, noise: Noise, method: Noise2Score) -> Function:
    """Make the network whose residual stands for a given score of v.

    The residual of a network r is read as variance s, and of a logarithm as y variance s.
    """
    variance = method.coordinates(noise).variance
    logarithm = isinstance(noise, Gamma) and method.domain == "stabilised"

    def network(seen: Tensor) -> Tensor:
        v, slope = (torch.log(seen), seen) if logarithm else (seen, 1.0)
        return seen + slope * variance * score(v)

    return network


def end_for(noise: Noise, domain: str, sigma_a: float) -> float:
    """Give Noise2Score's ``end`` for a last perturbation of ``sigma_a`` in v."""
    if domain == "stabilised":
        return sigma_a / noise.stabilised_sd
    return sigma_a / noise.zeta if isinstance(noise, Poisson) else sigma_a


every_domain = pytest.mark.parametrize("domain", ["stabilised", "raw"])


# Runs


@dataclass
class Silent:
    """Keeps what is said of jobs, and shows nothing."""

    outcomes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def started(self, job: Job) -> None:
        pass

    def progressed(self, job: Job, entry: dict[str, Any]) -> None:
        pass

    def warned(self, job: Job, text: str) -> None:
        self.warnings.append(text)

    def ended(self, job: Job, outcome: str) -> None:
        self.outcomes.append(outcome)


@dataclass(frozen=True)
class Tiny:
    """A recipe of a few seconds, with its images and store."""

    recipe: Recipe
    bench: Bench

    def jobs(self, **changes: Any) -> list[Job]:
        return plan(replace(self.recipe, **changes), self.bench.training_images, device=self.bench.device)

    def launch(self, **changes: Any) -> list[str]:
        return self.watched(**changes).outcomes

    def watched(self, **changes: Any) -> Silent:
        watcher = Silent()
        launch(self.jobs(**changes), self.bench, watcher)
        return watcher


def make_tiny(folders: tuple[Path, Path], root: Path, *, channels: int) -> Tiny:
    train, test = (open_set(str(folder), channels=channels) for folder in folders)
    recipe = replace(
        RECIPES["quick"],
        methods=("supervised",),
        noises=("gaussian:25",),
        channels=channels,
        width=4,
        steps=4,
        batch=2,
        patch=32,
    )
    return Tiny(recipe, Bench(train, (test,), CPU, Store.open(root), "not asked for"))


def amend(folder: Path, **changes: Any) -> None:
    """Change facts of a stored run, under a seal of their own."""
    write_facts(read_facts(folder) | changes, folder)


# Published tables and reference results


SOURCE = "Someone 2020, Table 1"


def print_numbers(rows: Iterable[tuple[str, float, str]], methods: Iterable[str]) -> pd.DataFrame:
    """Make up published numbers, no two alike, of each noise, parameter and test set."""
    cells = [(SOURCE, *row, method) for row, method in product(rows, methods)]
    numbers = pd.DataFrame(cells, columns=["source", "noise", "parameter", "images", "method"])
    return numbers.assign(psnr=(2600 + 7 * numbers.index) / 100, suspect="")


def publish(folder: Path, numbers: pd.DataFrame, **layout: Any) -> Published:
    """Write a published table and open it."""
    folder.mkdir(parents=True, exist_ok=True)
    filled = {"title": "Table 1", "source": SOURCE, "training_images": ["bsd400"]}
    filled |= {"training_noise": "frozen", "baselines": ["supervised"], "tuning_images": "bsd400-tune"}
    filled |= {"reference": "cpu-1", "retrained": []} | layout
    # A string or a list of them is written in TOML as in JSON.
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in filled.items()]
    (folder / LAYOUT).write_text("".join(lines), encoding="utf-8")
    numbers.to_csv(folder / NUMBERS, index=False)
    return open_published(folder)


def shelve(folder: Path, scores: pd.DataFrame) -> Reference:
    """Write made-up scores as reference results; all parameters and test sets of a run get one key."""
    runs = [column for column in SETTINGS if column not in ("parameter", "images")]
    settings = scores[runs].astype(str).agg("; ".join, axis="columns")
    keys = settings.map(lambda text: sha256(text.encode()).hexdigest()[:12])
    scores = scores.assign(key=keys, finished="2026-01-01")
    (folder / RUNS).mkdir(parents=True)
    for key, rows in scores.groupby("key"):
        facts = {"key": key, "columns": {"key": key, "finished": "2026-01-01"}, "hardware": {"name": "some"}}
        facts["evaluation"] = {"all": {images: {} for images in rows["images"].unique()}}
        write_json(facts, folder / RUNS / f"{key}.json")
    write_scores(scores, folder)
    return open_reference(folder)


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

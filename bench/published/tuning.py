"""Tables of the search for settings, which uses no test set."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from bench.analysis.columns import CELL, noise_label
from bench.analysis.grouping import by_condition, group_by
from bench.analysis.supervision import methods_in
from bench.output.markup import MISSING
from bench.output.text_table import TextTable

if TYPE_CHECKING:
    import pandas as pd

SEARCHED = ["optimiser", "learning_rate", "clip_ratio", "batch", "patch", "steps"]
HEADINGS = ["optimiser", "learning rate", "clipped at", "batch", "steps"]
NOISE = ["noise", "parameter"]
SETTINGS_NOTE = (
    f"PSNR in dB, one seed. {MISSING}: not tried. Clipped at: a gradient longer than this multiple of the "
    "running mean of its norm is shortened to it."
)
HYPER_PARAMETERS_NOTE = f"{SETTINGS_NOTE} A method without hyper-parameters in its name has its defaults."


def settings_table(scores: pd.DataFrame) -> TextTable:
    """Compare the optimiser's settings, which all methods share, by the methods that were tried with several.

    Args:
        scores: one line per run and held-out image, of one seed.
    """
    plain = scores[~scores["method"].str.contains(":", regex=False)]
    means = plain.groupby([*SEARCHED, *CELL])[["psnr"]].mean().reset_index()
    means = means[means.groupby([*NOISE, "method"])["psnr"].transform("size") > 1]
    methods = methods_in(plain[plain["method"].isin(means["method"])])
    rows = []
    for (*setting, noise, parameter), cells in group_by(means, [*SEARCHED, *NOISE]).items():
        psnr = dict(zip(cells["method"], cells["psnr"], strict=True))
        mean = sum(psnr.values()) / len(psnr) if len(psnr) == len(methods) else None
        numbers = [*(psnr.get(method) for method in methods), mean]
        rows.append([*_setting(setting), noise_label(noise, parameter), *map(_text, numbers)])
    header = [*HEADINGS, "noise", *methods, "mean"]
    title = f"Settings of the optimiser, on {_sets(scores)}"
    return TextTable(title, header, rows, [SETTINGS_NOTE], means, left=len(HEADINGS) + 1)


def hyper_parameters_table(scores: pd.DataFrame) -> TextTable:
    """Compare the hyper-parameters of methods with several variants, separately for each optimiser setting.

    Args:
        scores: as for ``settings_table``.
    """
    names = scores["method"].str.partition(":")[0]
    varied = scores[scores.groupby([*SEARCHED, names])["method"].transform("nunique") > 1]
    means = varied.groupby([*SEARCHED, "method", *NOISE])[["psnr"]].mean().reset_index()
    noises = _noises(varied)
    rows = []
    for (*setting, method), cells in group_by(means, [*SEARCHED, "method"]).items():
        psnr = {(noise, parameter): psnr for *_, noise, parameter, psnr in cells.itertuples(index=False)}
        rows.append([*_setting(setting), method, *(_text(psnr.get(noise)) for noise in noises)])
    header = [*HEADINGS, "method", *(noise_label(*noise) for noise in noises)]
    title = f"Hyper-parameters, on {_sets(scores)}"
    return TextTable(title, header, rows, [HYPER_PARAMETERS_NOTE], means, left=len(HEADINGS) + 1)


def _setting(values: list[Any]) -> list[str]:
    """Format optimiser, learning rate, clip ratio, batch size with patch side, and steps."""
    optimiser, learning_rate, clip_ratio, batch, patch, steps = values
    clipped = f"{clip_ratio:g}" if math.isfinite(clip_ratio) else "never"
    return [optimiser, f"{learning_rate:g}", clipped, f"{batch} of {patch}x{patch}", f"{steps:,}"]


def _text(psnr: float | None) -> str:
    return MISSING if psnr is None else f"{psnr:.2f}"


def _noises(scores: pd.DataFrame) -> list[tuple[str, float]]:
    return list(dict.fromkeys((noise, parameter) for noise, parameter, _ in by_condition(scores)))


def _sets(scores: pd.DataFrame) -> str:
    return ", ".join(sorted(set(scores["images"])))

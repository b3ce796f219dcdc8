"""How settings were chosen: the search over training runs away from every test set, as sheets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.analysis.columns import CELL, noise_label
from bench.analysis.grouping import by_condition, group_by
from bench.analysis.supervision import methods_in
from bench.output.markup import MISSING
from bench.output.text_table import TextTable

if TYPE_CHECKING:
    import pandas as pd

SEARCHED = ["learning_rate", "batch", "patch", "steps"]
NOISE = ["noise", "parameter"]


def settings(scores: pd.DataFrame) -> TextTable:
    """Compare settings of the optimiser, which all methods share, by methods that were tried under several.

    Args:
        scores: one line per run and held-out image, of one seed.
    """
    plain = scores[~scores["method"].str.contains(":", regex=False)]
    means = plain.groupby([*SEARCHED, *CELL])[["psnr"]].mean().reset_index()
    means = means[means.groupby([*NOISE, "method"])["psnr"].transform("size") > 1]
    methods = methods_in(plain[plain["method"].isin(means["method"])])
    rows = []
    for (rate, batch, patch, steps, *noise), cells in group_by(means, [*SEARCHED, *NOISE]).items():
        psnr = dict(zip(cells["method"], cells["psnr"], strict=True))
        stub = [f"{rate:g}", f"{batch} of {patch}x{patch}", f"{steps:,}", noise_label(*noise)]
        texts = [f"{psnr[method]:.2f}" if method in psnr else MISSING for method in methods]
        rows.append(
            [*stub, *texts, f"{sum(psnr.values()) / len(psnr):.2f}" if len(psnr) == len(methods) else MISSING]
        )
    header = ["learning rate", "crops", "steps", "noise", *methods, "mean"]
    note = f"PSNR in dB, one seed. {MISSING}: not tried."
    return TextTable(f"Settings of the optimiser, on {_where(scores)}", header, rows, [note], means, left=4)


def hyper_parameters(scores: pd.DataFrame) -> TextTable:
    """Compare hyper-parameters of those methods of which several were tried, under each setting apart.

    Args:
        scores: as for ``settings``.
    """
    names = scores["method"].str.partition(":")[0]
    varied = scores[scores.groupby([*SEARCHED, names])["method"].transform("nunique") > 1]
    means = varied.groupby([*SEARCHED, "method", *NOISE])[["psnr"]].mean().reset_index()
    noises = _noises(varied)
    rows = []
    for (rate, batch, patch, steps, method), cells in group_by(means, [*SEARCHED, "method"]).items():
        psnr = {(noise, parameter): psnr for *_, noise, parameter, psnr in cells.itertuples(index=False)}
        texts = [f"{psnr[noise]:.2f}" if noise in psnr else MISSING for noise in noises]
        rows.append([f"{rate:g}", f"{batch} of {patch}x{patch}", f"{steps:,}", method, *texts])
    header = ["learning rate", "crops", "steps", "method", *(noise_label(*noise) for noise in noises)]
    note = (
        f"PSNR in dB, one seed. {MISSING}: not tried. A method without hyper-parameters in its name has its "
        "defaults."
    )
    return TextTable(f"Hyper-parameters, on {_where(scores)}", header, rows, [note], means, left=4)


def _noises(scores: pd.DataFrame) -> list[tuple[str, float]]:
    return list(dict.fromkeys((noise, parameter) for noise, parameter, _ in by_condition(scores)))


def _where(scores: pd.DataFrame) -> str:
    return ", ".join(sorted(set(scores["images"])))

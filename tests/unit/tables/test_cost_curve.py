from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from bench.errors import InputError
from bench.tables import curve_figure
from bench.tables.cost_curve import average, cost_to_reach, summary
from bench.tables.write_curves import write_curves

SETUP = {
    "training_images": "bsd400",
    "channels": 1,
    "width": 48,
    "steps": 1024,
    "batch": 16,
    "patch": 64,
    "learning_rate": 2e-3,
    "training_noise": "frozen",
    "device": "cuda",
    "protocol": 2,
}
STEPS = (64, 128, 256, 512, 1024)
SECONDS_A_STEP, FLOPS_A_STEP = 0.5, 3e12


def psnr_at(seconds: float, *, start: float = 20.0, slope: float = 1.0) -> float:
    return start + slope * math.log2(seconds)


def made_up(
    method="plain", *, noise="gaussian", parameter=25.0, seed=0, scored=STEPS, slope=1.0, **changes
) -> pd.DataFrame:
    """Make one run's curve, PSNR = 20 + slope log2(seconds)."""
    run = {"method": method, "noise": noise, "parameter": parameter, "images": "set12", "seed": seed}
    run |= {"key": f"{method}-{noise}-{seed}", "sees": "noisy", "precision": "float32"} | SETUP
    looks = [
        {
            "step": step,
            "seconds": step * SECONDS_A_STEP,
            "flops": step * FLOPS_A_STEP,
            "psnr": psnr_at(step * SECONDS_A_STEP, slope=slope),
        }
        for step in scored
    ]
    return pd.DataFrame([run | look | changes for look in looks])


def together(*runs) -> pd.DataFrame:
    return pd.concat(runs).sample(frac=1, random_state=0)


def only(lines):
    (line,) = lines.to_dict("records")
    return line


@pytest.fixture
def drawn(monkeypatch):
    """Keep the figures that are saved."""
    figures = []

    def keep(figure, folder, stem):
        figures.append(figure)
        return tuple(folder / f"{stem}.{suffix}" for suffix in ("png", "svg", "pdf"))

    monkeypatch.setattr(curve_figure, "save", keep)
    return figures


def panels(figure):
    return [axes for axes in figure.axes if axes.get_visible()]


# What a PSNR costs


@pytest.mark.parametrize("seconds", [32.5, 64, 100.0, 511.9, 512])
def test_cost_is_exact_where_psnr_is_linear_in_its_logarithm(seconds):
    cost = [step * SECONDS_A_STEP for step in STEPS]
    level = psnr_at(seconds)
    assert cost_to_reach(level, [psnr_at(one) for one in cost], cost) == pytest.approx(seconds, rel=1e-12)


def test_cost_is_where_the_level_is_first_reached():
    assert cost_to_reach(2.0, [1.0, 3.0, 0.0, 4.0], [1.0, 4.0, 5.0, 6.0]) == pytest.approx(2.0)


def test_what_the_at_first_has_reached_costs_no_more_than_that():
    assert cost_to_reach(0.5, [1.0, 3.0], [7.0, 14.0]) == 7.0


def test_summary_of_a_closed_form():
    line = only(summary(made_up()))
    final = psnr_at(512)
    assert line["psnr"] == pytest.approx(final)
    assert (line["seconds"], line["tflop"], line["seeds"]) == (512, 3072, 1)
    for distance in (0.5, 0.1):
        assert line[f"level_within_{distance}"] == pytest.approx(final - distance)
        assert line[f"seconds_within_{distance}"] == pytest.approx(512 * 2**-distance)
        assert line[f"tflop_within_{distance}"] == pytest.approx(3072 * 2**-distance)
        assert not line[f"at_first_within_{distance}"]
    assert {name: line[name] for name in SETUP} == SETUP


def test_all_reach_the_lowest_final_psnr_of_their_noise():
    slow, fast = made_up("slow", slope=1.0), made_up("fast", slope=1.5)
    elsewhere = made_up("slow", noise="poisson", parameter=0.01, slope=0.5)
    lines = summary(together(slow, fast, elsewhere)).set_index(["noise", "method"])
    lowest = psnr_at(512)
    assert lines.loc["gaussian", "level_all_reach"].tolist() == pytest.approx([lowest] * 2)
    assert lines.loc[("gaussian", "slow"), "seconds_all_reach"] == pytest.approx(512)
    assert lines.loc[("gaussian", "fast"), "seconds_all_reach"] == pytest.approx(2 ** (9 / 1.5))
    assert lines.loc[("poisson", "slow"), "level_all_reach"] == pytest.approx(psnr_at(512, slope=0.5))


def test_flat_curve_is_there_at_the_first_look(tmp_path):
    flat = made_up(slope=0.01)
    line = only(summary(flat))
    assert line["at_first_within_0.5"]
    assert line["at_first_within_0.1"]
    assert not line["at_first_all_reach"]
    text = _written(flat, tmp_path)
    assert text.count("≤ 32.0 / 192 ") == 2


# Means


def test_curves_are_means_over_seeds():
    runs = [made_up(seed=seed, slope=slope) for seed, slope in ((0, 1.0), (3, 1.2))]
    runs[1]["seconds"] *= 3
    (means,) = average(together(*runs)).values()
    assert means["step"].tolist() == list(STEPS)
    assert set(means["seeds"]) == {2}
    for name in ("seconds", "psnr"):
        expected = (runs[0][name].to_numpy() + runs[1][name].to_numpy()) / 2
        np.testing.assert_allclose(means[name], expected, rtol=1e-12)


def test_only_steps_at_which_every_seed_was_scored_are_averaged():
    (means,) = average(together(made_up(), made_up(seed=1, scored=STEPS[2:], slope=2))).values()
    assert means["step"].tolist() == list(STEPS[2:])
    assert set(means["seeds"]) == {2}


def test_order_is_that_of_the_tables():
    runs = [
        made_up(method, noise=noise, parameter=parameter, sees=sees)
        for method, sees in (("a", "noisy + clean"), ("b", "noisy"))
        for noise, parameter in (("gamma", 50.0), ("gamma", 100.0), ("gaussian", 50.0), ("gaussian", 25.0))
    ]
    lines = summary(together(*runs))[["noise", "parameter", "method"]]
    noises = [("gaussian", 25), ("gaussian", 50), ("gamma", 100), ("gamma", 50)]
    expected = [(*noise, method) for noise in noises for method in ("b", "a")]
    assert list(lines.itertuples(index=False, name=None)) == expected


# Refusals


def test_no_curves_is_an_error_that_says_how_to_make_some(tmp_path):
    for call in (summary, lambda curves: write_curves(curves, folder=tmp_path / "new")):
        with pytest.raises(InputError, match="--evaluations"):
            call(pd.DataFrame())
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"key": "other"}, "different key: other and plain-gaussian-0"),
        ({"seed": 1, "precision": "bfloat16"}, "different precision: bfloat16 and float32"),
        ({"seed": 1, "sees": "noisy + clean"}, "different sees: noisy and noisy"),
    ],
)
def test_a_mean_of_unlike_runs_is_refused(changes, names):
    with pytest.raises(InputError, match=names):
        average(together(made_up(), made_up().assign(**changes)))


def test_an_undefined_psnr_is_refused():
    with pytest.raises(InputError, match="undefined psnr"):
        average(made_up(psnr=math.nan))


# Files


def _written(curves: pd.DataFrame, folder) -> str:
    files = write_curves(curves, folder=folder)
    return next(file for file in files if file.suffix == ".md").read_text(encoding="utf-8")


def test_files_of_one_protocol(tmp_path):
    files = write_curves(made_up(), folder=tmp_path / "new", stem="curve")
    assert [file.name for file in files] == [
        f"curve.{suffix}" for suffix in ("csv", "md", "png", "svg", "pdf")
    ]
    assert all(file.stat().st_size for file in files)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("protocol", 1),
        ("width", 8),
        ("steps", 2048),
        ("batch", 3),
        ("patch", 40),
        ("learning_rate", 1e-3),
        ("training_images", "mine"),
        ("channels", 3),
        ("device", "cpu"),
        ("training_noise", "resampled"),
    ],
)
def test_unlike_protocols_have_files_of_their_own(tmp_path, drawn, name, other):
    runs = made_up("one"), made_up("other", **{name: other})
    files = write_curves(together(*runs), folder=tmp_path)
    assert {file.stem for file in files} == {"quality-1", "quality-2"}
    assert len(files) == 10
    methods = [set(pd.read_csv(tmp_path / f"quality-{number}.csv")["method"]) for number in (1, 2)]
    assert sorted(methods, key=sorted) == [{"one"}, {"other"}]
    headings = [
        (tmp_path / f"quality-{number}.md").read_text(encoding="utf-8").splitlines()[0] for number in (1, 2)
    ]
    assert headings[0] != headings[1]
    assert len({figure.get_suptitle() for figure in drawn}) == 2


def test_csv_and_panels_hold_the_same_numbers(tmp_path, drawn):
    runs = [
        made_up(method, noise=noise, slope=slope, seed=seed)
        for method, slope in (("one", 1.0), ("other", 1.3))
        for noise in ("gaussian", "gamma")
        for seed in (0, 1)
    ]
    write_curves(together(*runs), folder=tmp_path)
    table = pd.read_csv(tmp_path / "quality.csv")
    assert ", ".join(table) == "method, noise, parameter, images, seeds, step, seconds, tflop, psnr"
    axes = np.reshape(panels(drawn[0]), (2, 2))
    for row, cost in enumerate(("seconds", "tflop")):
        for column, noise in enumerate(("gaussian", "gamma")):
            for line in axes[row, column].get_lines():
                shown = table[(table["noise"] == noise) & (table["method"] == line.get_label())]
                np.testing.assert_allclose(line.get_xydata(), shown[[cost, "psnr"]])
            assert len(axes[row, column].get_lines()) == 2
            assert axes[row, column].get_xscale() == "log"


@pytest.mark.parametrize("noises", [1, 2, 3, 4, 5, 7])
def test_nothing_is_cut_off(tmp_path, drawn, noises):
    runs = [
        made_up(parameter=parameter, slope=1 + parameter).assign(
            seconds=lambda run, parameter=parameter: run["seconds"] * 3**parameter
        )
        for parameter in range(1, noises + 1)
    ]
    write_curves(together(*runs), folder=tmp_path)
    assert len(panels(drawn[0])) == 2 * noises
    for axes in panels(drawn[0]):
        (line,) = axes.get_lines()
        points = line.get_xydata()
        for values, (low, high) in zip(points.T, (axes.get_xlim(), axes.get_ylim()), strict=True):
            assert low < values.min()
            assert values.max() < high


def test_a_method_looks_the_same_in_every_panel_and_figure(tmp_path, drawn):
    methods = [f"method {number:02}" for number in range(25)]
    runs = [made_up(method, noise=noise) for method in methods for noise in ("gaussian", "gamma")]
    write_curves(together(*runs, *(made_up(method, width=8) for method in methods[::-2])), folder=tmp_path)
    looks = {
        (line.get_label(), line.get_color(), line.get_marker())
        for figure in drawn
        for axes in panels(figure)
        for line in axes.get_lines()
    }
    assert len(looks) == len(methods) == len({look[1:] for look in looks})


def test_legend_and_labels_overlap_nothing(tmp_path, drawn):
    methods = ["short", *(f"method:option=value,number={number}" for number in range(8))]
    runs = [
        made_up(method, noise=noise, flops=10.0**place * FLOPS_A_STEP)
        for method in methods
        for noise in ("gaussian", "gamma", "poisson", "other")
        for place in [methods.index(method)]
    ]
    write_curves(together(*runs), folder=tmp_path)
    (figure,) = drawn
    figure.savefig(tmp_path / "again.png")
    (legend,) = figure.legends
    box = legend.get_window_extent()
    assert 0 <= box.x0 < box.x1 <= figure.bbox.x1
    assert not any(box.overlaps(axes.get_tightbbox()) for axes in panels(figure))
    for axes in panels(figure):
        labels = [label for label in axes.get_xticklabels() if label.get_text()]
        low, high = axes.get_xlim()
        shown = sorted(
            (label.get_window_extent() for label in labels if low <= label.get_position()[0] <= high),
            key=lambda one: one.x0,
        )
        assert shown
        assert all(left.x1 < right.x0 for left, right in pairwise(shown))


def test_names_are_escaped(tmp_path, drawn):
    text = _written(made_up("a|b_c*d$e$", images="my_set|x", training_images="<b>$x_1$"), tmp_path)
    assert r"a\|b\_c\*d\$e\$" in text
    assert r"my\_set\|x" in text
    assert r"&lt;b&gt;\$x\_1\$" in text
    rows = [line.replace(r"\|", "") for line in text.splitlines() if line.startswith("|")]
    assert len({row.count("|") for row in rows}) == 1
    (legend,) = drawn[0].legends
    assert legend.get_texts()[0].get_text() == r"a|b_c*d\$e\$"


def test_text_says_what_is_shown(tmp_path):
    text = _written(together(made_up(), made_up(seed=1), made_up("other")), tmp_path)
    assert "on set12, mean over 1 to 2 seeds" in text
    assert "evaluation is not counted" in text
    assert "U-Net width 48" in text
    assert "| gaussian σ=25 | plain | 29.00 | 512 / 3,072 | 362 / 2,172 | 478 / 2,866 | 29.00 |" in text


def test_same_curves_give_the_same_bytes(tmp_path):
    runs = together(made_up("one"), made_up("other", slope=1.4))
    first, second = (write_curves(runs, folder=tmp_path / name) for name in ("first", "second"))
    assert [file.read_bytes() for file in first] == [file.read_bytes() for file in second]
    assert b"<dc:date>" not in first[3].read_bytes()


def test_folder_that_cannot_be_made_is_an_input_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"):
        write_curves(made_up(), folder=tmp_path / "file")

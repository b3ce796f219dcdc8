"""The page of a published table: every number from scores, the same bytes each time, no number of nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from bench.analysis.columns import CELL, ROW, noise_label
from bench.analysis.statistics import difference_of, mean_ranks, seed_scatter
from bench.errors import InputError
from bench.output.markup import signed
from bench.published import ranks
from bench.published.page import PAGE, TEMPLATE, write_page
from bench.published.ranks import rank, write_ranks
from bench.published.reproduction import beside, lacking, reproduce, shortfalls
from bench.published.retraining import retrained, trainings_of
from bench.published.tuning import hyper_parameters, settings
from bench.tables.paired_differences import changes, compare_with, format_difference
from tests.support.references import print_numbers, publish, shelve
from tests.support.scores import NO_FAILURES, SEES, made_up

if TYPE_CHECKING:
    from pathlib import Path

    from bench.published.retraining import Trainings
    from bench.published.table import Published

ROWS = [("gaussian", 25.0, "set12"), ("gaussian", 25.0, "bsd68"), ("gamma", 50.0, "bsd68")]
METHODS = ["bm3d", "sure", "supervised"]
CELL_OF = '"gaussian", 25, "bsd68"'
SHEETS = """# A page

{{ one.table("table") }}
{{ one.lacking("lacking") }}
{{ one.compare_with("paired", ["noise2noise", "supervised"]) }}
{{ one.changes("redrawn", "Redrawn noise", one.select(training_noise="resampled"), one.main) }}
{{ one.retrained("retrained") }}
{{ one.settings("settings") }}
{{ one.hyper_parameters("hyper") }}
![Ranks]({{ one.ranks("ranks") }})
"""


@dataclass(frozen=True)
class Desk:
    """A published table, references named ``one`` and ``again``, and where the page goes."""

    published: Published
    scores: pd.DataFrame
    reports: Path
    out: Path

    def write(self, text: str) -> list[Path]:
        template = '{% set one = reference("one") %}\n' + text
        (self.published.folder / TEMPLATE).write_text(template, encoding="utf-8")
        return write_page(self.published, reports=self.reports, out=self.out)

    def say(self, text: str) -> str:
        return self.write(text)[0].read_text(encoding="utf-8")


def elsewhere(scores: pd.DataFrame) -> pd.DataFrame:
    """Train some of the runs once more, and end elsewhere."""
    some = scores[scores["method"].isin(["sure", "supervised"])]
    return some.assign(psnr=some["psnr"] + np.linspace(0, 0.1, len(some)))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    searched = SEES | {"sure:eps=0.01": "noisy + noise"}
    tried = {"sets": {"bsd400-held": ["h.png", "i.png"]}, "training_images": "bsd400-tune", "seeds": (0,)}
    resampled = made_up(training_noise="resampled")
    parts = [
        made_up(),
        resampled.assign(psnr=resampled["psnr"] + np.linspace(0, 1, len(resampled))),
        made_up(searched, **tried, learning_rate=1e-3, batch=4),
        made_up(SEES, **tried, learning_rate=2e-3, batch=4),
    ]
    scores = pd.concat(parts, ignore_index=True)
    shelve(tmp_path / "reports" / "one", scores)
    shelve(tmp_path / "reports" / "again", elsewhere(scores))
    published = publish(tmp_path / "table", print_numbers(ROWS, METHODS), retrained=["again"])
    return Desk(published, scores, tmp_path / "reports", tmp_path / "out")


def of_main(desk: Desk) -> Trainings:
    """Read the trainings of the runs that stand beside the table, committed and made again."""
    one, again = (pd.read_parquet(desk.reports / name / "scores.parquet") for name in ("one", "again"))
    return trainings_of(one[(one["training_noise"] == "frozen") & (one["batch"] == 16)], {"again": again})


def content(files: list[Path]) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in files}


# What stands on it


def test_sheets_are_those_of_the_reference(desk: Desk) -> None:
    main = desk.scores[(desk.scores["training_noise"] == "frozen") & (desk.scores["batch"] == 16)]
    redrawn = desk.scores[desk.scores["training_noise"] == "resampled"]
    tuning = desk.scores[desk.scores["training_images"] == "bsd400-tune"]
    reproduction = reproduce(desk.published, main, NO_FAILURES)
    sheets = {
        "table": beside(reproduction),
        "lacking": lacking(reproduction),
        "paired": compare_with(main, ["noise2noise", "supervised"]),
        "redrawn": changes(redrawn, main, title="Redrawn noise"),
        "retrained": retrained(of_main(desk), ["sure", "supervised"]),
        "settings": settings(tuning),
        "hyper": hyper_parameters(tuning),
    }
    assert all(sheet.rows for sheet in sheets.values())
    files = desk.write(SHEETS)
    names = [f"{stem}.{suffix}" for stem in sheets for suffix in ("md", "csv", "tex")]
    assert [file.name for file in files] == [PAGE, *names, "ranks.csv", "ranks.png", "ranks.svg", "ranks.pdf"]
    assert {file.parent for file in files} == {desk.out}
    assert files[0].read_text(encoding="utf-8") == "# A page\n\n" + "".join(
        f"{sheet.markdown()}\n" for sheet in sheets.values()
    ) + ("![Ranks](ranks.svg)\n")
    for stem, sheet in sheets.items():
        for suffix, text in (("md", sheet.markdown()), ("csv", sheet.csv()), ("tex", sheet.latex())):
            assert (desk.out / f"{stem}.{suffix}").read_text(encoding="utf-8") == text


def test_numbers_in_the_text_are_those_of_pandas(desk: Desk) -> None:
    frozen = desk.scores[(desk.scores["training_noise"] == "frozen") & (desk.scores["batch"] == 16)]
    redrawn = desk.scores[desk.scores["training_noise"] == "resampled"]
    row = ("gaussian", 25.0, "bsd68")

    def lines(scores: pd.DataFrame, method: str) -> pd.DataFrame:
        return scores[(scores[CELL] == [*row, method]).all(axis=1)]

    texts = [
        f'published("sure", {CELL_OF})',
        f'mean("sure", {CELL_OF})',
        f'psnr("sure", {CELL_OF})',
        f'gap("sure", "supervised", {CELL_OF})',
        f'change(one.select(training_noise="resampled"), "sure", {CELL_OF})',
        f'on_image(one.select(training_noise="resampled"), "sure", {CELL_OF}, image="b.png")',
        'scatter("bsd68")',
        'training("sure", "bsd68").sd',
        f'made_again("sure", {CELL_OF})',
        'methods|join(" ")',
        "hours(one.main)",
        'hours(one.select(training_noise=["frozen", "resampled"], training_images="bsd400"))',
    ]
    said = desk.say("\n".join(f"{{{{ one.{text} }}}}" for text in texts)).splitlines()
    printed = desk.published.cells.set_index(CELL)["psnr"]
    sure, supervised = lines(frozen, "sure"), lines(frozen, "supervised")
    assert float(said[0]) == printed[*row, "sure"]
    assert float(said[1]) == pytest.approx(sure["psnr"].mean(), abs=1e-9)
    assert said[2].startswith(f"{sure['psnr'].mean():.2f} ±")
    gap = difference_of(sure, supervised)
    assert gap.mean == pytest.approx(sure["psnr"].mean() - supervised["psnr"].mean(), abs=1e-8)
    assert said[3] == format_difference(gap)
    assert said[4] == format_difference(difference_of(lines(redrawn, "sure"), sure))
    change = [part.loc[part["image"] == "b.png", "psnr"].mean() for part in (lines(redrawn, "sure"), sure)]
    assert said[5] == signed(change[0] - change[1])
    assert said[6] == f"{seed_scatter(frozen[frozen['images'] == 'bsd68']).sd:.3f}"
    assert float(said[7]) == of_main(desk).scatter("sure", "bsd68").sd
    again = pd.read_parquet(desk.reports / "again" / "scores.parquet")
    frozen_again = again[(again["training_noise"] == "frozen") & (again["batch"] == 16)]
    assert said[8] == signed(lines(frozen_again, "sure")["psnr"].mean() - sure["psnr"].mean())
    assert said[9].split(" ") == METHODS
    # One training for each method, noise and seed, however many images and sets it was scored on.
    hours = frozen.drop_duplicates(["method", "noise", "seed"])["training_seconds"].sum() / 3600
    assert [float(text) for text in said[10:]] == pytest.approx([hours, 2 * hours])


def test_the_page_is_the_same_each_time_and_of_no_order(desk: Desk) -> None:
    first = content(desk.write(SHEETS))
    assert content(desk.write(SHEETS)) == first
    path = desk.reports / "one" / "scores.parquet"
    for seed in range(2):
        pd.read_parquet(path).sample(frac=1, random_state=seed).to_parquet(path, index=False)
        assert content(desk.write(SHEETS)) == first


def test_every_text_has_unix_line_ends_and_is_utf_8(desk: Desk) -> None:
    for file in desk.write(SHEETS):
        if file.suffix in (".md", ".csv", ".tex"):
            assert b"\r" not in file.read_bytes()
            assert file.read_bytes().decode("utf-8").endswith("\n")


def test_a_page_of_text_alone_makes_its_folder(desk: Desk) -> None:
    assert not desk.out.exists()
    assert desk.write("Nothing yet.\n") == [desk.out / PAGE]
    assert (desk.out / PAGE).read_text() == "Nothing yet.\n"


def test_any_reference_may_stand_beside_the_table(desk: Desk) -> None:
    files = write_page(desk.published, reports=desk.reports, out=desk.out, reference="one")
    sheets = {file.stem for file in files[1:]}
    assert sheets == {"table", "below", "lacking", "differences"}
    said = files[0].read_text(encoding="utf-8")
    assert said.startswith(f"# {desk.published.title}, beside one\n")
    for stem in sheets:
        assert (desk.out / f"{stem}.md").read_text(encoding="utf-8") in said
    few = desk.scores[(desk.scores["method"] == "sure") & (desk.scores["batch"] == 16)]
    shelve(desk.reports / "few", few)
    files = write_page(desk.published, reports=desk.reports, out=desk.out, reference="few")
    assert {file.stem for file in files[1:]} == {"table", "below"}
    with pytest.raises(InputError, match=r"unknown reference in .*'two'"):
        write_page(desk.published, reports=desk.reports, out=desk.out, reference="two")


def test_shortfalls_are_the_unsuspect_numbers_that_ours_do_not_reach(desk: Desk) -> None:
    numbers = print_numbers(ROWS, METHODS)
    main = desk.scores[(desk.scores["training_noise"] == "frozen") & (desk.scores["batch"] == 16)]
    ours = main.groupby(CELL)["psnr"].mean()
    known = [tuple(cell) in ours.index for cell in numbers[CELL].to_numpy()]
    # Below ours, above by less than what is let through, by more, and by much more but suspect.
    above = np.resize([-1.0, 0.09, 0.11, 2.0], sum(known))
    numbers.loc[known, "psnr"] = [ours[tuple(cell)] for cell in numbers.loc[known, CELL].to_numpy()] + above
    numbers["suspect"] = ""
    suspect = numbers.index[known][above == 2.0]
    numbers.loc[suspect, "suspect"] = "printed twice"
    published = publish(desk.out / "other", numbers)
    sheet = shortfalls(reproduce(published, main, NO_FAILURES), within=0.1)
    expected = numbers.loc[numbers.index[known][above == 0.11]]
    assert len(expected)
    assert len(suspect)
    assert {tuple(cell) for cell in sheet.numbers[CELL].to_numpy()} == {
        tuple(cell) for cell in expected[CELL].to_numpy()
    }
    assert sheet.numbers["difference"].to_numpy() == pytest.approx(-0.11)
    assert sheet.title.endswith(f": {len(expected)} of {sum(known) - len(suspect)}")
    assert [row[-1] for row in sheet.rows] == ["−0.11"] * len(expected)
    reached = shortfalls(reproduce(published, main, NO_FAILURES), within=0.12)
    assert reached.rows == [["none", "", "", "", "", ""]]


# What it refuses


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f'{{{{ one.psnr("bm3d", {CELL_OF}) }}}}', "no scores of bm3d on gaussian σ=25, bsd68"),
        ('{{ one.psnr("sure", "poisson", 0.05, "bsd68") }}', "no scores of sure on poisson ζ=0.05, bsd68"),
        ('{{ one.mean("sure", "gaussian", 50, "bsd68") }}', "no scores of sure on gaussian σ=50, bsd68"),
        ('{{ one.psnr("sure", "gamma", 50, "kodak24") }}', "no scores of sure on gamma k=50, kodak24"),
        ('{{ one.published("sure", "gamma", 50, "set12") }}', "no scores of sure on gamma k=50, set12"),
        (f'{{{{ one.gap("sure", "bm3d", {CELL_OF}) }}}}', "no scores of bm3d"),
        ('{{ one.training("noise2void", "bsd68") }}', "no training of noise2void was made again on bsd68"),
        (f'{{{{ one.made_again("noise2void", {CELL_OF}) }}}}', "no training .* on gaussian σ=25, bsd68"),
        (f'{{{{ one.made_again("bm3d", {CELL_OF}) }}}}', "no scores of bm3d"),
        ('{{ one.compare_with("paired", ["bm3d"]) }}', "no scores of bm3d to compare with"),
        ('{{ one.hours(one.select(training_noise="foul")) }}', r"no scores of \{'training_noise': 'foul'\}"),
        ('{{ one.hours(one.select(training_noize="frozen")) }}', "'training_noize'; did you mean 'training_"),
        ('{{ reference("two").table("table") }}', r"'.*two' holds no reference results"),
        ("{{ one.tables }}", r"README\.md\.j2: UndefinedError: .*'tables'"),
        ("{{ two }}", r"README\.md\.j2: UndefinedError: 'two' is undefined"),
        ("{{ one.", r"README\.md\.j2: TemplateSyntaxError"),
    ],
)
def test_a_template_that_speaks_of_what_is_not_there_is_refused(desk: Desk, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        desk.write(text)
    assert not (desk.out / PAGE).exists()


def test_a_table_without_a_template_is_refused(desk: Desk) -> None:
    with pytest.raises(InputError, match=r"README\.md\.j2: TemplateNotFound"):
        write_page(desk.published, reports=desk.reports, out=desk.out)


def test_a_reference_without_more_methods_or_a_search_says_so(desk: Desk) -> None:
    few = desk.scores[desk.scores["method"].isin(["sure", "supervised"]) & (desk.scores["batch"] == 16)]
    shelve(desk.reports / "few", few)
    with pytest.raises(InputError, match="few has no method that the published table lacks"):
        desk.write('{{ reference("few").lacking("lacking") }}')
    with pytest.raises(InputError, match=r"few has no scores of .*bsd400-tune"):
        desk.write('{{ reference("few").settings("settings") }}')


def test_a_table_without_trainings_made_again_says_so(desk: Desk) -> None:
    alone = replace(desk, published=replace(desk.published, retrained=()))
    with pytest.raises(InputError, match="none of these runs was trained again"):
        alone.write('{{ one.retrained("retrained") }}')
    lost = replace(desk, published=replace(desk.published, retrained=("nowhere",)))
    with pytest.raises(InputError, match=r"nowhere' holds no reference results"):
        lost.write('{{ one.retrained("retrained") }}')


def test_processors_are_those_of_the_runs_beside_the_table(desk: Desk) -> None:
    where = desk.reports / "one" / "runs"
    main = set(of_main(desk).means.index.unique("key"))
    for number, path in enumerate(sorted(where.glob("*.json"))):
        facts = json.loads(path.read_text(encoding="utf-8"))
        name = ["first", "second"][number % 2] if path.stem in main else "of the search"
        path.write_text(json.dumps(facts | {"hardware": {"name": name}}), encoding="utf-8")
    assert desk.say("{{ one.processors }}") == "first and second"


# Ranks


def test_ranks_are_those_of_each_noise_and_test_set(tmp_path: Path) -> None:
    scores = made_up()
    ranked = rank(scores)
    for row, found in ranked.groupby(ROW):
        lines = scores[(scores[ROW] == list(row)).all(axis=1)]
        means = lines.pivot_table(index="image", columns="method", values="psnr")
        expected = means.rank(axis=1, ascending=False).mean()
        assert dict(zip(found["method"], found["rank"], strict=True)) == pytest.approx(dict(expected))
        pd.testing.assert_frame_equal(
            found.drop(columns=ROW).reset_index(drop=True), mean_ranks(lines).drop(columns="images")
        )
    assert len(ranked) == len(scores.drop_duplicates(CELL))
    csv, png, svg, pdf = write_ranks(scores, folder=tmp_path / "new", stem="ranks")
    pd.testing.assert_frame_equal(pd.read_csv(csv), ranked, atol=1e-4)
    assert png.read_bytes().startswith(b"\x89PNG")
    assert pdf.read_bytes().startswith(b"%PDF")
    drawn = svg.read_text(encoding="utf-8")
    for text in ("bsd68", "set12", *SEES):
        assert f"<!-- {text} -->" in drawn


def test_a_noise_looks_the_same_in_every_panel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figures = []

    def keep(figure, folder, stem):
        figures.append(figure)
        return ()

    monkeypatch.setattr(ranks, "save", keep)
    noises = [("gaussian", 25.0), ("gaussian", 50.0), ("gamma", 50.0)]
    scores = made_up(noises=noises)
    scores = scores[(scores["images"] == "set12") | (scores["noise"] == "gamma")]
    scores = scores[(scores["images"] == "bsd68") | (scores["noise"] == "gaussian")]
    write_ranks(scores, folder=tmp_path, stem="ranks")
    (figure,) = figures
    of_panel = {
        axes.get_title(loc="left"): [bars[0].get_color() for bars in axes.containers] for axes in figure.axes
    }
    assert {panel: len(colours) for panel, colours in of_panel.items()} == {"set12": 2, "bsd68": 1}
    assert len({colour for colours in of_panel.values() for colour in colours}) == len(noises)
    (legend,) = figure.legends
    labels = [text.get_text() for text in legend.get_texts()]
    assert sorted(labels) == sorted(noise_label(*noise) for noise in noises)
    colours = dict(zip(labels, (to_hex(bars.get_color()[0]) for bars in legend.legend_handles), strict=True))
    assert of_panel["bsd68"] == [colours["gamma k=50"]]
    assert of_panel["set12"] == [colours["gaussian σ=25"], colours["gaussian σ=50"]]


def test_a_single_image_has_ranks_without_interval(tmp_path: Path) -> None:
    scores = made_up(sets={"one": ["a.png"]})
    csv, *_ = write_ranks(scores, folder=tmp_path, stem="ranks")
    written_ranks = pd.read_csv(csv)
    assert written_ranks[["low", "high"]].isna().all(axis=None)
    assert sorted(written_ranks["rank"]) == sorted([*range(1, 1 + len(SEES))] * 2)


def test_one_method_alone_has_no_rank() -> None:
    alone = made_up({"sure": "noisy"})
    with pytest.raises(InputError, match="scores of two methods to rank"):
        rank(alone)
    both = made_up(noises=[("gaussian", 25.0)])
    assert set(rank(pd.concat([both, alone[alone["noise"] == "gamma"]]))["noise"]) == {"gaussian"}

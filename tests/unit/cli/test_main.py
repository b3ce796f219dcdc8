"""The command line: what it prints, what it writes, and how it refuses."""

from __future__ import annotations

import csv
import shutil
import signal
import subprocess
import sys
import typing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import skimage.io
from PIL import Image
from skimage import data
from skimage.color import rgb2gray
from skimage.metrics import peak_signal_noise_ratio

import methods
from bench.cli.main import main
from bench.noise import Gamma, Gaussian
from bench.seeds import generator
from bench.store.store import Store
from bench.system.files import StorageError
from bench.system.signals import Interrupted
from tests.support.markup import read_markdown
from tests.support.references import print_numbers, publish

if TYPE_CHECKING:
    from collections.abc import Callable

TINY = ["--width", "4", "--steps", "3", "--batch", "2", "--patch", "32"]


@pytest.fixture
def folders(
    photo_folders: Callable[[int], tuple[Path, Path]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Write grey training and test images and go where they are."""
    photo_folders(1)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


def run_tiny(*arguments: str) -> None:
    main(["run", *TINY, "--train", "./train", "--test", "./test", "--noises", "gaussian:25", *arguments])


def refuse(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> str:
    """Run a command that must fail as bad input; return what it says."""
    with pytest.raises(SystemExit) as leaving:
        main(arguments)
    assert leaving.value.code == 2
    return capsys.readouterr().err


def test_run_prints_the_table_and_writes_it_three_times(
    folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_tiny()
    printed = capsys.readouterr().out
    assert "5 trained" in printed
    with (folders / "runs" / "tables" / "table.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["method"] for row in rows} == {
        "noise2noise",
        "noise2score",
        "noise2void",
        "supervised",
        "sure",
    }
    for row in rows:
        assert f"{float(row['psnr']):.2f}" in printed
    assert (folders / "runs" / "tables" / "table.md").read_text().count("noise2score")
    assert r"\toprule" in (folders / "runs" / "tables" / "table.tex").read_text()


def test_a_second_identical_command_trains_nothing_and_says_so(
    folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_tiny("--methods", "supervised")
    first = (folders / "runs" / "tables" / "table.csv").read_bytes()
    capsys.readouterr()
    run_tiny("--methods", "supervised")
    assert "nothing to train: every run is stored already" in capsys.readouterr().out
    assert (folders / "runs" / "tables" / "table.csv").read_bytes() == first


def test_shards_fill_one_folder_whose_table_is_that_of_the_grid(
    folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    methods = ("--methods", "supervised", "noise2noise", "noise2void")
    for part in ("1/2", "2/2"):
        run_tiny(*methods, "--runs", "shards", "--shard", part)
        printed = capsys.readouterr().out
        assert f"shard {part} is done; `noisebench table shards` shows the grid" in printed
        assert not (folders / "shards" / "tables").exists()
    run_tiny(*methods)
    for runs in ("runs", "shards"):
        main(["table", runs, "--out", f"of-{runs}"])
    whole, joined = (pd.read_csv(folders / f"of-{runs}" / "table.csv") for runs in ("runs", "shards"))
    assert list(joined["method"]) == ["noise2void", "noise2noise", "supervised"]
    assert list(joined["psnr"]) == list(whole["psnr"])


def test_shards_stay_what_they_are_while_a_reference_fills(
    folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    methods = ("--methods", "supervised", "noise2noise", "noise2void", "--missing-from", "reports/here")
    for part in ("1/2", "2/2"):
        run_tiny(*methods, "--shard", part)
        main(["collect", "runs", "--out", "reports/here"])
    assert "3 runs are in reports/here, 1 of them new" in capsys.readouterr().out.replace("\\", "/")
    run_tiny(*methods, "--shard", "2/2")
    assert "nothing to train: reports/here holds every run" in capsys.readouterr().out


def test_a_reference_is_gone_on_with_where_its_weights_are_not(
    folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_tiny("--methods", "supervised", "noise2void", "--missing-from", "reports/here")
    assert "reports/here is not there yet: all 2 runs are to be done" in capsys.readouterr().out
    main(["collect", "runs", "--out", "reports/here"])
    there = {path.stem for path in Path("reports/here/runs").iterdir()}
    shutil.rmtree("runs")
    go_on = ("--methods", "noise2void", "noise2noise", "supervised", "--missing-from", "reports/here")
    capsys.readouterr()
    run_tiny(*go_on)
    assert "1 of the 3 runs are to be done: reports/here holds the others" in capsys.readouterr().out
    assert list(pd.read_csv("runs/tables/table.csv")["method"]) == ["noise2noise"]
    main(["collect", "runs", "--out", "reports/here"])
    assert there < {path.stem for path in Path("reports/here/runs").iterdir()}
    run_tiny(*go_on)
    assert "nothing to train: reports/here holds every run" in capsys.readouterr().out
    assert refuse(capsys, ["run", "--missing-from", "runs"]).startswith(
        "error: 'runs' holds no reference results: it has no scores.parquet"
    )


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (StorageError("the disk is full; free some space"), 3, "error: the disk is full; free some space"),
        (
            Interrupted(signal.SIGTERM),
            143,
            "stopped by SIGTERM: what is stored stays, and the same",
        ),
        (Interrupted(signal.SIGINT), 130, "stopped by SIGINT: what is stored stays"),
    ],
)
def test_what_stops_a_grid_has_an_exit_code_and_advice(
    folders: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    code: int,
    said: str,
) -> None:
    def end(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("bench.runs.execute.train", end)
    with pytest.raises(SystemExit) as leaving:
        run_tiny("--methods", "supervised")
    assert leaving.value.code == code
    assert said in capsys.readouterr().err


def test_a_damaged_run_is_told_of_and_left_out_of_the_table(
    folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_tiny("--methods", "supervised", "noise2noise")
    runs = Store(folders / "runs")
    key = runs.keys()[0]
    path = folders / "runs" / key / "scores.parquet"
    path.write_bytes(path.read_bytes()[:-1])
    capsys.readouterr()
    main(["table"])
    captured = capsys.readouterr()
    assert f"damaged: runs/{key}/scores.parquet is damaged" in captured.err
    assert "set aside in runs/damaged/" in captured.err
    assert runs.keys() != []
    assert len(pd.read_csv(folders / "runs" / "tables" / "table.csv")) == 1


def test_all_runs_every_method_where_it_is_defined_and_says_what_is_left_out(
    folders: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folders / "entries").mkdir()
    for name, laws in {"anywhere": ("gaussian", "gamma"), "gaussian_only": ("gaussian",)}.items():
        monkeypatch.delitem(sys.modules, f"methods.{name}", raising=False)
        (folders / "entries" / f"{name}.py").write_text(
            "from dataclasses import dataclass\nfrom bench.method import Method, squared_error\n"
            "@dataclass(frozen=True)\nclass Some(Method):\n"
            f"    needs, noises = frozenset({{'noisy'}}), frozenset({laws})\n"
            "    def loss(self, net, batch, rng, progress):\n"
            "        return squared_error(net(batch.noisy), batch.noisy)\n"
            "    def denoise(self, net, noisy, noise):\n        return net(noisy)\n"
        )
    monkeypatch.setattr(methods, "__path__", [str(folders / "entries")])
    run_tiny("--methods", "all", "--noises", "gaussian:25", "gamma:50")
    printed = capsys.readouterr().out
    assert "3 trained" in printed
    assert "left out" not in printed
    with (folders / "runs" / "tables" / "table.csv").open() as file:
        told = {(row["method"], row["noise"]): row["error"] for row in csv.DictReader(file)}
    assert told.pop(("gaussian_only", "gamma")) == "not defined for gamma noise"
    assert set(told.values()) == {""}
    run_tiny("--methods", "all", "--noises", "gamma:50")
    assert "left out, not defined for these noises: gaussian_only" in capsys.readouterr().out


def test_table_writes_what_run_wrote(folders: Path) -> None:
    run_tiny("--methods", "supervised", "sure")
    main(["table", "--out", "elsewhere"])
    written = (folders / "elsewhere" / "table.md").read_text()
    assert written == (folders / "runs" / "tables" / "table.md").read_text()


def test_show_gives_the_facts_and_the_scores(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_tiny("--methods", "supervised")
    (key,) = (path.parent.name for path in (folders / "runs").glob("*/run.json"))
    capsys.readouterr()
    main(["show", key[:6]])
    printed = capsys.readouterr().out
    assert key in printed
    assert "noisy_sha256" in printed
    assert "1.png" in printed


def test_list_names_everything(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["list"])
    printed = capsys.readouterr().out
    for name in ("noise2score", "gamma:K", "kodak24", "embedded-test", "quick"):
        assert name in printed


@pytest.mark.parametrize(
    ("arguments", "also"), [(["--help"], {"rich"}), (["list", "--help"], {"rich"}), (["list"], set())]
)
def test_what_needs_no_library_waits_for_none(arguments: list[str], also: set[str]) -> None:
    code = (
        "import contextlib, linecache, sys; from bench.cli import main\n"
        f"with contextlib.suppress(SystemExit): main({arguments})\n"
        "print(*sys.modules, *linecache.cache, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "noise" in done.stdout
    slow = {"torch", "numpy", "pandas", "PIL", "pydantic", "typeguard", typing.__file__} | also
    assert not slow & set(done.stderr.split())


COMMANDS = ["demo", "run", "table", "list", "show", "denoise", "estimate", "fingerprint", "curve", "profile"]
COMMANDS += ["collect", "verify"]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("", [f"• {name}" for name in COMMANDS]),
        ("demo", ["{score,noise}", "• score Learn the score", "• noise Show one photograph"]),
        ("demo score", ["--sigma FLOAT", "noisy points of a step"]),
        ("demo noise", ["IMAGE", "--photograph STR", "of the noise"]),
        ("run", ["RECIPE", "--training-noise {frozen,resampled}", "where runs are stored"]),
        ("table", ["RUNS|NAME", "--reports PATH", "a published table by its name or folder"]),
        ("collect", ["RUNS ...", "--out PATH", "the folder of the reference"]),
        ("verify", ["NAME", "--cells INT", "exits with 1 where a number is not reproduced"]),
    ],
)
def test_help_says_what_there_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str, expected: list[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as leaving:
        main([*command.split(), "--help"])
    assert leaving.value.code == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "object" not in printed
    for part in expected:
        assert part in printed


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("run quik", "unknown recipe 'quik'; did you mean 'quick'?"),
        ("run --methods nois2void", "unknown method 'nois2void'; did you mean 'noise2void'?"),
        ("run --noises gausian:25", "unknown noise 'gausian'; did you mean 'gaussian'?"),
        ("run --train bsd40", "unknown image set 'bsd40'; did you mean 'bsd400'?"),
        ("run --looks -1", "looks must be at least 0, but is -1"),
        ("run --noises gaussian:0", "sigma > 0, but sigma is 0"),
        ("run --noises gaussian:nan", "finite sigma > 0, but sigma is nan"),
        ("run --noises poisson:-0.01", "zeta > 0, but zeta is -0.01"),
        ("run --noises gamma:1", "k > 1, but k is 1"),
        ("run --noises gaussian", "noise 'gaussian' needs a number for sigma > 0"),
        ("run --device cuda:77", "the device 'cuda:77' is not there; this machine has:"),
        ("run --train ./nothing", "nothing"),
        ("run --patch 4096", "4096"),
        ("run --methods", "at least one of its methods, but none is given"),
        ("run --runs train/0.png", "cannot write to 'train/0.png'"),
        ("table nowhere", "no folder of runs at 'nowhere'"),
        ("table test", "there are no runs in 'test'"),
        ("show abc --runs nowhere", "unknown run in 'nowhere' 'abc'"),
        ("collect nowhere --out reports/here", "no folder of runs at 'nowhere'"),
        ("collect test --out reports/here", "there are no runs in 'test'"),
        ("collect --out reports/here", "there are no runs to collect into"),
        ("verify nothing", "'nothing' is not a published table, neither by its name"),
    ],
)
def test_bad_input_is_named_with_what_is_allowed(
    folders: Path, capsys: pytest.CaptureFixture[str], arguments: str, said: str
) -> None:
    assert said in refuse(capsys, arguments.split())
    assert not list(folders.glob("runs/*/run.json"))


def test_an_empty_and_a_damaged_set_are_refused_before_training(
    folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folders / "empty").mkdir()
    assert "empty" in refuse(capsys, ["run", *TINY, "--train", "./empty", "--test", "./test"])
    (folders / "test" / "0.png").write_bytes((folders / "test" / "0.png").read_bytes()[:200])
    assert "0.png" in refuse(capsys, ["run", *TINY, "--train", "./train", "--test", "./test"])
    assert not list(folders.glob("runs/*/run.json"))


def test_a_method_that_fails_is_shown_as_failed_with_exit_code_1(
    folders: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(methods, "__path__", [*methods.__path__, str(folders / "entries")])
    (folders / "entries").mkdir()
    (folders / "entries" / "diverging.py").write_text(
        "from dataclasses import dataclass\nfrom bench.method import Method, squared_error\n"
        "@dataclass(frozen=True)\nclass Diverging(Method):\n    needs = frozenset({'noisy'})\n"
        "    def loss(self, net, batch, rng, progress):\n"
        "        return squared_error(net(batch.noisy), batch.noisy) / (progress < 0.5)\n"
        "    def denoise(self, net, noisy, noise):\n        return net(noisy)\n"
    )
    with pytest.raises(SystemExit) as leaving:
        run_tiny("--methods", "diverging", "supervised")
    assert leaving.value.code == 1
    printed = capsys.readouterr()
    assert "1 failed, 1 trained" in printed.out
    assert "the loss became" in printed.out
    assert "failed: diverging, gaussian:25, seed 0" in printed.err
    assert "failed" in (folders / "runs" / "tables" / "table.md").read_text()


def test_lpips_without_its_weights_is_said_and_the_rest_goes_on(
    folders: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.scoring import metrics

    def refuse_weights(device: object) -> None:
        raise metrics.LpipsUnavailable("no weights to be had")

    monkeypatch.setattr(metrics, "load_lpips", refuse_weights)
    run_tiny("--methods", "supervised", "--lpips", "True")
    printed = capsys.readouterr().out
    assert "LPIPS is left out: no weights to be had" in printed
    (facts,) = (path.read_text() for path in (folders / "runs").glob("*/run.json"))
    assert '"lpips": "no weights to be had"' in facts


def test_denoise_raises_the_psnr_and_keeps_size_and_depth(
    folders: Path,
) -> None:
    """A short training on photographs gains 4 dB on two others with the noise it was trained for."""
    size = ["--width", "8", "--steps", "120", "--batch", "4"]
    main(["run", "--methods", "supervised", "--noises", "gaussian:25", *size])
    (key,) = (path.parent.name for path in (folders / "runs").glob("*/run.json"))
    rng = np.random.default_rng(0)
    clean = {"camera": data.camera()[:301, :203] / 255, "chelsea": rgb2gray(data.chelsea())[:200, :257]}
    for name, image in clean.items():
        # A 16-bit file that holds noise beyond black and white needs some room at both ends.
        noisy = image * 0.5 + 0.25 + rng.normal(0, 25 / 255, image.shape)
        skimage.io.imsave(f"{name}.png", np.rint(noisy.clip(0, 1) * 65535).astype(np.uint16))
    main(["denoise", key[:8], "camera.png", "chelsea.png", "--out", "denoised"])
    for name, image in clean.items():
        before = skimage.io.imread(folders / f"{name}.png")
        after = skimage.io.imread(folders / "denoised" / f"{name}_denoised.png")
        assert after.dtype == np.uint16
        assert after.shape == image.shape
        gain = [
            peak_signal_noise_ratio(image * 0.5 + 0.25, pixels / 65535, data_range=1)
            for pixels in (before, after)
        ]
        assert gain[1] > gain[0] + 4


def test_denoise_warns_of_another_noise_and_denoises_all_the_same(
    folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_tiny("--methods", "supervised")
    camera = data.camera() / 255
    for noise in (Gaussian(25), Gamma(20)):
        noisy = noise.sample(camera, generator("test"))
        Image.fromarray(np.rint(255 * noisy.clip(0, 1)).astype(np.uint8)).save(folders / f"{noise.name}.png")
    (run,) = (path.parent for path in (folders / "runs").glob("*/run.json"))
    capsys.readouterr()
    main(["denoise", str(run), "gaussian.png", "gamma.png", "--out", "denoised"])
    warned = capsys.readouterr().err
    assert "gamma.png: its noise grows as intensity^" in warned
    assert "like gamma noise (^1), unlike the gaussian noise (^0)" in warned
    assert "gaussian.png" not in warned
    assert sorted(path.name for path in (folders / "denoised").iterdir()) == [
        "gamma_denoised.png",
        "gaussian_denoised.png",
    ]


def test_estimate_tells_law_and_strength(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    noisy = Gaussian(15).sample(data.camera() / 255, generator("test"))
    Image.fromarray(np.rint(255 * noisy.clip(0, 1)).astype(np.uint8)).save(folders / "noisy.png")
    main(["estimate", "noisy.png"])
    cells = [cell.strip() for cell in capsys.readouterr().out.splitlines()[-2].split("│")]
    assert cells[1] == "noisy.png"
    assert cells[3] == "gaussian"
    assert float(cells[4]) == pytest.approx(15, rel=0.1)
    assert "at least one image file" in refuse(capsys, ["estimate"])


def test_blind_run_reports_its_estimates(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_tiny("--methods", "noise2score", "--blind")
    printed = " ".join(capsys.readouterr().out.split())
    assert "noise2score (blind)" in printed
    assert "noisy + law" in printed
    assert "gaussian σ=20 to 55" in printed
    with (folders / "runs" / "tables" / "table.csv").open() as file:
        (row,) = csv.DictReader(file)
    stored = pd.read_parquet(next((folders / "runs").glob("*/scores.parquet")))
    assert float(row["estimate"]) == pytest.approx(stored["estimate"].mean())
    assert float(row["estimate_error"]) == pytest.approx((stored["estimate"] / 25 - 1).abs().mean())
    assert f"{float(row['estimate_error']):.1%} off" in printed


def test_denoise_refuses_colour_where_grey_was_trained_and_two_files_of_one_name(
    folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_tiny("--methods", "supervised")
    (run,) = (str(path.parent) for path in (folders / "runs").glob("*/run.json"))
    Image.new("RGB", (40, 30), (10, 20, 30)).save("colour.png")
    said = refuse(capsys, ["denoise", run, "colour.png", "--out", "out"])
    assert "colour.png has 3 channels, but the run was trained on 1" in said
    shutil.copy("test/0.png", "grey.png")
    assert "would all be written to" in refuse(
        capsys, ["denoise", run, "grey.png", "test/../grey.png", "--out", "out"]
    )
    assert not (folders / "out").exists()


def test_fingerprint_writes_a_line_per_image(folders: Path) -> None:
    main(["fingerprint", "train", "--out", "train.csv"])
    with (folders / "train.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == ["0.png", "1.png", "2.png"]
    assert len({row["sha256"] for row in rows}) == 3


def test_curve_draws_what_run_looked_at(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_tiny("--methods", "supervised", "noise2noise", "--looks", "2")
    main(["curve", "--out", "drawn"])
    with (folders / "drawn" / "quality.csv").open() as file:
        rows = list(csv.DictReader(file))
    steps = int(TINY[TINY.index("--steps") + 1])
    assert {int(row["step"]) for row in rows} == {-(-steps // 2), steps}
    assert {row["method"] for row in rows} == {"supervised", "noise2noise"}
    printed = capsys.readouterr().out
    for suffix in ("md", "png", "svg"):
        assert f"quality.{suffix}" in printed
        assert (folders / "drawn" / f"quality.{suffix}").is_file()


def test_curve_says_how_to_get_one(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_tiny("--methods", "supervised", "--looks", "0")
    capsys.readouterr()
    assert "--looks" in refuse(capsys, ["curve"])


def test_profile_traces_a_few_steps(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = ["--width", "4", "--batch", "2", "--patch", "32"]
    main(["profile", "--trace", "supervised", "--device", "cpu", "--out", "traced", *sizes])
    assert (folders / "traced" / "trace.json.gz").is_file()
    assert "trace.json.gz" in capsys.readouterr().out
    assert "absent.json is no result" in refuse(capsys, ["profile", "absent.json"])
    for asked in (["--device", "cuda:77"], ["--device", "cpu", "--engine", "graph"]):
        said = refuse(capsys, ["profile", *asked])
        assert said.startswith(
            ("error: the device 'cuda:77' is not there", "error: the engine 'graph' needs")
        )
        assert len(said.splitlines()) == 1


# Published tables and reference results


NUMBERS = print_numbers([("gaussian", 25.0, "test")], ["bm3d", "supervised", "noise2noise"])


@pytest.fixture
def collected(folders: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """Train two methods with two seeds, collect their scores, and publish a table to stand beside."""
    run_tiny("--methods", "supervised", "noise2noise", "--seeds", "0", "1")
    main(["collect", "runs", "--out", "reports/here"])
    assert "4 runs are in reports/here" in capsys.readouterr().out.replace("\\", "/")
    folder = publish(folders / "tables" / "mine", NUMBERS, training_images=["train"], reference="here").folder
    (folder / "README.md.j2").write_text('{{ reference("here").table("beside") }}', encoding="utf-8")
    return folders


def test_collected_runs_stand_beside_a_published_table(
    collected: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["table", "mine"])
    printed = capsys.readouterr().out
    runs = pd.concat(pd.read_parquet(path) for path in (collected / "runs").glob("*/scores.parquet"))
    means = runs.groupby("method")["psnr"].mean()
    page = (collected / "tables" / "mine" / "README.md").read_text(encoding="utf-8")
    _, _, ours, differences = read_markdown(page)
    numbers = pd.read_csv(collected / "tables" / "mine" / "beside.csv")
    assert [text.split(" ")[0] for text in ours[3:]] == [
        "(a)",
        *(f"{means[method]:.2f}" for method in ("supervised", "noise2noise")),
    ]
    gaps = [means[line.method] - line.psnr for line in NUMBERS[1:].itertuples()]
    assert differences[3:] == ["", *(f"{gap:+.2f}".replace("-", "−") for gap in gaps)]
    assert list(numbers["difference"].dropna()) == pytest.approx(gaps, abs=1e-4)
    names = ["README.md", "beside.csv", "beside.md", "beside.tex"]
    for name in names:
        assert name in printed
    main(["table", "tables/mine", "--out", "elsewhere"])
    assert sorted(path.name for path in (collected / "elsewhere").iterdir()) == names
    for name in names:
        written = (collected / "tables" / "mine" / name).read_bytes()
        assert (collected / "elsewhere" / name).read_bytes() == written


def test_another_reference_stands_beside_it_in_a_folder_of_its_own(
    collected: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["collect", "runs", "--out", "reports/other"])
    capsys.readouterr()
    main(["table", "mine", "--reference", "other"])
    page = collected / "reports" / "other" / "mine" / "README.md"
    assert page.name in capsys.readouterr().out
    assert page.read_text(encoding="utf-8").startswith("# Table 1, beside other\n")
    assert not (collected / "tables" / "mine" / "README.md").exists()
    refused = refuse(capsys, ["table", "runs", "--reference", "other"])
    assert "--reference is for a published table, but 'runs' is none" in refused


def test_a_page_without_its_reference_is_refused(collected: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "holds no reference results" in refuse(capsys, ["table", "mine", "--reports", "nowhere"])
    assert "unknown reference in 'nowhere' 'here'" in refuse(
        capsys, ["verify", "mine", "--reports", "nowhere"]
    )
    assert not (collected / "tables" / "mine" / "README.md").exists()


@pytest.mark.parametrize(("store", "how"), [("runs", "evaluated"), ("fresh", "trained")])
def test_honest_scores_are_verified(
    collected: Path, capsys: pytest.CaptureFixture[str], store: str, how: str
) -> None:
    main(["verify", "mine", "--cells", "2", "--runs", store])
    lines = [line for line in capsys.readouterr().out.splitlines() if "gaussian" in line and "│" in line]
    assert len(lines) == 2
    for line in lines:
        cells = [cell.strip() for cell in line.split("│")]
        assert how in cells
        assert {"identical", "reproduced"} & set(cells)
        assert "+0.0000" in cells or "-0.0000" in cells


def test_what_is_allowed_comes_from_the_runs_that_the_table_says_were_trained_again(
    collected: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["collect", "runs", "--out", "reports/again"])
    path = collected / "reports" / "again" / "scores.parquet"
    rows = pd.read_parquet(path)
    rows.assign(psnr=rows["psnr"] + 0.2).to_parquet(path, index=False)
    layout = {"training_images": ["train"], "reference": "here"}
    publish(collected / "tables" / "mine", NUMBERS, **layout, retrained=["again"])
    main(["verify", "mine", "--cells", "1", "--runs", "fresh"])
    printed = capsys.readouterr().out
    assert "±2.541" in printed  # Student's quantile for one degree of freedom, 12.706, times .2
    assert "in 95 % of cases all trainings together" in " ".join(printed.split())
    publish(collected / "tables" / "mine", NUMBERS, **layout, retrained=["nowhere"])
    assert "unknown reference in 'reports' 'nowhere'" in refuse(capsys, ["verify", "mine"])


def test_a_score_changed_by_a_decibel_is_not_verified(
    collected: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = collected / "reports" / "here" / "scores.parquet"
    rows = pd.read_parquet(path)
    changed = (rows["method"] == "supervised") & (rows["seed"] == 1)
    rows.assign(psnr=rows["psnr"] + changed).to_parquet(path, index=False)
    honest, forged = (sorted(set(rows.loc[which, "key"])) for which in (~changed, changed))
    assert (len(honest), len(forged)) == (3, 1)
    main(["verify", "mine", "--runs", "runs", "--keys", *honest])
    assert "not reproduced" not in capsys.readouterr().out
    with pytest.raises(SystemExit) as leaving:
        main(["verify", "mine", "--runs", "runs", "--keys", *honest, *forged])
    assert leaving.value.code == 1
    printed = capsys.readouterr().out
    assert printed.count("not reproduced") == 1
    assert "-1.0000" in printed

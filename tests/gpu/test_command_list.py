"""The commands of `tox -e gpu`, which make the reference of a GPU: run here on a small scale on the CPU."""

from __future__ import annotations

import re
import shlex
import shutil
from configparser import ConfigParser
from dataclasses import replace
from itertools import product
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from bench.cli.main import main
from bench.cli.options import run
from bench.images import registry
from bench.images.registry import REGISTRY
from bench.images.sources import open_set, write_manifest
from bench.output import figures
from bench.store.reference import open_reference
from tests.support.images import photograph
from tests.support.repository import ROOT
from tests.support.throughput import result, write_result

NAME = "gpu-2026-01-01"
SIZE = "--device cpu --width 4 --batch 2 --patch 32"
METHODS = ("supervised", "noise2score", "sure", "noise2void")
RUN = ["method", "training_images", "training_noise", "seed"]
SETS = ("bsd400", "set12", "bsd68", "cbsd432", "cbsd68", "kodak24")


def commands() -> list[list[str]]:
    """Read the commands from tox.ini, and replace the GPU by the CPU."""
    tox = ConfigParser(interpolation=None, comment_prefixes=("#",))
    tox.read(ROOT / "tox.ini", encoding="utf-8")
    tox["gpu"]["size"] = SIZE
    text = "\n".join(tox["testenv:gpu"][key] for key in ("commands_pre", "commands"))
    while found := re.search(r"\{\[gpu\](\w+)\}", text):
        text = text.replace(found[0], tox["gpu"][found[1]])
    text = re.sub(r"\{posargs:\w*\}", NAME, text).replace("--device cuda", "--device cpu")
    return [shlex.split(line) for line in text.splitlines() if line]


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to a folder with the published table, and with small images under the names of the real sets."""
    manifests, data = tmp_path / "manifests", tmp_path / "data"
    shutil.copytree(registry.MANIFESTS, manifests)
    for place, name in enumerate(SETS):
        entry, left_out = REGISTRY[name], REGISTRY[name].left_out
        (data / entry.folder).mkdir(parents=True)
        for number, file in enumerate(["a.png", "b.png", "c.png", *left_out]):
            pixels = photograph(40, 48, entry.channels, seed=100 * place + number)
            Image.fromarray(pixels).save(data / entry.folder / file)
        found = open_set(str(data / entry.folder), channels=entry.channels)
        write_manifest(found, manifests / f"{entry.folder}.csv")
    monkeypatch.setattr(registry, "MANIFESTS", manifests)
    monkeypatch.setenv("NOISEBENCH_DATA", str(data))
    shutil.copytree(ROOT / "tables", tmp_path / "tables")
    monkeypatch.chdir(tmp_path)
    tiny = {"methods": METHODS, "noises": ("gaussian:25",), "lpips": False}
    tiny |= {"width": 4, "steps": 2, "batch": 2, "patch": 32}
    recipes = {name: replace(run.RECIPES[name], **tiny) for name in ("grey", "colour")}
    monkeypatch.setattr(run, "RECIPES", recipes)
    monkeypatch.setattr(figures, "DOTS_PER_INCH", 20)
    return tmp_path


def run_commands() -> None:
    """Run all commands but the tests, with a made-up profile."""
    for program, *arguments in commands():
        if program == "pytest":
            assert arguments == ["-m", "gpu"]
        elif arguments[0] == "profile" and "--trace" not in arguments:
            folder = Path(arguments[arguments.index("--out") + 1])
            folder.mkdir(parents=True, exist_ok=True)
            write_result(folder / "throughput.json", result())
        else:
            assert program == "noisebench"
            main(arguments)


def test_the_commands_make_a_complete_reference_and_resume_without_its_runs(
    clone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_commands()
    assert "nothing to train" not in capsys.readouterr().out
    folder = clone / "reports" / NAME
    scores = open_reference(folder).scores()
    grids = product(METHODS, ("bsd400", "cbsd432"), ("frozen",), (0, 1))
    assert set(scores[RUN].itertuples(index=False, name=None)) == {
        *grids,
        ("noise2score:domain=raw,formula=paper", "bsd400", "frozen", 0),
        *product(METHODS[1:], ("bsd400",), ("resampled",), (0,)),
        ("supervised", "bsd400+starfish", "frozen", 0),
    }
    float32 = open_reference(clone / "reports" / f"{NAME}-float32").scores()
    assert list(float32["precision"].unique()) == ["float32"]
    page, report = (
        (folder / name).read_text(encoding="utf-8") for name in ("noise2score/README.md", "report.html")
    )
    assert f"# Table 2 of Noise2Score (Kim & Ye, NeurIPS 2021), compared with {NAME}\n" in page
    assert (folder / "profile" / "throughput.json").is_file()
    assert "Throughput of this machine" in report
    assert "Missing images" not in report

    shutil.rmtree("runs")
    run_commands()
    grids_run = sum("run" in command for command in commands())
    assert capsys.readouterr().out.count("nothing to train") == grids_run
    pd.testing.assert_frame_equal(open_reference(folder).scores(), scores)
    assert (folder / "noise2score" / "README.md").read_text(encoding="utf-8") == page
    assert "Missing images" in (folder / "report.html").read_text(encoding="utf-8")

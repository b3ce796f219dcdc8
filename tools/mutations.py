"""Break the code on purpose, one formula or key at a time, and check that a test fails.

``tools/mutations.toml`` lists the faults. ``python tools/mutations.py`` runs all of them, ``python
tools/mutations.py poisson nlm`` those with one of the words in name or file; ``--write`` only renews the
table in tests/README.md. The exit code is 1 if a mutation is not caught or the table is out of date.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sys
import tomllib
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

ROOT = Path(__file__).parents[1]
LIST = ROOT / "tools" / "mutations.toml"
README = ROOT / "tests" / "README.md"
START, END = "<!-- mutations: start -->", "<!-- mutations: end -->"
PARALLEL = 2
SLOW_TO_IMPORT = ["pytest", "hypothesis", "scipy.stats", "torch", "torchmetrics", "lpips", "skimage"]
VERDICTS = {pytest.ExitCode.OK: "NOT caught", pytest.ExitCode.TESTS_FAILED: "caught"}


@dataclass(frozen=True)
class Mutation:
    """A fault and the test that must catch it.

    Args:
        name: what is broken.
        file: relative to the root of the repository.
        old: text that occurs in the file exactly once.
        new: what it is replaced by.
        test: pytest's name of the test that must fail.
    """

    name: str
    file: str
    old: str
    new: str
    test: str

    def apply(self, root: Path) -> None:
        """Break the copy of the repository under ``root``.

        Raises:
            ValueError: the old text does not occur exactly once.
        """
        path = root / self.file
        text = path.read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            raise ValueError(f"{self.name}: {self.old!r} occurs {text.count(self.old)} times in {self.file}")
        path.write_text(text.replace(self.old, self.new), encoding="utf-8")


def load() -> list[Mutation]:
    """Read the list of mutations."""
    listed = tomllib.loads(LIST.read_text(encoding="utf-8"))
    return [Mutation(**entry) for entry in listed["mutation"]]


def update_table(text: str) -> str:
    """Return the text of tests/README.md with the table of all mutations between its two marks."""
    rows = [f"| {each.name} | `{each.file}` | `{each.test}` |" for each in load()]
    table = "\n".join(["| what is broken | where | caught by |", "| --- | --- | --- |", *rows])
    before, after = text[: text.index(START)], text[text.index(END) :]
    return f"{before}{START}\n{table}\n{after}"


def run_tests(tests: list[str], mutation: Mutation | None = None) -> int:
    """Run tests on a copy of the repository, broken or not; for a process of its own.

    Returns:
        pytest's exit code.

    Raises:
        RuntimeError: the tests imported other code than that of the copy.
    """
    with TemporaryDirectory() as folder:
        copy = Path(folder).resolve()
        _copy_repository(copy)
        if mutation:
            mutation.apply(copy)
        _silence()
        os.chdir(copy)
        sys.path.insert(0, str(copy))  # before an editable install
        # Without a basetemp of its own, each pytest would clear the folder that all of them share.
        options = ["-qx", "--assert=plain", "-p", "no:cacheprovider", "--basetemp", str(copy / "scratch")]
        code = pytest.main([*options, *tests])
        tested = {Path(sys.modules[name].__file__ or "").parents[1] for name in ("bench", "tests")}
        os.chdir(ROOT)
        if tested != {copy}:
            raise RuntimeError(f"the tests ran on {tested} instead of {copy}")
    return int(code)


def _copy_repository(target: Path) -> None:
    for part in ("bench", "methods", "tests"):
        shutil.copytree(ROOT / part, target / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", target)


def _silence() -> None:
    """Discard all that this process prints."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)


def run_mutations(mutations: list[Mutation]) -> str | None:
    """Run each mutation's test on the broken code, and all the tests on the code as it is.

    Returns:
        What is wrong, None where every mutation is caught.
    """
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    # Every run has a fresh process, forked from one that has imported what takes long, but not the code.
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(SLOW_TO_IMPORT)
    with ProcessPoolExecutor(PARALLEL, mp_context=server, max_tasks_per_child=1) as pool:
        unbroken = pool.submit(run_tests, sorted({each.test for each in mutations}))
        codes = pool.map(run_tests, [[each.test] for each in mutations], mutations)
        missed = 0
        for mutation, code in zip(mutations, codes, strict=True):
            verdict = VERDICTS.get(code, f"pytest ended with exit code {code}")
            missed += verdict != "caught"
            print(f"{verdict:10} | {mutation.name} | {mutation.test}", flush=True)
        if unbroken.result() != pytest.ExitCode.OK:
            return "a test fails without any mutation: see pytest"
    return f"{missed} of {len(mutations)} mutations are not caught" if missed else None


def main(words: list[str]) -> str | None:
    """Run the mutations that are asked for, or write the table.

    Returns:
        What is wrong, None where nothing is.
    """
    text = README.read_text(encoding="utf-8")
    if words == ["--write"]:
        README.write_text(update_table(text), encoding="utf-8")
        return None
    chosen = [each for each in load() if not words or any(word in each.name + each.file for word in words)]
    if wrong := run_mutations(chosen):
        return wrong
    return None if text == update_table(text) else "tests/README.md: python tools/mutations.py --write"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

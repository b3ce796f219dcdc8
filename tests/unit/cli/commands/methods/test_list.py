"""``noisebench list``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_list_names_methods_noise_models_sets_and_recipes(
    folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["list"])
    printed = capsys.readouterr().out
    for name in ("noise2score", "gamma:k", "kodak24", "embedded-test", "quick"):
        assert name in printed

"""The options of the demonstrations."""

from __future__ import annotations

from dataclasses import asdict
from inspect import Parameter, signature
from typing import TYPE_CHECKING

import pytest
import tyro

from bench.cli.options.demo import DemoOptions, NoiseDemoOptions, ScoreDemoOptions
from bench.demos import noise_figure, score_figure

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(("name", "options"), [("score", ScoreDemoOptions()), ("noise", NoiseDemoOptions())])
def test_the_first_word_chooses_the_demonstration(
    name: str, options: ScoreDemoOptions | NoiseDemoOptions
) -> None:
    assert tyro.cli(DemoOptions, args=[name]).demo == options


@pytest.mark.parametrize(
    ("run", "options"), [(score_figure.run, ScoreDemoOptions()), (noise_figure.run, NoiseDemoOptions())]
)
def test_the_defaults_are_those_of_the_demonstration(
    run: Callable[..., object], options: ScoreDemoOptions | NoiseDemoOptions
) -> None:
    defaults = {name: parameter.default for name, parameter in signature(run).parameters.items()}
    assert defaults.pop("out") is Parameter.empty
    assert {name: value for name, value in asdict(options).items() if name != "out"} == defaults

"""The resources of a run on a cluster, from options that may contradict each other."""

from __future__ import annotations

from typing import Any

import pytest

from bench.errors import InputError
from bench.runs.cluster import resources
from bench.runs.cluster.resources import RunResources, parse_resources

PLAIN: dict[str, Any] = {"device": "auto", "precision": "auto", "cpus": None, "gpus": None}


@pytest.fixture(autouse=True)
def with_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "find_spec", lambda name: name)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ("cpu", 1, 0)),
        ({"cpus": 4}, ("cpu", 4, 0)),
        ({"device": "cpu", "gpus": 0.0}, ("cpu", 1, 0)),
        ({"device": "cuda", "precision": "bfloat16"}, ("cuda", 1, 1)),
        ({"gpus": 0.25, "cpus": 2, "precision": "float32"}, ("cuda", 2, 0.25)),
    ],
)
def test_defaults_follow_from_the_given_options(
    options: dict[str, Any], expected: tuple[str, int, float]
) -> None:
    given = parse_resources("auto", **PLAIN | options)
    assert isinstance(given, RunResources)
    assert (given.device.type, given.cpus, given.gpus) == expected


def test_without_a_cluster_there_are_no_resources() -> None:
    assert parse_resources(None, **PLAIN) is None


@pytest.mark.parametrize(
    ("address", "options", "said"),
    [
        (None, {"gpus": 1.0}, "name one with --ray"),
        (None, {"cpus": 1}, "name one with --ray"),
        ("auto", {"cpus": 0}, "--cpus-per-run must be at least 1, but is 0"),
        ("auto", {"gpus": -0.5}, "--gpus-per-run must be from 0 to 1, but is -0.5"),
        ("auto", {"gpus": 2.0}, "--gpus-per-run must be from 0 to 1, but is 2.0"),
        ("auto", {"gpus": float("nan")}, "--gpus-per-run must be from 0 to 1, but is nan"),
        ("auto", {"device": "cuda:1"}, "the device is cpu, cuda or auto, but is 'cuda:1'"),
        ("auto", {"device": "cpu", "gpus": 0.5}, "--gpus-per-run 0.5 and --device cpu contradict each other"),
        ("auto", {"device": "cuda", "gpus": 0.0}, "--gpus-per-run 0 and --device cuda contradict each other"),
        ("auto", {"device": "cuda"}, "--precision must be float32 or bfloat16, but is auto"),
        ("auto", {"gpus": 0.5}, "--precision must be float32 or bfloat16, but is auto"),
    ],
)
def test_contradictions_are_named(address: str | None, options: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse_resources(address, **PLAIN | options)


def test_without_ray_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r'pip install "noisebench\[ray\]"'):
        parse_resources("auto", **PLAIN)

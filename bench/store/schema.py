"""Facts: what a run's ``run.json`` holds, and of which kind each of them is."""

from __future__ import annotations

from typing import Any, Required

from pydantic import ConfigDict, TypeAdapter, ValidationError
from typing_extensions import TypedDict


class RunFacts(TypedDict, total=False):
    """What was asked for; see ``bench.runs.Run``."""

    method: str
    hyper_parameters: dict[str, Any]
    noise: str
    parameter: float | list[float]
    training_images: str
    fingerprint: str
    channels: int
    width: int
    steps: int
    batch: int
    patch: int
    learning_rate: float
    seed: int
    training_noise: str
    precision: str
    device: str


class Facts(TypedDict, total=False):
    """What ran, and what came of it."""

    __pydantic_config__ = ConfigDict(strict=True)  # type: ignore[misc]

    key: str
    run: RunFacts
    protocol: int
    source: dict[str, str]
    columns: Required[dict[str, str | int | float | None]]
    evaluation: dict[str, dict[str, dict[str, str]]]
    test: list[dict[str, Any]]
    training: dict[str, Any]
    hardware: dict[str, Any]
    cluster: dict[str, Any]
    versions: dict[str, str]
    commit: str | None
    started: str
    notes: list[str]
    earlier_sittings: list[dict[str, Any]]
    error: str
    traceback: str
    files: Required[dict[str, str]]
    seal: str


FACTS_OF_A_RUN = TypeAdapter(Facts)


def fault_of(facts: dict[str, Any]) -> str | None:
    """Say which of a run's facts is missing or of a wrong kind, the first; None where all are right."""
    try:
        FACTS_OF_A_RUN.validate_python(facts)
    except ValidationError as error:
        fault = error.errors()[0]
        return f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
    return None

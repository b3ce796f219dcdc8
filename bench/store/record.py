"""The record of a run: the content of its ``run.json``, with the type of each field.

Fields are declared in the order in which they are written. Unknown fields are kept.
"""

from __future__ import annotations

import json
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bench.settings import unrecorded_settings
from bench.store.run import Run  # noqa: TC001 - pydantic reads the annotations

LOCAL = ("traceback", "files", "seal")
"""Fields about the folder in which a run was stored."""


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow", populate_by_name=True)

    def to_json(self) -> dict[str, Any]:
        """Return the fields that were set, as a JSON object."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


class Source(_Part):
    """The source file of a method: its sha256, and the distribution that contains it."""

    sha256: str
    origin: str


class Target(_Part):
    """The parameter of a test noise and the name of a test set on which the run is scored."""

    parameter: float
    images: str


class Hardware(_Part):
    """The machine, and the part of it that was used."""

    device: str
    name: str
    system: str
    cores: int | None = None
    threads: int


class ClusterNode(_Part):
    """The node of a Ray cluster, and the fraction of a GPU that the run was given."""

    node: str
    gpus_per_run: float


class Attempt(_Part):
    """An interrupted attempt at a training run: the step at which it started, code and machine."""

    step: int
    commit: str | None
    versions: dict[str, str]
    hardware: Hardware
    started: str
    cluster: ClusterNode | None = None


class TrainingCost(_Part):
    """The cost of training; see ``bench.training.loop.Cost``. Runs before protocol 5 lack the last three."""

    seconds: float
    patches_per_second: float
    flops: int
    peak_bytes: int | None
    engine: str
    forward_passes: float | None = None
    backward_passes: float | None = None
    core_share: float | None = None


class Evaluation(_Part):
    """A noisy test set on which the run was scored.

    Attributes:
        fingerprint: fingerprint of the clean images.
        noisy_sha256: sha256 of the noisy images.
        lpips: ``computed``, or the reason why it is missing.
    """

    fingerprint: str
    noisy_sha256: str
    lpips: str


class RunRecord(_Part):
    """The record of a run: the request, the circumstances, and the outcome.

    Attributes:
        key: key of the run.
        run: all settings that determine its weights.
        protocol: version of the protocol.
        source: source file of the method.
        columns: values that every row of the scores repeats.
        test: test noises and test sets on which the run is scored.
        notes: why bfloat16 was rejected, and conversions and omissions in the image sets.
        commit: commit of the benchmark.
        versions: versions of Python and the libraries.
        hardware: hardware of the last attempt.
        started: start time of the first attempt.
        cluster: node of the cluster, if the run was on one.
        earlier_attempts: attempts before the last.
        training: cost of training; absent for a failed run.
        evaluation: what was scored, by noise (such as ``gaussian:25``) and test set.
        scores_sha256: sha256 of the run's scores in a folder of reference results; those of protocols before
            5 lack it.
        error: error of a failed run.
        failed: time of the failure; runs of early versions lack it.
        traceback: traceback of the error.
    """

    key: str
    run: Run
    protocol: int
    source: Source
    columns: dict[str, str | int | float | None]
    test: list[Target]
    notes: list[str] = []
    commit: str | None
    versions: dict[str, str]
    hardware: Hardware
    started: str
    cluster: ClusterNode | None = None
    earlier_attempts: list[Attempt] = Field(default=[], alias="earlier_sittings")
    training: TrainingCost | None = None
    evaluation: dict[str, dict[str, Evaluation]] = {}
    scores_sha256: str | None = None
    error: str | None = None
    failed: str | None = None
    traceback: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the fields that were set, as a JSON object, with the settings of the run's protocol."""
        content = super().to_json()
        unrecorded = unrecorded_settings(self.protocol).items()
        content["run"] = {
            name: value for name, value in content["run"].items() if (name, value) not in unrecorded
        }
        return content

    def circumstances(self) -> dict[str, str]:
        """Return what may change bits of a score in addition to the settings: machine, commit, versions."""
        machine = {"hardware": self.hardware.name, "threads": str(self.hardware.threads)}
        return machine | {"commit": self.commit or "unknown"} | self.versions

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        """Read a record from a JSON object.

        Raises:
            ValueError: a field is missing or of a wrong type; the message names the first.
        """
        run, protocol = content.get("run"), content.get("protocol")
        if isinstance(run, dict) and isinstance(protocol, int):
            content = content | {"run": unrecorded_settings(protocol) | run}
        try:
            return cls.model_validate_json(json.dumps(content))
        except ValidationError as error:
            first = error.errors()[0]
            raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error

    def without_folder(self) -> RunRecord:
        """Return the record without the fields about the folder in which the run was stored."""
        content = self.to_json()
        return RunRecord.from_json({name: value for name, value in content.items() if name not in LOCAL})

    @property
    def finished(self) -> str | None:
        """Time at which the last score of the training run was computed; None if it failed."""
        finished = self.columns.get("finished")
        return None if finished is None else str(finished)

    def evaluations(self, images: str) -> list[Evaluation]:
        """List the evaluations on one test set, under each of its noises."""
        return [sets[images] for sets in self.evaluation.values() if images in sets]


class StoredRecord(RunRecord):
    """The record of a run in a store, with the sha256 of each of its files, and of the record in ``seal``."""

    files: dict[str, str]
    seal: str

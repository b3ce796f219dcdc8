"""Keys of the committed runs: what was stored is found again only as long as they do not change."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
import torch

from bench.discovery import load_class, source_hash
from bench.protocol import PROTOCOL_VERSION
from bench.runs.plan import plan
from bench.runs.recipes import RECIPES
from bench.store.run import Run
from tests.support.repository import ROOT

if TYPE_CHECKING:
    from bench.images.image_set import ImageSet

RECORDS = {
    path.relative_to(ROOT).as_posix(): json.loads(path.read_bytes())
    for path in sorted((ROOT / "reports").glob("*/runs/*.json"))
}
NOW = [record for record in RECORDS.values() if record["protocol"] == PROTOCOL_VERSION]
needs_current_runs = pytest.mark.skipif(
    not NOW, reason=f"no committed run is of the current protocol, {PROTOCOL_VERSION}"
)


def key_of(record: dict[str, Any]) -> str:
    """Compute a key apart from ``Run``, whose settings are those of the current protocol."""
    identity = {"run": record["run"], "source": record["source"]["sha256"], "protocol": record["protocol"]}
    canonical = json.dumps(identity, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def test_every_key_is_computed_again_from_the_stored_run() -> None:
    for name, record in RECORDS.items():
        assert name.endswith(f"/{key_of(record)}.json")
        assert key_of(record) == record["key"] == record["columns"]["key"]


@needs_current_runs
def test_keys_of_unchanged_methods_follow_from_their_files() -> None:
    sources = {name: source_hash(load_class(name)) for name in {run["run"]["method"] for run in NOW}}
    unchanged = [run for run in NOW if run["source"]["sha256"] == sources[run["run"]["method"]]]
    assert unchanged
    for run in unchanged:
        assert Run(**run["run"]).key(sources[run["run"]["method"]]) == run["key"]


@pytest.mark.parametrize("name", ["grey-cpu", "tuning"])
def test_a_recipe_is_planned_into_the_committed_runs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = RECIPES[name]
    of_recipe = [run for run in NOW if run["run"]["training_images"] == recipe.train]
    if not of_recipe:
        pytest.skip(f"no committed run of protocol {PROTOCOL_VERSION} is from the recipe {name}")
    # As all that needs the pixels.
    monkeypatch.setattr("bench.runs.plan.require_patch", lambda *_, **__: None)
    monkeypatch.setattr("bench.runs.plan.resolve_precision", lambda *_, **__: "bfloat16")
    (fingerprint,) = {run["run"]["fingerprint"] for run in of_recipe}
    training_images = SimpleNamespace(name=recipe.train, fingerprint=fingerprint)
    jobs = plan(recipe, cast("ImageSet", training_images), device=torch.device("cpu"), precision="bfloat16")
    committed = {run["key"]: run["run"] for run in of_recipe}
    found = [job for job in jobs if job.key in committed]
    assert found
    for job in found:
        assert json.dumps(asdict(job.run)) == json.dumps(committed[job.key])

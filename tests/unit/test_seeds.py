"""Keyed randomness: the same role, the same numbers, in every process and in any order."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

import bench
from bench.seeds import generator, seed_of

ROLES = [
    ("weights", 0),
    ("weights", 1),
    ("crops", 0),
    (0, "weights"),
    ("weights", 0.0),
    ("weights", "0"),
    ("weights",),
    ("weights", 0, 0),
    ("weights, 0",),
    ("we", "ights", 0),
    ("Weights", 0),
    (),
]
PROGRAM = """
import json, sys
from bench.seeds import generator, seed_of
roles = json.loads(sys.argv[1])
print(json.dumps([[seed_of(*role), generator(*role).standard_normal(3).tolist()] for role in roles]))
"""


def drawn_elsewhere(roles: list[tuple], *, hash_seed: str) -> list:
    """Draw in a new process, whose hashes of strings have another salt."""
    finished = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(roles)],
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
        cwd=Path(bench.__file__).parents[1],
        capture_output=True,
        check=True,
    )
    return json.loads(finished.stdout)


def test_other_processes_draw_the_same():
    here = [[seed_of(*role), generator(*role).standard_normal(3).tolist()] for role in ROLES]
    assert drawn_elsewhere(ROLES, hash_seed="1") == here
    assert drawn_elsewhere(ROLES, hash_seed="2") == here


def test_no_two_roles_share_a_seed_or_a_stream():
    assert len({seed_of(*role) for role in ROLES}) == len(ROLES)
    draws = np.concatenate([generator(*role).random(100) for role in ROLES])
    assert len(np.unique(draws)) == 100 * len(ROLES)


def test_streams_of_neighbouring_roles_are_uncorrelated():
    draws = [generator("noise", seed).standard_normal(100_000) for seed in range(8)]
    # A correlation of n independent pairs spreads by 1 / sqrt(n); five of that leave no false alarm.
    limit = 5 / np.sqrt(100_000)
    assert max(abs(np.corrcoef(first, second)[0, 1]) for first, second in pairwise(draws)) < limit


@pytest.mark.parametrize("role", ROLES)
def test_a_seed_is_the_head_of_a_sha256_and_valid_for_torch(role: tuple):
    head = hashlib.sha256(json.dumps(role).encode()).hexdigest()[:16]
    assert seed_of(*role) == int(head, 16) // 2 < 2**63
    assert torch.Generator().manual_seed(seed_of(*role)).initial_seed() == seed_of(*role)


def test_stream_does_not_depend_on_the_global_one():
    np.random.seed(0)  # noqa: NPY002
    first = generator("noise", 0).random(3)
    np.random.seed(1)  # noqa: NPY002
    np.testing.assert_array_equal(first, generator("noise", 0).random(3))
    assert isinstance(generator("noise", 0).bit_generator, np.random.Philox)

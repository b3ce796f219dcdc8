"""Randomness keyed by names: the same names give the same numbers, on every machine and in any order."""

from __future__ import annotations

import hashlib
import json

import numpy as np


def seed_of(*role: str | int | float) -> int:
    """Hash a named role to a 63-bit seed.

    Args:
        role: purpose of the randomness, such as ``("weights", 0)``. It never contains a method's name, so
            that all methods have the same initial weights, patches and noise.
    """
    digest = hashlib.sha256(json.dumps(role).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def generator(*role: str | int | float) -> np.random.Generator:
    """Open the counter-based (Philox) stream of a named role, on the CPU."""
    digest = hashlib.sha256(json.dumps(role).encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "big")))

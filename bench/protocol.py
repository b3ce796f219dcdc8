"""The protocol of the benchmark: its version, and the constants that tables print."""

from __future__ import annotations

PROTOCOL_VERSION = 4
"""Raised whenever the same run would give other numbers; a part of every key."""

LEARNING_RATE = 2e-3
"""The highest of a training, unless a recipe has another."""

CLIP_RATIO = 2.0
"""In units of its running mean; a longer one is shortened to this."""

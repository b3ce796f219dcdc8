"""Paths of the repository."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
BROKEN = ROOT / "tests" / "broken"
PLUGIN = ROOT / "tests" / "plugin"

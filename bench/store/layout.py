"""The layout of a folder of runs: the names of its folders and files."""

from __future__ import annotations

import re
from pathlib import Path

from bench.store.checksums import RECORD

FAILED, PARTIAL, DAMAGED, LOCKS = "failed", "partial", "damaged", "locks"
PROFILE = Path("profile") / "throughput.json"

SCORES, WEIGHTS = "scores.parquet", "weights.safetensors"
CURVE, LOG, IMAGES = "curve.parquet", "log.jsonl", "pictures"
CHECKPOINT = "checkpoint.safetensors"

KEY = re.compile(r"[0-9a-f]{16}")


def is_run(path: Path) -> bool:
    """Check whether a path is the folder of a run; without ``run.json`` it is recognised by its name."""
    return path.is_dir() and (KEY.fullmatch(path.name) is not None or (path / RECORD).exists())


def image_folder(run: Path, noise: str, images: str) -> Path:
    """Return the folder for a run's denoised images of a test set, under a noise such as ``gaussian:25``."""
    return run / IMAGES / noise.replace(":", "-") / images

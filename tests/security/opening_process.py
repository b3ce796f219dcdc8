"""A process that opens one input per line of standard input and prints the outcome; it may hang or crash."""

from __future__ import annotations

import json
import re
import resource
import sys
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from bench.errors import InputError
from bench.images import registry, sources
from bench.images.image_file import open_image_file
from bench.images.registry import Entry
from bench.images.sources import open_set


def open_input(opener: str, path: str, channels: int) -> np.ndarray:
    """Open an input in one of the ways of ``HostileInput`` and return its pixels."""
    file = Path(path)
    match opener:
        case "folder":
            return open_set(str(file.parent), channels=channels).images[0].pixels
        case "registered":
            root, name = file.parents[2], file.parent.name
            registry.MANIFESTS = root / "manifests"
            entry = Entry(name=name, folder=name, channels=channels, licence="", origin="", base_url="none:")
            sources.REGISTRY = {name: entry}
            return open_set(name, channels=entry.channels, data=root / "sets").images[0].pixels
        case "file":
            return next(iter(open_image_file(file)))
        case _:
            return open_set(path, channels=channels).images[0].pixels


def outcome(**request: Any) -> dict[str, Any]:
    """Describe how an input was refused, or which pixels it has."""
    began = time.perf_counter()
    try:
        pixels = open_input(**request)
        found = {"pixels": sha256(pixels.tobytes()).hexdigest(), "sound": sound(pixels)}
    except InputError as error:
        found = {"refused": str(error)}
    except Exception as error:  # noqa: BLE001 - any other error is a finding
        found = {"raised": f"{type(error).__name__}: {error}"}
    return found | {"seconds": time.perf_counter() - began, "megabytes": megabytes()}


def sound(pixels: np.ndarray) -> bool:
    """Check whether pixels are those of an image."""
    return (
        pixels.ndim == 3 and pixels.shape[2] in (1, 3) and pixels.size > 0 and bool(np.isfinite(pixels).all())
    )


def megabytes() -> float:
    """Return the peak memory of this process."""
    status = Path("/proc/self/status")
    if status.exists():  # preferred, since getrusage starts from the memory of the parent
        return int(re.search(r"VmHWM:\s*(\d+) kB", status.read_text())[1]) / 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(outcome(**json.loads(line))), flush=True)

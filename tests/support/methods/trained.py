"""The methods that are found and learn; apart from helpers.py, which no broken entry must break."""

from __future__ import annotations

from bench.discovery import listings, parse_method
from bench.method import Untrained

TRAINED = {name: method for name in listings() if not isinstance(method := parse_method(name)[1], Untrained)}

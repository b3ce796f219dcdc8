"""The methods that are trained; in a module of its own, since importing it loads every method."""

from __future__ import annotations

from bench.discovery import listings, parse_method
from bench.method import Untrained

TRAINED = {name: method for name in listings() if not isinstance(method := parse_method(name)[1], Untrained)}

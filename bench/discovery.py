"""Discovery of methods by name: files in ``methods/``, and entry points of other packages."""

from __future__ import annotations

import ast
import hashlib
import inspect
import pkgutil
from dataclasses import dataclass, fields
from importlib import import_module, metadata, util
from pathlib import Path
from typing import TYPE_CHECKING

import methods
from bench.errors import InputError, line_in, unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.method import Method

ENTRY_POINTS = "noisebench.methods"
EVERY = "all"
"""The name that selects all methods."""


@dataclass(frozen=True)
class Listing:
    """A method that was found but not imported.

    Args:
        name: name on the command line.
        target: ``module`` or ``module:Class``.
        origin: the distribution that contains it.
    """

    name: str
    target: str
    origin: str

    def summary(self) -> str:
        """Return the first line of the file's docstring, without running the file."""
        file = self.file()
        if file is None:
            return "(its file is missing)"
        try:
            text = ast.get_docstring(ast.parse(file.read_bytes()))
        except SyntaxError as error:
            return f"(does not parse: {error.msg}, line {error.lineno})"
        return (text or "").partition("\n")[0]

    def file(self) -> Path | None:
        """Return the source file, importing at most its parent packages."""
        try:
            spec = util.find_spec(self.target.partition(":")[0])
        except ImportError:
            return None
        return Path(spec.origin) if spec and spec.origin else None


def listings() -> dict[str, Listing]:
    """Return all methods by name, without importing any.

    Raises:
        InputError: two of them have the same name.
    """
    own = [
        Listing(module.name, f"{methods.__name__}.{module.name}", "noisebench")
        for module in pkgutil.iter_modules(methods.__path__)
    ]
    plugins = [
        Listing(point.name, point.value, point.dist.name if point.dist else "an unknown package")
        for point in metadata.entry_points(group=ENTRY_POINTS)
    ]
    found: dict[str, Listing] = {}
    for listing in own + plugins:
        if listing.name in found:
            both = f"{found[listing.name].origin} and {listing.origin}"
            raise InputError(f"the method {listing.name!r} exists twice, in {both}; names must be unique")
        found[listing.name] = listing
    return dict(sorted(found.items()))


def load_class(name: str) -> type[Method]:
    """Import the method with that name.

    Raises:
        InputError: the name is unknown, its file raises on import, or does not define one method.
    """
    # The contract imports torch, which takes seconds to load and is not needed to list names.
    from bench.method import Method

    known = listings()
    if name not in known:
        raise unknown("method", name, known)
    module_name, _, attribute = known[name].target.partition(":")
    try:
        module = import_module(module_name)
    except Exception as error:  # any error: the message must name the file
        raise InputError(
            f"the method {name!r} could not be imported from {_origin(error, known[name])}: "
            f"{type(error).__name__}: {error.msg if isinstance(error, SyntaxError) else error}"
        ) from error
    defined = [
        thing
        for key, thing in vars(module).items()
        if inspect.isclass(thing)
        and issubclass(thing, Method)
        and (key == attribute if attribute else thing.__module__ == module_name)
    ]
    if len(defined) != 1:
        raise InputError(
            f"the method {name!r} needs one subclass of bench.method.Method in {module.__file__}, "
            f"which holds {len(defined)}"
        )
    return defined[0]


def _origin(error: Exception, listing: Listing) -> str:
    """Return the method's file, with the line in it that raised an error if there is one."""
    file = listing.file()
    if isinstance(error, SyntaxError):
        return f"{error.filename or file}, line {error.lineno}"
    line = line_in(file, error)
    return f"{file}, line {line}" if line else str(file or listing.target)


def parse_method(spec: str) -> tuple[str, Method]:
    """Parse a method from its name and hyper-parameters, such as ``noise2score:domain=raw,formula=paper``.

    Raises:
        InputError: as raised by ``load_class``; or a hyper-parameter is unknown or has an invalid value.
    """
    name, _, rest = spec.partition(":")
    method = load_class(name)
    given = dict(setting.partition("=")[::2] for setting in rest.split(",") if setting)
    known = [field.name for field in fields(method)]
    for key in given:
        if key not in known:
            raise unknown(f"hyper-parameter of {name}", key, known)
    return name, build(method, given)


def build(method: type[Method], hyper_parameters: Mapping[str, object]) -> Method:
    """Create a method from hyper-parameters, given as values or as text.

    Raises:
        InputError: the class lacks a function of the contract; a value has the wrong type or is out of range.
    """
    from pydantic import TypeAdapter, ValidationError

    if inspect.isabstract(method):
        place = f"{inspect.getfile(method)}, line {inspect.getsourcelines(method)[1]}"
        lacking = " and ".join(sorted(method.__abstractmethods__))
        raise InputError(f"{place}: the class {method.__name__} lacks {lacking}")
    try:
        return TypeAdapter(method).validate_python(hyper_parameters)
    except ValidationError as error:
        faults = [
            f"{'.'.join(map(str, fault['loc'])) or 'value'}={fault['input']!r}: {fault['msg']}"
            for fault in error.errors()
        ]
        raise InputError(f"{method.__name__} does not take {'; '.join(faults)}") from error


def source_hash(method: type[Method]) -> str:
    """Return the sha256 of the source file of a method, in hex."""
    return hashlib.sha256(Path(inspect.getfile(method)).read_bytes()).hexdigest()

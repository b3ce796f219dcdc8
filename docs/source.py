"""What the pages take from the code, read from its source and never run, so that they need no torch."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

from bench.discovery import Listing, listings

ROOT = Path(__file__).parents[1]
CONTRACT = "bench.method"
CLASSES = {f"{CONTRACT}.Method", f"{CONTRACT}.Untrained"}
HOLE = "…"
"""In a message, what is filled in only when it is raised."""


@dataclass(frozen=True)
class Field:
    """A hyper-parameter, all as in the source."""

    name: str
    kind: str
    default: str


@dataclass(frozen=True)
class Entry:
    """A method of the project, as its file declares it.

    Args:
        name: on the command line.
        summary: the first line of its file.
        path: of the class, such as ``methods.sure.Sure``.
        needs: what it sees.
        noises: the laws for which it is defined.
        precision: the lowest that it bears.
        trained: whether it learns at all.
        fields: its hyper-parameters.
        file: its source file.
    """

    name: str
    summary: str
    path: str
    needs: tuple[str, ...]
    noises: tuple[str, ...]
    precision: str
    trained: bool
    fields: tuple[Field, ...]
    file: Path

    @property
    def sees(self) -> str:
        """What it sees, as by ``bench.method.sees``."""
        return " + ".join(self.needs) + ("" if self.trained else ", untrained")

    @property
    def paper(self) -> tuple[str, str]:
        """What the summary says of a paper and what of the idea: before and after its first colon."""
        paper, _, idea = self.summary.partition(": ")
        return paper, idea or paper


@dataclass(frozen=True)
class Check:
    """A check of the conformance suite: its name, what it asks, and what it says of each fault."""

    name: str
    asks: str
    messages: tuple[str, ...]


def entries() -> list[Entry]:
    """Read every method that the project itself brings, by name."""
    return [entry_of(listing) for listing in listings().values() if listing.origin == "noisebench"]


def entry_of(listing: Listing) -> Entry:
    """Read one method.

    Raises:
        ValueError: its file does not hold one class that is a method.
    """
    found = [node for node in _parse(listing.target).body if isinstance(node, ast.ClassDef)]
    lines = {node.name: _line(listing.target, node) for node in found}
    own = {name: line for name, line in lines.items() if line[-1][0] in CLASSES}
    if len(own) != 1:
        raise ValueError(f"{listing.target} holds {len(own)} methods, not one")
    [(name, line)] = own.items()
    ancestors = {path for path, _ in line}
    attributes: dict[str, ast.expr] = {}
    fields: dict[str, Field] = {}
    for path, node in reversed(line):  # from the contract down to the method itself
        attributes |= _assigned(node)
        if path not in CLASSES:
            fields |= {field.name: field for field in _fields(node)}
    needs, noises = (_names(attributes[name]) for name in ("needs", "noises"))
    file = listing.file()
    assert file is not None  # noqa: S101 - it was parsed
    return Entry(
        name=listing.name,
        summary=listing.summary(),
        path=f"{listing.target}.{name}",
        needs=tuple(need for need in constants(CONTRACT)["NEEDS"] if need in needs),
        noises=tuple(law["name"] for law in laws() if law["name"] in noises),
        precision=ast.literal_eval(attributes["precision"]),
        trained=f"{CONTRACT}.Untrained" not in ancestors,
        fields=tuple(fields.values()),
        file=file,
    )


def laws() -> list[dict[str, object]]:
    """Read the noise laws in their order: name, formula, symbol, usual parameter, range of blind training."""
    found = []
    for node in _parse("bench.noise.models").body:
        if isinstance(node, ast.ClassDef) and "name" in (assigned := _assigned(node)):
            facts = {name: ast.literal_eval(assigned[name]) for name in ("name", "example", "blind_range")}
            [symbol] = [field.name for field in _fields(node)]
            found.append(facts | {"formula": _docstring(node).rstrip("."), "symbol": symbol})
    return found


def checks() -> dict[str, list[Check]]:
    """Read the checks of the conformance suite in their order, by the name of their tuple."""
    suite = _parse("bench.conformance.suite")
    groups = {
        name: [ast.unparse(check) for check in value.elts]
        for name, value in _assigned(suite).items()
        if name.startswith("OF_") and isinstance(value, ast.Tuple)
    }
    declared = [_check("bench.conformance.suite", "declares_itself")]
    return {"DECLARATION": declared} | {
        group: [_check(f"bench.conformance.{path.split('.')[0]}", path.split(".")[1]) for path in paths]
        for group, paths in groups.items()
    }


def constants(module: str) -> dict[str, object]:
    """Read the names of a module that are assigned plain numbers, texts or tuples of them."""
    found = {}
    for name, value in _assigned(_parse(module)).items():
        try:
            found[name] = ast.literal_eval(value)
        except ValueError:
            continue
    return found


def argument(module: str, name: str) -> object:
    """Read the one value, a plain one, that a module passes by keyword to whatever it calls.

    Raises:
        ValueError: it is passed nowhere, or more than one value is.
    """
    keywords = [node for node in ast.walk(_parse(module)) if isinstance(node, ast.keyword)]
    values = {ast.unparse(node.value) for node in keywords if node.arg == name}
    if len(values) != 1:
        raise ValueError(f"{module} passes {len(values)} values as {name}")
    return ast.literal_eval(values.pop())


def _parse(module: str) -> ast.Module:
    path = ROOT / (module.replace(".", "/") + ".py")
    return ast.parse(path.read_bytes(), filename=str(path))


def _line(module: str, node: ast.ClassDef) -> list[tuple[str, ast.ClassDef]]:
    """Give a class and what it derives from, as far as that lies in this project: path and source of each."""
    line = [(f"{module}.{node.name}", node)]
    tree = _parse(module)
    places = {
        alias.asname or alias.name: (statement.module, alias.name)
        for statement in tree.body
        if isinstance(statement, ast.ImportFrom) and statement.module
        for alias in statement.names
    }
    places |= {other.name: (module, other.name) for other in tree.body if isinstance(other, ast.ClassDef)}
    for base in node.bases:
        home, name = places.get(ast.unparse(base), ("", ""))
        if home.partition(".")[0] in ("bench", "methods"):
            [parent] = [
                other for other in _parse(home).body if isinstance(other, ast.ClassDef) and other.name == name
            ]
            line += _line(home, parent)
    return line


def _assigned(node: ast.Module | ast.ClassDef) -> dict[str, ast.expr]:
    """Give what is assigned to each name of a body."""
    found = {}
    for statement in node.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                found[name] = value
            case ast.AnnAssign(target=ast.Name(id=name), value=value) if value is not None:
                found[name] = value
    return found


def _fields(node: ast.ClassDef) -> list[Field]:
    found = []
    for statement in node.body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=kind, value=value):
                if not ast.unparse(kind).startswith("ClassVar"):
                    found.append(Field(name, ast.unparse(kind), ast.unparse(value) if value else ""))
    return found


def _names(value: ast.expr) -> frozenset[str]:
    """Evaluate ``frozenset({...})``."""
    match value:
        case ast.Call(func=ast.Name(id="frozenset"), args=[given]):
            return frozenset(ast.literal_eval(given))
    raise ValueError(f"not a frozenset of names: {ast.unparse(value)}")


def _check(module: str, name: str) -> Check:
    functions = {node.name: node for node in _parse(module).body if isinstance(node, ast.FunctionDef)}
    return Check(
        name.replace("_", " "),
        _docstring(functions[name]).partition("\n")[0],
        tuple(dict.fromkeys(_messages(name, functions))),
    )


def _messages(name: str, functions: dict[str, ast.FunctionDef]) -> list[str]:
    """List what a check says, and what the functions of its own module that it calls say for it."""
    found = []
    for node in sorted(ast.walk(functions[name]), key=lambda node: getattr(node, "lineno", 0)):
        match node:
            case ast.Raise(exc=ast.Call(func=ast.Name(id="ConformanceError"), args=[message])):
                found.append(_text(message))
            case ast.Call(func=ast.Name(id=other)) if other in functions and other != name:
                found += _messages(other, functions)
    return found


def _text(message: ast.expr) -> str:
    if isinstance(message, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else HOLE for part in message.values)
    return str(ast.literal_eval(message))


def _docstring(node: ast.ClassDef | ast.FunctionDef) -> str:
    text = ast.get_docstring(node)
    if not text:
        raise ValueError(f"{node.name} has no docstring")
    return text

"""What the pages take from the code, which griffe reads and never runs, so that they need no torch."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import griffe

ROOT = Path(__file__).parents[1]
CONTRACT = "bench.method"
SUITE = "bench.conformance.suite"
DECLARATION = "bench.conformance.declaration_checks.declares_itself"
HOLE = "…"
"""In a message, what is filled in only when it is raised."""

LOADER = griffe.GriffeLoader(search_paths=[ROOT], allow_inspection=False)
for package in ("bench", "methods"):
    LOADER.load(package)
LOADER.resolve_aliases()
CODE = LOADER.modules_collection


@dataclass(frozen=True)
class Entry:
    """A method of the project, as its file declares it.

    Args:
        name: the name on the command line.
        summary: the first line of its file.
        path: of the class, such as ``methods.sure.Sure``.
        needs: what it sees.
        noises: the noise models for which it is defined.
        precision: the lowest in which it is stable.
        trained: whether it learns at all.
        file: its source file.
    """

    name: str
    summary: str
    path: str
    needs: tuple[str, ...]
    noises: tuple[str, ...]
    precision: str
    trained: bool
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
    """A check of the conformance suite: its name, what it asks, and its message for each fault."""

    name: str
    asks: str
    messages: tuple[str, ...]


def entries() -> list[Entry]:
    """Read every method of the project, by name."""
    return [entry_of(module) for _, module in sorted(CODE["methods"].modules.items())]


def entry_of(module: griffe.Module) -> Entry:
    """Read one method.

    Raises:
        ValueError: the module does not hold one class that is a method.
    """
    own = [cls for cls in module.classes.values() if not cls.is_alias]
    found = [cls for cls in own if f"{CONTRACT}.Method" in _bases(cls)]
    if len(found) != 1:
        raise ValueError(f"{module.path} holds {len(found)} methods, not one")
    [method] = found
    declared = {name: _value(method.all_members[name]) for name in ("needs", "noises", "precision")}
    return Entry(
        name=module.name,
        summary=_summary(module),
        path=method.path,
        needs=tuple(need for need in constants(CONTRACT)["NEEDS"] if need in declared["needs"]),
        noises=tuple(model["name"] for model in noise_models() if model["name"] in declared["noises"]),
        precision=declared["precision"],
        trained=f"{CONTRACT}.Untrained" not in _bases(method),
        file=Path(str(module.filepath)),
    )


def noise_models() -> list[dict[str, Any]]:
    """Read each noise model: its name, formula, symbol, usual parameter and range of blind training."""
    return [
        {name: _value(model[name]) for name in ("name", "example", "blind_range")}
        | {"formula": _summary(model).rstrip("."), "symbol": model.parameters[-1].name}
        for model in CODE["bench.noise.models"].classes.values()
        if "name" in model.attributes and model["name"].value
    ]


def checks() -> dict[str, list[Check]]:
    """Read the checks of the conformance suite in their order, by the name of their tuple."""
    return {"DECLARATION": [_check(CODE[DECLARATION])]} | {
        name: [_check(CODE[check.canonical_path]) for check in group.value.elements]
        for name, group in CODE[SUITE].attributes.items()
        if name.endswith("_CHECKS")
    }


def constants(module: str) -> dict[str, Any]:
    """Read the names of a module that are assigned plain numbers, texts or tuples of them."""
    found = {}
    for name, attribute in CODE[module].attributes.items():
        try:
            found[name] = _value(attribute)
        except ValueError:
            continue
    return found


def _value(attribute: griffe.Attribute) -> Any:
    """Evaluate a plain value, or the set of ``frozenset({...})``."""
    value = attribute.value
    if isinstance(value, griffe.ExprCall) and str(value.function) == "frozenset":
        value = value.arguments[0]
    return ast.literal_eval(str(value))


def _bases(cls: griffe.Class) -> set[str]:
    return {base.path for base in cls.mro()}


def _summary(documented: griffe.Object) -> str:
    if documented.docstring is None:
        raise ValueError(f"{documented.path} has no docstring")
    return documented.docstring.value.partition("\n")[0]


def _check(function: griffe.Function) -> Check:
    messages = tuple(dict.fromkeys(_messages(function)))
    return Check(function.name.replace("_", " "), _summary(function), messages)


def _messages(function: griffe.Function) -> list[str]:
    """List the messages of a check, and of the functions of its own module that it calls."""
    others = {name: other for name, other in function.parent.functions.items() if name != function.name}
    found = []
    for node in sorted(ast.walk(ast.parse(function.source)), key=lambda node: getattr(node, "lineno", 0)):
        match node:
            case ast.Raise(exc=ast.Call(func=ast.Name(id="ConformanceError"), args=[message])):
                found.append(_text(message))
            case ast.Call(func=ast.Name(id=name)) if name in others:
                found += _messages(others[name])
    return found


def _text(message: ast.expr) -> str:
    if isinstance(message, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else HOLE for part in message.values)
    return str(ast.literal_eval(message))

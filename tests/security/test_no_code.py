"""No module unpickles, evaluates or executes the content of a file."""

from __future__ import annotations

import ast

import pytest

from tests.support.repository import ROOT

SOURCES = sorted(file for folder in ("bench", "methods") for file in (ROOT / folder).rglob("*.py"))

UNPICKLERS = {"pickle", "_pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "jsonpickle"}
HARMLESS = {("pickle", "UnpicklingError")}  # an exception, which torch raises
NEVER = {"read_pickle", "load_module", "exec_module", "system", "popen"}  # of any module
OWNED = {("builtins", name) for name in ("eval", "exec", "compile", "__import__")}
OWNED |= {("yaml", name) for name in ("load", "unsafe_load", "full_load")}
OWNED |= {("joblib", "load"), ("hub", "load")}
WEIGHTS = {"get_state_dict", "load_state_dict_from_url"}  # of any module
NOT_OTHERWISE = {"allow_pickle": False, "trust_remote_code": False, "shell": False, "weights_only": True}


def faults(code: str) -> list[str]:
    """List where a module could run what it reads."""
    return [
        f"line {node.lineno}: {fault}" for node in ast.walk(ast.parse(code)) for fault in _faults_of(node)
    ]


def _faults_of(node: ast.AST) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [f"import {one.name}" for one in names if one.name.partition(".")[0] in UNPICKLERS]
        case ast.ImportFrom(module=str(module), names=names):
            bad = [one.name for one in names if (module, one.name) not in HARMLESS]
            root = module.partition(".")[0]
            if root not in UNPICKLERS:
                bad = [name for name in bad if (root, name) in OWNED | {("torch", "load")}]
            return [f"from {module} import {name}" for name in bad]
        case ast.Call(func=function, keywords=keywords):
            return _faults_of_call(*_called(function), keywords)
    return []


def _called(function: ast.expr) -> tuple[str, str]:
    """Return the last two names of a called function, such as ``torch`` and ``load``."""
    match function:
        case ast.Name(id=name):
            return "builtins", name
        case ast.Attribute(value=ast.Name(id=owner) | ast.Attribute(attr=owner), attr=name):
            return owner, name
        case ast.Attribute(attr=name):
            return "", name
    return "", ""


def _faults_of_call(owner: str, name: str, keywords: list[ast.keyword]) -> list[str]:
    given = {one.arg: one.value.value for one in keywords if isinstance(one.value, ast.Constant)}
    computed = {one.arg for one in keywords if not isinstance(one.value, ast.Constant)}
    call = f"{owner}.{name}()"
    found = []
    if name in NEVER or (owner, name) in OWNED:
        found.append(call)
    if (name in WEIGHTS or (owner, name) == ("torch", "load")) and given.get("weights_only") is not True:
        found.append(f"{call} without weights_only=True")
    for argument, value in NOT_OTHERWISE.items():
        if argument in computed or given.get(argument, value) is not value:
            found.append(f"{call} with {argument}")
    return found


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_module_runs_what_it_reads(file):
    assert faults(file.read_text(encoding="utf-8")) == []


def test_every_module_is_checked():
    assert len(SOURCES) > 90


FAULTY = [
    "import pickle",
    "import numpy, marshal as m",
    "from pickle import loads",
    "from shelve import open",
    "import cloudpickle.cloudpickle",
    "from joblib import load",
    "joblib.load(path)",
    "import torch\ntorch.load(path)",
    "torch.load(path, weights_only=False)",
    "torch.load(path, weights_only=sure)",
    "from torch import load",
    "weights.get_state_dict(progress=False)",
    "AlexNet_Weights.IMAGENET1K_V1.get_state_dict()",
    "torch.hub.load('a/b', 'c')",
    "np.load(path, allow_pickle=True)",
    "np.lib.format.read_array(file, allow_pickle=anything)",
    "pd.read_pickle(path)",
    "yaml.load(text)",
    "eval('1')",
    "exec(code)",
    "exec(compile(code, 'x', 'exec'))",
    "builtins.eval('1')",
    "os.system('ls')",
    "subprocess.run(command, shell=True)",
    "load_dataset(name, trust_remote_code=True)",
    "__import__(name)",
]

SOUND = [
    "from pickle import UnpicklingError",
    "torch.load(path, weights_only=True)",
    "weights.get_state_dict(check_hash=True, weights_only=True)",
    "np.load(path)",
    "np.load(path, allow_pickle=False)",
    "re.compile('a')",
    "json.load(file)",
    "net.eval()",
    "build(net).eval()",
    "torch.compile(net)",
    "subprocess.run(command)",
    "load_dataset(name)",
    "from joblib import Parallel",
]


@pytest.mark.parametrize("code", FAULTY)
def test_code_that_runs_what_it_reads_is_found(code):
    assert faults(code)


@pytest.mark.parametrize("code", SOUND)
def test_harmless_code_is_accepted(code):
    assert faults(code) == []

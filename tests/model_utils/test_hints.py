"""What the models share says what it takes and returns: hints, docstrings, sizes of files."""

import ast
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SETS = ("model_utils", "sfm_utils")
FILES = [path for name in SETS for path in REPOSITORY.glob(f"*/src/{name}/*.py")]
FILES = sorted({path.relative_to(path.parents[1]): path for path in FILES}.values())
LENGTH, COUNT = 250, {"model_utils": 32, "sfm_utils": 33}
BY_MINDSPORE = ("construct", "bprop")


def public(tree, inside=""):
    """(name, function) of the public functions and methods of a file."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from public(node, f"{node.name}.")
        elif isinstance(node, ast.FunctionDef):
            is_init = inside and node.name in ("__init__", "__call__", "__len__")
            if is_init or not node.name.startswith("_"):
                yield f"{inside}{node.name}", node


def without_hints(function):
    """Names of its arguments without a hint, and "return"."""
    given = function.args
    arguments = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    bare = [a.arg for a in arguments if a is not None and a.annotation is None]
    bare = [name for name in bare if name not in ("self", "cls")]
    return bare + (["return"] if function.returns is None and function.name != "__init__" else [])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_public_functions_have_hints(path):
    found = {name: without_hints(f) for name, f in public(ast.parse(path.read_text()))}
    bare = {
        name: names
        for name, names in found.items()
        if names and name.split(".")[-1] not in BY_MINDSPORE
    }
    assert not bare


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_public_functions_and_classes_say_what_they_do(path):
    """One sentence at least; what overrides a documented method need not repeat it."""
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree)
    names = [(n.name, n) for n in tree.body if isinstance(n, (ast.FunctionDef, ast.ClassDef))]
    found = [name for name, n in names if name[0] != "_" and not ast.get_docstring(n)]
    assert not found


def test_files_are_short_and_few():
    long = {p.name: n for p in FILES if (n := len(p.read_text().splitlines())) > LENGTH}
    assert not long
    for folder in (folder for name in SETS for folder in REPOSITORY.glob(f"*/src/{name}")):
        modules = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
        assert len(modules) <= COUNT[folder.name], folder
        assert not [path for path in folder.iterdir() if path.is_dir() and path.name[0] != "_"]

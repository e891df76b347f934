"""What the models use of MindSpore, found in their source.

Names: an attribute chain (`ops.concat`, `ms.nn.Cell`) is followed through what its first word was
imported as to the first class or function. A dtype or a mode is neither and left out.

Tensor methods: the source does not say what is a tensor. In graph code (see `graph_functions`)
every attribute counts that a Tensor has, unless it is read from a module or from `self`; in other
code those that are called and that only a Tensor has (`asnumpy`).
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections import defaultdict
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import mindspore as ms
import numpy as np

from tests.conftest import REPOSITORY

SHARED = ("model_utils", "sfm_utils")
_COMPILERS = ("jit", "value_and_grad", "grad")
_OTHERS = (
    *(str, bytes, list, dict, set, Path, re.Pattern),
    *(np.ndarray, np.random.Generator, ms.nn.Cell),
)


@dataclass
class Module:
    """A source file: its place in messages, its tree, and what it imports of MindSpore."""

    place: str
    tree: ast.Module
    imported: dict[str, str] = field(default_factory=dict)

    def __post_init__(self):
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    name = alias.name if alias.asname else alias.name.split(".")[0]
                    self.imported[alias.asname or name] = name
            elif isinstance(node, ast.ImportFrom):
                start = "." * node.level + (node.module or "")
                for alias in node.names:
                    self.imported[alias.asname or alias.name] = f"{start}.{alias.name}"


@dataclass(frozen=True)
class Use:
    """One place where a class, function or Tensor method of MindSpore is used.

    Attributes:
        name: as it is imported, "mindspore.ops.concat"; "mindspore.Tensor.sum" for a method.
        place: file; of a shared one without the model.
        line: in that file.
        call: the call of it, None where it is passed on, inherited from or read.
    """

    name: str
    place: str
    line: int
    call: ast.Call | None


def read_models(root: Path = REPOSITORY) -> list[Module]:
    """The models' programs; of the shared files, whose copies are equal, one copy each."""
    chosen = {}
    for model in sorted(path.parent.name for path in root.glob("*/config.yaml")):
        for path in sorted((root / model).rglob("*.py")):
            parts = path.relative_to(root).parts
            is_shared = len(parts) > 3 and parts[2] in SHARED
            chosen.setdefault("/".join(parts[1:] if is_shared else parts), path)
    return [Module(place, ast.parse(path.read_text())) for place, path in chosen.items()]


@lru_cache(None)
def documented(name: str) -> object | None:
    """The class or function of that name, None for anything else.

    Raises:
        AttributeError: the installed MindSpore does not have it.
    """
    words, found = name.split("."), None
    for count in range(len(words), 0, -1):
        try:
            found = importlib.import_module(".".join(words[:count]))
        except ImportError:
            continue
        for word in words[count:]:
            found = getattr(found, word)
        break
    return found if inspect.isclass(found) or inspect.isroutine(found) else None


def named(module: Module) -> list[Use]:
    """Uses of classes and functions by name."""
    calls = {id(node.func): node for node in ast.walk(module.tree) if isinstance(node, ast.Call)}
    inner = {id(node.value) for node in ast.walk(module.tree) if isinstance(node, ast.Attribute)}
    uses = []
    for node in ast.walk(module.tree):
        first, *rest = _chain(node)
        name = module.imported.get(first, "")
        if id(node) in inner or name.split(".")[0] != "mindspore":
            continue
        # What follows a class or a function, as in `ms.Tensor.from_numpy`, belongs to it.
        while rest and not _is_operator(name):
            name = f"{name}.{rest.pop(0)}"
        if _is_operator(name):
            uses.append(Use(name, module.place, node.lineno, calls.get(id(node))))
    return uses


def _is_operator(name):
    """Whether a name is a class or a function; what is not there counts, so that it is noticed."""
    try:
        return documented(name) is not None
    except AttributeError:
        return True


def _chain(node):
    """The words of `a.b.c`, or one that nothing is called."""
    words = []
    while isinstance(node, ast.Attribute):
        words.insert(0, node.attr)
        node = node.value
    return [node.id if isinstance(node, ast.Name) else "", *words]


class _Functions:
    """The functions of all modules, and which of them MindSpore compiles."""

    def __init__(self, modules):
        self.by_name = defaultdict(list)  # (module, function, whether it is a Cell's method)
        classes = [node for module in modules for node in ast.walk(module.tree)]
        classes = [node for node in classes if isinstance(node, ast.ClassDef)]
        cells = {node.name for node in classes if _has_construct(node)} | {"Cell"}
        cells = [node for node in classes if _has_construct(node) or _bases(node) & cells]
        self.methods = {id(part) for cell in cells for part in cell.body}
        for module in modules:
            for node in ast.walk(module.tree):
                if isinstance(node, ast.FunctionDef) and "constexpr" not in _decorators(node):
                    self.by_name[node.name].append((module, node))

    def roots(self):
        """(module, function) of what MindSpore is given."""
        for name, found in self.by_name.items():
            for module, node in found:
                is_method = id(node) in self.methods and name in ("construct", "bprop")
                if is_method or name == "forward" or name in _compiled_names(module.tree):
                    yield module, node

    def called(self, module, function):
        """(module, function) of what a function may call."""
        for node in ast.walk(function):
            if not isinstance(node, ast.Call):
                continue
            *owner, name = _chain(node.func)
            if isinstance(node.func, ast.Attribute):
                name = node.func.attr  # what `flows[0].join()` calls has no chain
            found = [part for part in self.by_name[name] if self.is_method(part) == bool(owner)]
            if len(owner) < 2 and (owner or [name])[0] in module.imported:
                source = module.imported[(owner or [name])[0]].split(".")
                source = source[-1] if owner else source[-2]
                found = [part for part in self.by_name[name] if source in _path(part[0])]
            elif not owner and isinstance(node.func, ast.Name):
                found = [part for part in found if part[0] is module]
            elif owner == ["self"]:
                found = [part for part in found if part[0] is module] or found
            yield from found

    def is_method(self, part):
        return id(part[1]) in self.methods


def graph_functions(modules: list[Module]) -> dict[str, list[ast.FunctionDef]]:
    """The functions that MindSpore compiles, by the place of their module.

    They are `construct`, `bprop`, `forward`, what is given to `jit` or `value_and_grad`, and what
    those call: a function of the same module or an imported one, a method of a Cell. Constants of a
    graph (`constexpr`) are computed in Python and left out.
    """
    functions, reached, found = _Functions(modules), {}, defaultdict(list)
    todo = list(functions.roots())
    while todo:
        module, node = todo.pop()
        if id(node) not in reached:
            reached[id(node)] = node
            found[module.place].append(node)
            todo += functions.called(module, node)
    return found


def _path(module):
    return module.place.removesuffix(".py").split("/")


def _has_construct(node):
    return any(isinstance(part, ast.FunctionDef) and part.name == "construct" for part in node.body)


def _bases(node):
    return {_chain(base)[-1] for base in node.bases}


def _compiled_names(tree):
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args]
    calls = [node for node in calls if _chain(node.func)[-1] in _COMPILERS]
    return {_chain(node.args[0])[-1] for node in calls} - {""}


def _decorators(node):
    return [_chain(part)[-1] for part in node.decorator_list]


def methods(modules: list[Module]) -> list[Use]:
    """Uses of Tensor methods and properties."""
    graphs, uses = graph_functions(modules), []
    for module in modules:
        inside = [node for root in graphs.get(module.place, ()) for node in ast.walk(root)]
        uses += _attributes(module, inside)
        outside = _attributes(module, ast.walk(module.tree))
        uses += [use for use in outside if use.call and _is_only_a_tensors(use.name)]
    return list({(use.name, use.place, use.line, id(use.call)): use for use in uses}.values())


def _is_only_a_tensors(name):
    return not any(hasattr(kind, name.rpartition(".")[2]) for kind in _OTHERS)


def _attributes(module, nodes):
    nodes = list(nodes)
    calls = {id(node.func): node for node in nodes if isinstance(node, ast.Call)}
    for node in nodes:
        if isinstance(node, ast.Attribute) and hasattr(ms.Tensor, node.attr):
            owner = _chain(node.value)
            if owner != ["self"] and owner[0] not in module.imported:
                name = f"mindspore.Tensor.{node.attr}"
                yield Use(name, module.place, node.lineno, calls.get(id(node)))

"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Compiled graphs that are kept between runs, each under a name made from all that it depends on.

MindSpore can keep what it compiled, but it numbers the files in the order of compilation, whatever
they hold. Here each graph has a file of its own, named by a hash of MindSpore's version, the
program with its sources, the cells with their attributes and parameters, and the shapes of the
inputs. MindSpore sees it in a temporary folder under the number that it expects; weights are no
part of it. Once a process has compiled one, MindSpore compiles all that follow, whatever is kept.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import hashlib
import inspect
import itertools
import os
import shutil
import sys
import tempfile
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mindspore as ms
import numpy as np
from mindspore import nn

from .cpu_forms import device_target
from .errors import InputError
from .files import append_record, keep_newest, read_record, replacing

_DEPENDENCY = "compile_dependency.hash"  # MindSpore's own hash of the program, beside its graphs
_ENABLE, _PATH = "MS_COMPILER_CACHE_ENABLE", "MS_COMPILER_CACHE_PATH"
_PREFIX, _DAY = "mindspore-depth-zoo-graphs-", 24 * 60 * 60  # of temporary folders; seconds
_KEPT = 40  # graphs; those not used for longest go
_DIGITS = 16  # of the program's hash, with which a graph's name begins
_NUMBERS = itertools.count()  # of this process's compilations, as MindSpore counts them
_PLAIN = (bool, int, float, str, bytes, type(None), np.generic, ms.ops.Primitive)
# Of a cell: when and how it was made, and its parameters and cells, which are described themselves.
_OF_NO_GRAPH = {"_create_time", "_id", "_cell_init_args", "_params", "_cells", "_params_list"}
_SOURCE = Path(__file__).parents[1]


class _UnknownError(ValueError):
    """Something of a cell whose part in the graph cannot be told."""


def default_folder() -> Path | None:
    """Where graphs are kept: below $XDG_CACHE_HOME, or ~/.cache; None for a user without a home."""
    try:
        caches = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    except RuntimeError:
        return None
    return caches / "mindspore_depth_zoo"


def with_graph_cache(
    cell: nn.Cell, eager: bool = False, folder: Path | None = None
) -> Callable[..., Any]:
    """The cell in evaluation mode as a function, whose graphs come from a former run if they can.

    A cell that the cache cannot describe is compiled as ever. So is every cell on other devices
    than CPU, whose graphs depend on drivers too, and where the user switched MindSpore's cache on.

    Args:
        cell: with its weights.
        eager: on CPU compile nothing: what no former run compiled runs operator by operator. For a
            single image: compiling takes longer.
        folder: for the graphs; None: `default_folder`.
    """
    cell.set_train(False)
    if device_target() != "CPU":
        return cell
    folder, program = folder or default_folder(), _program(ms.__version__)
    is_kept = folder and os.environ.get(_ENABLE) != "1"
    if is_kept and eager:  # without a graph of this program the cell is not worth describing
        is_kept = any(folder.glob(f"{program}*"))
    name = _name_of(cell) if is_kept else None
    seen = {}  # {shapes: whether they have a graph}
    if eager:
        # Else Python waits by spinning on a core that the operators need (MiDaS: 2.1 s, not 1.6).
        ms.runtime.launch_blocking()

    def run(*inputs: ms.Tensor) -> Any:
        shapes = tuple((x.shape, str(x.dtype)) for x in inputs)
        graph = name and folder / f"{program}-{_hash((name, shapes))}.graph"
        is_new = shapes not in seen
        if is_new:
            seen[shapes] = not eager or bool(graph and _is_intact(graph))
        if eager:
            ms.set_context(mode=ms.GRAPH_MODE if seen[shapes] else ms.PYNATIVE_MODE)
        is_compiling = is_new and ms.get_context("mode") == ms.GRAPH_MODE
        with _shown(graph) if graph and is_compiling else contextlib.nullcontext():
            return cell(*inputs)

    return run if name or eager else cell


def _hash(value):
    return hashlib.sha256(repr(value).encode()).hexdigest()


@functools.cache
def _program(version):
    """The first digits of a hash of MindSpore's version, the program's file and the sources."""
    files = [Path(sys.argv[0]).resolve(), *sorted(_SOURCE.rglob("*.py"))]
    contents = [_content(file) for file in files if file.is_file()]
    return _hash((version, str(files[0]), contents))[:_DIGITS]


def _content(file):
    return os.path.relpath(file, _SOURCE), hashlib.sha256(file.read_bytes()).hexdigest()


def _name_of(cell):
    """A hash of what a cell's graphs depend on, but for the shapes of the inputs; None: unknown."""
    try:
        described = [_content(file) for file in sorted(_sources(cell))]
        for name, part in cell.cells_and_names():
            kind = type(part).__module__, type(part).__qualname__
            own = {k: v for k, v in sorted(vars(part).items()) if k not in _OF_NO_GRAPH}
            described.append((name, kind, _value(own)))
    except (_UnknownError, OSError):
        return None
    parameters = cell.get_parameters()
    return _hash((described, [(p.name, p.shape, str(p.dtype)) for p in parameters]))


def _sources(cell):
    """Files of the cells' classes, but for MindSpore's own."""
    kinds = {type(part) for _, part in cell.cells_and_names()}
    own = [kind for kind in kinds if not kind.__module__.startswith("mindspore.")]  # its version
    try:
        return {Path(inspect.getfile(kind)) for kind in own}
    except TypeError:
        raise _UnknownError from None


def _value(value):
    """An attribute in a form whose repr is the same in every run."""
    if isinstance(value, _PLAIN):
        return repr(value)
    if isinstance(value, (tuple, list)):
        return [_value(item) for item in value]
    if isinstance(value, set):
        return sorted(map(repr, map(_value, value)))
    if isinstance(value, dict):
        return [(repr(key), _value(item)) for key, item in value.items()]
    if isinstance(value, (ms.Parameter, nn.Cell)):
        return value.name if isinstance(value, ms.Parameter) else "a cell"
    if isinstance(value, (ms.Tensor, np.ndarray)):
        array = np.ascontiguousarray(value.numpy() if isinstance(value, ms.Tensor) else value)
        return array.shape, array.dtype.str, hashlib.sha256(array).hexdigest()
    if isinstance(value, types.FunctionType) and not value.__closure__:
        return value.__module__, value.__qualname__
    kind = type(value)
    if kind.__module__ == "mindspore._c_expression" and hasattr(value, "name"):
        return repr(value)  # an enumeration, such as MixedPrecisionType
    if kind.__module__ == "mindspore.common.initializer":
        return kind.__qualname__
    if kind.__module__ == "mindspore._c_expression.typing":
        return str(value)  # a data type
    raise _UnknownError(f"{kind.__module__}.{kind.__qualname__}")


@functools.cache
def _place():
    """The folder that MindSpore looks into; it takes the first one that it is told of."""
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):  # by a process that was killed
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _DAY:
                shutil.rmtree(left, ignore_errors=True)
    folder = tempfile.mkdtemp(prefix=_PREFIX)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ[_PATH] = folder
    place = Path(folder, "rank_0", "graph_cache")
    place.mkdir(parents=True)
    return place


def _is_intact(path):
    with contextlib.suppress(InputError, OSError, ValueError):
        return _DEPENDENCY in read_record(path)
    return False


@contextlib.contextmanager
def _shown(path: Path) -> Iterator[None]:
    """MindSpore finds the file's graph, or the file is written from what it compiles."""
    graph, was_there = _prepared(path)
    os.environ[_ENABLE] = "1" if graph else "0"
    try:
        yield
    finally:
        os.environ[_ENABLE] = "0"
    if graph and graph.is_file() and not was_there:
        with contextlib.suppress(OSError):
            _pack(path, graph)


def _prepared(path):
    """(Where MindSpore looks for the graph or writes it, whether an intact one is there)."""
    try:
        graph = _place() / f"compile_cache_{next(_NUMBERS)}.mindir"
        if was_there := _is_intact(path):
            _unpack(path, graph)
    except OSError:  # a full disk costs the cache only
        return None, False
    return graph, was_there


def _unpack(path, graph):
    """Copy a kept graph to where MindSpore looks for it."""
    shutil.copyfile(path, graph)
    (graph.parent / _DEPENDENCY).write_text(read_record(path)[_DEPENDENCY])
    os.utime(path)


def _pack(path, graph):
    """Keep a graph; MindSpore skips the record at its end."""
    with replacing(path) as temporary:
        shutil.copyfile(graph, temporary)
        append_record(temporary, {_DEPENDENCY: (graph.parent / _DEPENDENCY).read_text()})
    keep_newest(path.parent, "*.graph", _KEPT)

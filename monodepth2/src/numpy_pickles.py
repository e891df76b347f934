"""Pickles of numpy arrays, read without running anything that they hold.

Ground truth (gt_depths.npz) and Paddle's weights (.pdparams) are such pickles. Python's own
unpickler, and numpy's allow_pickle, call whatever functions a file names.
"""

from __future__ import annotations

import math
import pickle
import re
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from .model_utils.errors import InputError, shown

_OPCODES = """PROTO FRAME STOP MARK POP NONE NEWTRUE NEWFALSE INT BININT BININT1 BININT2 LONG LONG1
FLOAT BINFLOAT STRING BINSTRING SHORT_BINSTRING UNICODE BINUNICODE SHORT_BINUNICODE BINBYTES
SHORT_BINBYTES EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_LIST APPEND APPENDS SETITEM SETITEMS
GET BINGET LONG_BINGET PUT BINPUT LONG_BINPUT MEMOIZE GLOBAL STACK_GLOBAL REDUCE"""
_MOST_DIMENSIONS = 16
_PART = 1 << 24  # bytes that are read at a time


def load_arrays(file: BinaryIO, path: str | Path) -> Any:
    """The object of a pickle that holds numpy arrays of numbers.

    Args:
        file: opened at the pickle's first byte; of a compressed entry it is read piece by piece.
        path: of the file, for messages.
    Returns:
        Arrays (in the machine's byte order, read-only where that saves a copy), numbers, texts,
        bytes, and tuples, lists and dicts (keys: texts and numbers) of these. An array of
        objects is a list of what it holds.
    Raises:
        InputError: damaged, or it holds anything else.
    """
    try:
        return _plain(_Unpickler(_Parts(file), path).load(), {})
    except InputError:
        raise
    except Exception as err:  # a damaged file can raise nearly everything, MemoryError too
        text = f"{path} is damaged: no complete pickle of arrays; use another copy"
        raise InputError(text) from err


class _Parts:
    """A file whose damaged lengths do not ask for gigabytes at once."""

    def __init__(self, file):
        self.file, self.readline = file, lambda: file.readline(1 << 16)

    def read(self, size):
        if size <= _PART:
            return self.file.read(size)
        found = bytearray()
        while len(found) < size and (part := self.file.read(min(_PART, size - len(found)))):
            found += part
        return bytes(found)


class _Dtype:
    """numpy.dtype: a kind of number, or objects; its order of bytes comes later."""

    def __init__(self, name, align=False, copy=True):
        if not (isinstance(name, str) and re.fullmatch(r"[fiu][1248]|b1|O8?", name)):
            raise TypeError(f"dtype {shown(name)}")
        self.name, self.order = name, "|"

    def build(self, state):
        self.order = state[1]
        if self.order not in ("<", ">", "|", "=") or any(state[2:5]):
            raise ValueError("no dtype of numbers")

    def values(self, data):
        dtype = np.dtype(self.name).newbyteorder(self.order)
        values = np.frombuffer(data, dtype)
        return values.astype(dtype.newbyteorder("="), copy=False)


class _Array:
    """An array as numpy writes it: an empty one first, then its state."""

    def __init__(self, *_):
        self.content = None

    def build(self, state):
        _, shape, dtype, is_fortran, data = state
        self.fill(dtype, shape, "F" if is_fortran else "C", data)

    def fill(self, dtype, shape, order, data):
        if len(shape) > _MOST_DIMENSIONS or any(type(n) is not int or n < 0 for n in shape):
            raise ValueError("shape of an array")
        if dtype.name.startswith("O"):
            if len(data) != math.prod(shape):
                raise ValueError("another number of objects")
            self.content = list(data)
        else:
            data = data.encode("latin1") if isinstance(data, str) else data
            self.content = dtype.values(data).reshape(shape, order=order)


def _from_buffer(data, dtype, shape, order):
    """numpy.core.numeric._frombuffer, of pickle protocol 5."""
    array = _Array()
    array.fill(dtype, shape, order, data)
    return array


def _scalar(dtype, data):
    """numpy.core.multiarray.scalar: a number."""
    array = _Array()
    array.fill(dtype, (), "C", data)
    return array


def _encode(text, encoding):
    """_codecs.encode: how Python 3 writes bytes in the protocols of Python 2."""
    if encoding != "latin1":
        raise ValueError("another encoding than latin1")
    return text.encode("latin1")


def _no_bytes():
    """__builtin__.bytes: how Python 3 writes empty bytes in those protocols."""
    return b""


def _tuple(items):
    """builtins.tuple: how Paddle writes a parameter, (its own name, array)."""
    if not isinstance(items, (tuple, list)):
        raise TypeError("a tuple of what is no list")
    return tuple(items)


class _Dict(dict):
    """Takes simple keys only: the hash of a deeply nested tuple never comes to an end."""

    def __setitem__(self, key, value):
        if not isinstance(key, (str, int, float)):
            raise TypeError("a key that is no name")
        super().__setitem__(key, value)


class _Unpickler(pickle._Unpickler):
    """Admits numpy's arrays and dtypes and calls nothing else.

    The unpickler in Python, whose opcodes can be left out: the one in C sets attributes of what
    is admitted, and takes gigabytes for a memo with one large index.
    """

    admitted = {("numpy", "ndarray"): "ndarray", ("numpy", "dtype"): _Dtype}
    admitted["_codecs", "encode"] = _encode
    admitted["__builtin__", "bytes"] = _no_bytes
    admitted["builtins", "tuple"] = admitted["__builtin__", "tuple"] = _tuple
    for _core in ("numpy.core", "numpy._core"):
        admitted[f"{_core}.multiarray", "_reconstruct"] = _Array
        admitted[f"{_core}.multiarray", "scalar"] = _scalar
        admitted[f"{_core}.numeric", "_frombuffer"] = _from_buffer
    dispatch = {
        getattr(pickle, name)[0]: pickle._Unpickler.dispatch[getattr(pickle, name)[0]]
        for name in _OPCODES.split()
    }
    dispatch[pickle.EMPTY_DICT[0]] = lambda self: self.append(_Dict())

    def __init__(self, file, path):
        super().__init__(file, encoding="latin1")  # as the original reads them
        self.path = path

    def find_class(self, module, name):
        if (module, name) not in self.admitted:
            text = shown(f"{module}.{name}")
            raise InputError(f"{self.path} contains objects other than arrays of numbers: {text}")
        return self.admitted[module, name]

    def load_build(self):
        state, target = self.stack.pop(), self.stack[-1]
        if not isinstance(target, (_Array, _Dtype)):
            raise TypeError("state of what has none")
        target.build(state)

    dispatch[pickle.BUILD[0]] = load_build

    def load_bytearray8(self):
        self.append(self.read(int.from_bytes(self.read(8), "little")))

    dispatch[pickle.BYTEARRAY8[0]] = load_bytearray8


def _plain(value, done):
    """What was unpickled with arrays in place of their parts; each object once (`done`, by id)."""
    if not isinstance(value, (_Array, dict, list, tuple)):
        if isinstance(value, (_Dtype, type)) or callable(value):
            raise TypeError("a part of an array that stands alone")
        return value
    if id(value) not in done:
        if isinstance(value, _Array):
            content = value.content
            if content is None:
                raise ValueError("an array without values")
            found = _plain(content, done) if isinstance(content, list) else content
        elif isinstance(value, dict):
            found = {key: _plain(item, done) for key, item in value.items()}
        else:
            found = type(value)(_plain(item, done) for item in value)
        done[id(value)] = found, value  # kept: its id stays its own
    return done[id(value)][0]

"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

PyTorch's files, read without PyTorch and without running anything that they hold.

They are a pickle and the raw storages of the tensors, in a zip archive (since PyTorch 1.6) or one
after the other. What is damaged raises anything; weights.py turns it into one line.
"""

from __future__ import annotations

import io
import math
import pickle
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from .errors import InputError

_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001  # of PyTorch's files before 1.6
_PARTS = ("model", "state_dict", "model_state_dict")  # of a training state: the weights
_STORAGES = {
    "FloatStorage": "f4",
    "DoubleStorage": "f8",
    "HalfStorage": "f2",
    "BFloat16Storage": "u2",  # the upper half of a float32
    "LongStorage": "i8",
    "IntStorage": "i4",
    "ShortStorage": "i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}
_DTYPES = "float16 bfloat16 float32 float64 int8 uint8 int16 int32 int64 bool"
_OPCODES = """PROTO FRAME STOP MARK POP NONE NEWTRUE NEWFALSE INT BININT BININT1 BININT2 LONG LONG1
FLOAT BINFLOAT STRING BINSTRING SHORT_BINSTRING UNICODE BINUNICODE SHORT_BINUNICODE BINBYTES
SHORT_BINBYTES EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_LIST APPEND APPENDS SETITEM SETITEMS
GET BINGET LONG_BINGET PUT BINPUT LONG_BINPUT MEMOIZE GLOBAL STACK_GLOBAL REDUCE BINPERSID"""
_PLAIN = (bool, int, float, str)  # what a state dict may hold beside tensors
_MOST_DIMENSIONS = 16  # far more than weights have, and fewer than any numpy refuses itself
_MOST_REPEATED = 1 << 20  # elements of a tensor that repeats (expands) a smaller storage


def read_zip(archive: zipfile.ZipFile, name: str, path: Path) -> tuple[dict, dict]:
    """Entries of an archive that torch.save wrote.

    Args:
        archive: the opened file; its entries are known to be no larger than the file.
        name: of the entry that holds the pickle.
        path: of the file, for the errors.
    Returns:
        {name: array} of the tensors, {name: value} of the numbers and texts beside them.
    Raises:
        InputError: objects other than tensors.
    """
    root = name.removesuffix("data.pkl")
    order = f"{root}byteorder"
    is_big = order in archive.namelist() and archive.read(order) == b"big"
    found = Unpickler(io.BytesIO(archive.read(name)), path).load()
    return tensors_of(found, path, lambda key: archive.read(f"{root}data/{key}"), is_big)


def read_legacy(path: Path) -> tuple[dict, dict]:
    """As `read_zip` of PyTorch's form before 1.6: five pickles, then each storage's values.

    Raises:
        InputError: objects other than tensors, or another program's pickle.
    """
    data = path.read_bytes()
    file = io.BytesIO(data)
    if Unpickler(file, path).load() != _MAGIC or Unpickler(file, path).load() != _PROTOCOL:
        raise InputError(f"{path} is a pickle, but not one that torch.save wrote")
    Unpickler(file, path).load()  # about the machine; the values are little-endian on each
    unpickler = Unpickler(file, path)
    found = unpickler.load()
    raw = {}
    for key in Unpickler(file, path).load():
        storage = unpickler.storages[key]
        (count,) = struct.unpack("<q", file.read(8))
        if count != storage.count:
            raise ValueError(f"storage {key} has {count} elements")
        start = file.tell()
        end = file.seek(start + count * storage.dtype.itemsize)
        raw[key] = memoryview(data)[start:end]
    return tensors_of(found, path, raw.__getitem__, is_big=False)


def tensors_of(
    found: Any, path: Path, read: Callable[[str], bytes], is_big: bool
) -> tuple[dict, dict]:
    """The tensors and the rest of what was unpickled; read(key) gives a storage's bytes."""
    for part in _PARTS:
        if isinstance(found, dict) and isinstance(found.get(part), dict):
            found = found[part]
    if not isinstance(found, dict):
        raise InputError(f"{path} holds no dict of tensors, which state_dict() would be")
    tensors = {str(key): value for key, value in found.items() if isinstance(value, Tensor)}
    for tensor in tensors.values():
        tensor.storage.fill(read, is_big)
    rest = {str(key): value for key, value in found.items() if type(value) in _PLAIN}
    return {key: tensor.array() for key, tensor in tensors.items()}, rest


def widen(array: np.ndarray) -> np.ndarray:
    """float16 and bfloat16 as float32; everything in the machine's byte order."""
    if array.dtype.name in ("float16", "bfloat16"):
        return array.astype(np.float32)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


class Storage:
    """The values that one or several tensors show a part of."""

    def __init__(self, kind: str, key: str, count: int):
        if type(key) is not str or type(count) is not int or count < 0:
            raise ValueError("no storage")
        self.kind, self.key, self.count = kind, key, count
        self.dtype = np.dtype(_STORAGES[kind])
        self.values = None

    def fill(self, read: Callable[[str], bytes], is_big: bool) -> None:
        """Take the values from the file, once."""
        if self.values is None:
            values = np.frombuffer(read(self.key), self.dtype.newbyteorder("><"[not is_big]))
            if len(values) != self.count:
                raise ValueError(f"storage {self.key} has {len(values)} elements")
            if self.kind == "BFloat16Storage":
                values = values.astype(np.uint32)
                values <<= 16
                values = values.view(np.float32)
            self.values = widen(values)


@dataclass
class Tensor:
    """The arguments of torch._utils._rebuild_tensor_v2."""

    storage: Storage
    offset: int
    size: tuple
    stride: tuple
    requires_grad: Any = None
    hooks: Any = None
    metadata: Any = None

    def array(self) -> np.ndarray:
        """A view of the storage, once it is known to stay inside."""
        if len(self.size) != len(self.stride) or len(self.size) > _MOST_DIMENSIONS:
            raise ValueError("another number of sizes than strides")
        numbers = [self.offset, *self.size, *self.stride]
        if any(type(number) is not int or number < 0 for number in numbers):
            raise ValueError("sizes that are no numbers")
        count, values = math.prod(self.size), self.storage.values
        steps = sum((n - 1) * stride for n, stride in zip(self.size, self.stride))
        if count > max(len(values), _MOST_REPEATED):
            raise ValueError("more elements than the file can hold")
        if count and self.offset + steps >= len(values):
            raise ValueError("a tensor beyond its storage")
        strides = [stride * values.itemsize for stride in self.stride]
        part = values[self.offset :]
        return np.lib.stride_tricks.as_strided(part, self.size, strides, writeable=False)


class _Dict(dict):
    """Takes simple keys only: the hash of a deeply nested tuple never comes to an end."""

    def __setitem__(self, key, value):
        if not isinstance(key, (str, int, float)):
            raise TypeError("a key that is no name")
        super().__setitem__(key, value)


def _ordered_dict(items=()):
    """The only use of OrderedDict: none or a list of pairs, which Python 2 wrote."""
    found = _Dict()
    for key, value in items:
        found[key] = value
    if items:
        items.clear()  # a list that is given again and again would fill the memory
    return found


class Unpickler(pickle._Unpickler):
    """Admits tensors, numbers, texts, tuples, lists and dicts, and calls nothing else.

    It is the unpickler in Python, whose opcodes can be left out and replaced: the one in C sets
    attributes of what is admitted, and takes gigabytes for a memo with one large index.
    """

    admitted = {("torch", name): name for name in (*_STORAGES, *_DTYPES.split())}
    admitted["torch", "Size"] = lambda size: size
    admitted["torch._utils", "_rebuild_tensor_v2"] = Tensor
    admitted["torch._utils", "_rebuild_parameter"] = lambda data, requires_grad, hooks: data
    admitted["collections", "OrderedDict"] = _ordered_dict
    dispatch = {
        getattr(pickle, name)[0]: pickle._Unpickler.dispatch[getattr(pickle, name)[0]]
        for name in _OPCODES.split()
    }
    dispatch[pickle.EMPTY_DICT[0]] = lambda self: self.append(_Dict())
    dispatch[pickle.BUILD[0]] = lambda self: self.stack.pop()  # an OrderedDict's attributes

    def __init__(self, file: BinaryIO, path: Path):
        super().__init__(file, encoding="utf-8")
        self.path = path
        self.storages = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.admitted:
            text = f"{module}.{name}"[:80]
            text = text if text.isprintable() else ascii(text)
            raise InputError(f"{self.path} contains objects other than tensors: {text}")
        return self.admitted[module, name]

    def persistent_load(self, pid: tuple) -> Storage:
        _, kind, key, _, count = pid[:5]
        if any(pid[5:]):  # a part of another storage, before PyTorch 0.4
            raise InputError(f"{self.path} is of an old form; save it anew with torch 1.6 or later")
        storage = self.storages.setdefault(key, Storage(kind, key, count))
        if (storage.kind, storage.count) != (kind, count):
            raise ValueError(f"storage {key} is two different ones")
        return storage

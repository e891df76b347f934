"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Protobuf's messages read in place, and so the tensors of a .ckpt file.
"""

from __future__ import annotations

import math
import mmap
from pathlib import Path

import mindspore as ms
import numpy as np

_MOST_BITS = 64  # of a variable-length number
_WIDTHS = {1: 8, 5: 4}  # bytes of fixed numbers, by wire type
_LINE = 64  # bytes of a cache line
# All pages at once: one by one, as they are written, they take as long as the copying. Python 3.9,
# which exports for the 310, does not know the flag.
_ROOM = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_POPULATE", 0)
_NAMES = ("Float16", "Float32", "Float64", "Int32", "Int64")
_TYPES = {name.encode(): np.dtype(name.lower()) for name in _NAMES}


def varint(data: bytes | memoryview, place: int) -> tuple[int, int]:
    """A number of seven bits per byte, the lowest first: (int >= 0, the place after it).

    Raises:
        IndexError: the data end in it.
        ValueError: it has more than 64 bits.
    """
    number = 0
    for shift in range(0, _MOST_BITS, 7):
        byte = data[place]
        place += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, place
    raise ValueError("a number in it has too many bytes")


def fields(data: bytes | memoryview) -> dict[int, list[int | bytes | memoryview]]:
    """{number of a field: its values} of a message: numbers, and parts of the data.

    Raises:
        IndexError: the data end in a number.
        ValueError: they are no message.
    """
    if isinstance(data, int):
        raise ValueError("an entry holds a number where a message belongs")
    found, place = {}, 0
    while place < len(data):
        tag, place = varint(data, place)
        kind = tag & 7
        if kind == 0:
            value, place = varint(data, place)
        elif kind == 2 or kind in _WIDTHS:
            size, place = varint(data, place) if kind == 2 else (_WIDTHS[kind], place)
            value, place = data[place : place + size], place + size
            if place > len(data):
                raise ValueError("an entry ends too early")
            value = value if kind == 2 else int.from_bytes(value, "little")
        else:
            raise ValueError("an entry is no message")
        found.setdefault(tag >> 3, []).append(value)
    return found


class _OtherValuesError(Exception):
    """A .ckpt file holds more than whole tensors of the usual types."""


def read_entries(path: Path) -> dict[str, ms.Tensor | str]:
    """{name: tensor, or text} of a .ckpt file, as by MindSpore's load_checkpoint.

    That copies the values four times, and they start anywhere in memory. Here they are copied once,
    and each tensor starts at a cache line: MidasNet takes 0.85 of the time, operator by operator.
    Text, tensors in parts and rare types are left to MindSpore, whose reader crashes on a tensor
    with fewer values than its shape.

    Raises:
        ValueError: a damaged file.
    """
    try:
        with path.open("rb") as file:
            places = _places(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except _OtherValuesError:
        return ms.load_checkpoint(str(path))
    except (IndexError, KeyError, TypeError):
        raise ValueError("its fields are not a checkpoint's") from None
    lines = [-(-content.nbytes // _LINE) for _, _, content in places.values()]
    memory = np.frombuffer(mmap.mmap(-1, sum(lines) * _LINE, flags=_ROOM), np.uint8)
    found, start = {}, 0
    for (name, (kind, shape, content)), count in zip(places.items(), lines):
        values = memory[start : start + content.nbytes]
        values[:] = np.frombuffer(content, np.uint8)
        found[name] = ms.Tensor.from_numpy(values.view(kind).reshape(shape))
        start += count * _LINE
    return found


def _places(content):
    """{name: (type, shape, bytes)} by MindSpore's checkpoint.proto."""
    found = {}
    for value in fields(memoryview(content))[1]:
        entry = fields(value)
        name, tensor = str(entry[1][-1], "utf-8"), fields(entry.get(2, [b""])[-1])
        kind = _TYPES.get(bytes(memoryview(tensor.get(2, [b""])[-1])))
        if kind is None or name in found:
            raise _OtherValuesError
        shape = tuple(tensor.get(1, ()))
        shape = () if shape == (0,) else shape  # MindSpore's form of a single number
        found[name] = kind, shape, memoryview(tensor[3][-1])
    for name, (kind, shape, values) in found.items():
        if math.prod(shape) * kind.itemsize != values.nbytes:
            raise ValueError(f"{name} has {values.nbytes} bytes, its shape is {shape}")
    return found

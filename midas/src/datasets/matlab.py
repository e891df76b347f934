"""Arrays of a MATLAB 5 file, read with every length checked: scipy's reader crashes the process
on some damaged files.

The format: a header of 128 bytes, then elements of a tag (type, number of bytes) and data. A
variable is an element "matrix", or a compressed one that holds it; its parts are elements again:
flags, dimensions, name, values.
"""

import struct
import zlib
from pathlib import Path

import numpy as np

_HEADER = 128
_NUMBERS = {1: "i1", 2: "u1", 3: "<i2", 4: "<u2", 5: "<i4", 6: "<u4", 7: "<f4", 9: "<f8"}
_NUMBERS |= {12: "<i8", 13: "<u8"}
_MATRIX, _COMPRESSED = 14, 15
_MOST = 1 << 26  # bytes that a compressed variable may hold


def read_numbers(path, name):
    """The values of a real numeric variable, flat, in MATLAB's order.

    Args:
        path: a MATLAB 5 file, little-endian.
        name: of the variable.
    Raises:
        OSError: the file cannot be read.
        KeyError: no such variable.
        ValueError: the file is damaged, or of another kind.
    """
    data = Path(path).read_bytes()
    if data[124:128] != b"\x00\x01IM":
        raise ValueError("no MATLAB 5 file")
    for kind, content in _elements(data[_HEADER:]):
        if kind == _COMPRESSED:
            kind, content = _unpacked(content)
        parts = list(_elements(content)) if kind == _MATRIX else []
        if len(parts) > 3 and parts[2][1] == name.encode():
            return _values(*parts[3], _values(*parts[1]))
    raise KeyError(name)


def _elements(data):
    """(type, bytes) of each element."""
    place = 0
    while place < len(data):
        if place + 8 > len(data):
            raise ValueError("truncated")
        kind, size = struct.unpack_from("<II", data, place)
        start = place + 8
        if kind >> 16:  # up to four bytes, within the tag
            kind, size, start = kind & 0xFFFF, kind >> 16, place + 4
        if start + size > len(data) or (start == place + 4 and size > 4):
            raise ValueError(f"truncated or damaged: an element of {size} bytes at {place}")
        yield kind, data[start : start + size]
        padding = 0 if kind == _COMPRESSED else -size % 8
        place = place + 8 if start == place + 4 else start + size + padding


def _unpacked(data):
    """(type, bytes) of the element that a compressed one holds."""
    try:
        unpacked = zlib.decompressobj().decompress(data, _MOST)
    except zlib.error as err:
        raise ValueError(f"a compressed variable is damaged ({err})") from None
    return next(_elements(unpacked), (None, b""))


def _values(kind, data, shape=None):
    """The numbers of an element, as many as the shape says."""
    if kind not in _NUMBERS or len(data) % np.dtype(_NUMBERS[kind]).itemsize:
        raise ValueError(f"damaged, or no numbers: {len(data)} bytes of type {kind}")
    values = np.frombuffer(data, _NUMBERS[kind])
    if shape is not None and len(values) != int(np.prod(shape, dtype=object)):
        raise ValueError(f"{len(values)} numbers, expected {'x'.join(map(str, shape))}")
    return values

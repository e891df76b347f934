"""TensorFlow's checkpoints of version 2, read without TensorFlow.

<prefix>.index is a table (see sstable.py) of {variable: type, shape, file, offset, size, checksum},
<prefix>.data-00000-of-00001, ... are the variables' bytes. Numbers are protobuf's.
"""

import math
import re
from dataclasses import dataclass

import numpy as np

from ..model_utils.errors import InputError, shown
from ..model_utils.protobuf import fields
from .crc32c import masked_crc32c
from .sstable import read_table

# DataType of TensorFlow: what NumPy reads.
_TYPES = {1: "<f4", 2: "<f8", 3: "<i4", 4: "u1", 5: "<i2", 6: "i1", 9: "<i8", 10: "?", 19: "<f2"}
_PART = re.compile(r"\.(index|meta|data-\d{5}-of-\d{5})$")
_MOST_FILES = 100_000  # as five digits hold
_LARGEST = 1 << 31  # a length; with few dimensions also a damaged shape stays small
_MOST_DIMENSIONS = 8


@dataclass(frozen=True)
class Entry:
    """Where a variable lies.

    Attributes:
        type: TensorFlow's number of it.
        shape: tuple of int.
        shard: number of the file.
        offset, size: bytes.
        checksum: masked CRC-32C of these bytes.
        is_sliced: it is stored in pieces, which are entries of their own.
    """

    type: int
    shape: tuple
    shard: int
    offset: int
    size: int
    checksum: int
    is_sliced: bool


def index_path(path):
    """The .index beside any file of a checkpoint; None for another name.

    Args:
        path: Path of an .index, .meta or .data-00000-of-00001.
    """
    prefix = _PART.sub("", path.name)
    return path.with_name(f"{prefix}.index") if prefix and prefix != path.name else None


def read_checkpoint(path, is_wanted):
    """The variables of a checkpoint.

    Args:
        path: Path of its .index.
        is_wanted: function of a name; the bytes of others are not read.
    Returns:
        {name: array}, float32 or as stored, sorted by name as bytes; [names of the others].
    Raises:
        InputError: a missing or damaged file, or a wanted variable that is text or in pieces.
    """
    entries, shards = _read_index(path)
    wanted = {name: entry for name, entry in entries.items() if is_wanted(name)}
    prefix = path.name.removesuffix(".index")
    files = [path.with_name(f"{prefix}.data-{n:05d}-of-{shards:05d}") for n in range(shards)]
    used = {entry.shard: files[entry.shard] for entry in wanted.values()}
    for file in used.values():
        if not file.is_file():
            raise InputError(f"{file} does not exist; put it beside {path.name}")
    # No byte belongs to two variables: a damaged index cannot ask for more than there is.
    if sum(entry.size for entry in wanted.values()) > sum(f.stat().st_size for f in used.values()):
        text = f"{path} lists more bytes than {_names(used.values())} holds"
        raise InputError(f"{text}; copy the checkpoint again")
    arrays = {}
    for shard, file in used.items():
        here = {name: entry for name, entry in wanted.items() if entry.shard == shard}
        arrays.update(_read_data(file, here, path))
    return {name: arrays[name] for name in wanted}, [name for name in entries if name not in wanted]


def _names(paths):
    return ", ".join(path.name for path in paths)


def _read_index(path):
    """({name: Entry}, number of data files)."""
    table = read_table(path)
    try:
        shards = _header(table.pop(b"", None))
        entries = {_name(key): _entry(value) for key, value in table.items() if key[:1] != b"\0"}
    except (ValueError, IndexError) as err:
        reason = str(err) if isinstance(err, ValueError) else "an entry ends too early"
        raise InputError(f"{path} is damaged, {reason}; copy it again") from None
    for name, entry in entries.items():
        if entry.shard >= shards:
            text = f"{path} is damaged, {name} lies in file {entry.shard} of {shards}"
            raise InputError(f"{text}; copy it again")
    return entries, shards


def _name(key):
    name = key.decode("ascii", "replace")
    if not name.isascii() or not name.isprintable():
        raise ValueError(f"a name is {shown(key)}")
    return name


def _header(value):
    """The number of data files."""
    if value is None:
        raise ValueError("it has no header")
    numbers = fields(value)
    if numbers.get(2, [0])[-1]:
        raise ValueError("its numbers are big-endian: save it on another machine")
    shards = numbers.get(1, [0])[-1]
    if not isinstance(shards, int) or not 0 < shards < _MOST_FILES:
        raise ValueError(f"its data are in {shown(shards)} files")
    return shards


def _entry(value):
    """A BundleEntryProto."""
    found = fields(value)
    numbers = {key: found.get(key, [0])[-1] for key in (1, 3, 4, 5, 6)}
    shapes = found.get(2, [b""])
    if not all(isinstance(n, int) for n in numbers.values()) or not isinstance(shapes[-1], bytes):
        raise ValueError("an entry has other fields than a variable's")
    shape = _shape(shapes[-1])
    return Entry(numbers[1], shape, numbers[3], numbers[4], numbers[5], numbers[6], 7 in found)


def _shape(value):
    """A TensorShapeProto."""
    sizes = []
    for dimension in fields(value).get(2, []):
        size = fields(dimension).get(1, [0])[-1]
        if not isinstance(size, int) or not 0 < size <= _LARGEST or len(sizes) == _MOST_DIMENSIONS:
            raise ValueError(f"a shape has the length {shown(size)}")
        sizes.append(size)
    return tuple(sizes)


def _read_data(file, entries, index):
    """The arrays of one data file: {name: array}."""
    arrays = {}
    size = file.stat().st_size
    with file.open("rb") as opened:
        for name, entry in entries.items():
            dtype = _dtype(name, entry, index)
            if entry.offset + entry.size > size:
                text = f"{file} is truncated: it has {size} bytes, {name} ends at"
                text = f"{text} {entry.offset + entry.size}"
                raise InputError(f"{text}; copy it again")
            opened.seek(entry.offset)
            data = opened.read(entry.size)
            if masked_crc32c(data) != entry.checksum:
                text = f"{file} is damaged, the checksum of {name} differs"
                raise InputError(f"{text}; copy it again")
            arrays[name] = np.frombuffer(data, dtype).reshape(entry.shape)
    return arrays


def _dtype(name, entry, index):
    """NumPy's type of a variable whose bytes fit its shape."""
    if entry.is_sliced:
        text = f"{index} holds {name} in slices, of a partitioned variable"
        raise InputError(f"{text}; save the checkpoint without a partitioner")
    if entry.type not in _TYPES:
        raise InputError(f"{index}: the type of {name} is {entry.type}, expected 1 (float32)")
    dtype = np.dtype(_TYPES[entry.type])
    if math.prod(entry.shape) * dtype.itemsize != entry.size:
        text = f"{index} is damaged, {name} has shape {shown(entry.shape)} and {entry.size} bytes"
        raise InputError(f"{text}; copy it again")
    return dtype

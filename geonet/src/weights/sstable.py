"""LevelDB's tables, as TensorFlow writes its .index files: sorted keys with values, in blocks.

A table ends in a footer of 48 bytes: where its two indices lie, and a mark. The second index is a
block of {key: where a block of entries lies}. Behind each block come a byte that says how it is
compressed, and a checksum.
"""

import struct

from ..model_utils.errors import InputError
from ..model_utils.protobuf import varint
from .crc32c import masked_crc32c

_FOOTER = 48  # bytes
_MARK = (0xDB4775248B80FB57).to_bytes(8, "little")
_TRAILER = struct.Struct("<BI")  # compression, checksum of the block and of this byte
_PLAIN, _SNAPPY = 0, 1
_LONGEST = 1 << 20  # bytes of a table or a block; an index of all networks has 40 kB
_MOST = 20_000  # entries
_LONGEST_KEY = 512  # bytes


def is_table(path):
    """Whether a file ends as a table does: an .index, or a TensorFlow checkpoint of version 1."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(size - len(_MARK), 0))
        return file.read() == _MARK


def read_table(path):
    """The entries of a table, none of whose bytes is trusted: {key: value}, bytes, in order.

    Args:
        path: Path of the file.
    Raises:
        InputError: it is no table, or damaged.
    """
    data = _read(path)
    try:
        start = len(data) - _FOOTER
        _, _, place = _handle(data, start)
        offset, size, _ = _handle(data, place)
        entries, last = {}, None
        for _, handle in _entries(_block(data, offset, size)):
            offset, size, _ = _handle(handle, 0)
            for key, value in _entries(_block(data, offset, size)):
                if last is not None and key <= last:
                    raise ValueError("its keys are not in order")
                entries[key], last = value, key
            if len(entries) > _MOST:
                raise ValueError("it has too many entries")
    except (ValueError, IndexError, struct.error) as err:
        reason = str(err) if isinstance(err, ValueError) else "it ends too early"
        raise InputError(f"{path} is damaged, {reason}; copy it again") from None
    return entries


def _read(path):
    size = path.stat().st_size
    if size > _LONGEST:
        text = f"{path} has {size} bytes, expected about 40 kB"
        raise InputError(f"{text}; give the index of a checkpoint of GeoNet")
    data = path.read_bytes()
    if len(data) < _FOOTER or not data.endswith(_MARK):
        text = f"{path} is truncated or no index of a TensorFlow checkpoint"
        raise InputError(f"{text}; copy it again")
    return data


def _handle(data, place):
    """Where a block lies: (offset, size, the place after the two numbers)."""
    offset, place = varint(data, place)
    size, place = varint(data, place)
    return offset, size, place


def _block(data, offset, size):
    """The content of a block whose checksum is right."""
    end = offset + size + _TRAILER.size
    if end > len(data) - _FOOTER:
        raise ValueError("a block lies beyond its end")
    kind, checksum = _TRAILER.unpack_from(data, offset + size)
    if masked_crc32c(data[offset : offset + size + 1]) != checksum:
        raise ValueError("its checksum differs")
    content = data[offset : offset + size]
    if kind == _SNAPPY:
        return _unpacked(content)
    if kind != _PLAIN:
        raise ValueError(f"its compression is {kind}, expected 0 or 1")
    return content


def _entries(block):
    """(key, value) of a block; each key drops what it shares with the one before it."""
    (count,) = struct.unpack_from("<I", block, len(block) - 4)
    end = len(block) - 4 * (count + 1)
    if end < 0:
        raise ValueError("a block has too many restarts")
    place, key = 0, b""
    while place < end:
        shared, place = varint(block, place)
        added, place = varint(block, place)
        size, place = varint(block, place)
        if shared > len(key) or shared + added > _LONGEST_KEY or place + added + size > end:
            raise ValueError("an entry lies beyond its block")
        key = key[:shared] + block[place : place + added]
        place += added + size
        yield key, block[place - size : place]


def _unpacked(data):
    """The content of a block that Snappy has compressed, as TensorFlow before 1.1 may do."""
    length, place = varint(data, 0)
    if length > _LONGEST:
        raise ValueError("a block is too long")
    out = bytearray()
    while place < len(data):
        tag = data[place]
        place += 1
        if tag & 3 == 0:
            size = (tag >> 2) + 1
            if size > 60:  # so many bytes, 1 to 4, hold the size
                after = place + size - 60
                size, place = int.from_bytes(data[place:after], "little") + 1, after
            part = data[place : place + size]
            place += size
        else:
            part, place = _copied(out, tag, data, place)
        out += part
    if len(out) != length:
        raise ValueError("a compressed block is longer or shorter than it says")
    return bytes(out)


def _copied(out, tag, data, place):
    """Snappy's copy of what came before: (bytes, the place after the element)."""
    kind = tag & 3
    if kind == 1:
        size, after = (tag >> 2 & 7) + 4, place + 1
        offset = (tag >> 5) << 8 | data[place]
    else:
        size, after = (tag >> 2) + 1, place + (2 if kind == 2 else 4)
        offset = int.from_bytes(data[place:after], "little")
    if not 0 < offset <= len(out):
        raise ValueError("a compressed block refers to what it lacks")
    part = bytes(out[-offset:][:size])
    return (part * (size // len(part) + 1))[:size], after

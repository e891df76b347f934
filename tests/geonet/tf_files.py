"""Writes TensorFlow checkpoints of version 2: the tests' own, of any variables, without TensorFlow.

What it writes for the goldens' variables is, byte for byte, what TensorFlow 1.15 wrote.
"""

import json
import struct

import numpy as np

from tests.geonet.golden_networks import GOLDEN, variables

MARK = bytes.fromhex("57fb808b247547db")
_TYPES = {"float32": 1, "float64": 2, "int32": 3, "int64": 9, "float16": 19}
_RESTARTS = 16  # entries from one complete key to the next
_BLOCK = 262144  # bytes of keys and values after which a block ends


def slow_crc32c(data):
    """CRC-32C by its definition, bit for bit; a table of whole bytes keeps it bearable."""
    register = 0xFFFFFFFF
    for byte in data:
        register = register >> 8 ^ _SHIFTED[(register ^ byte) & 0xFF]
    return register ^ 0xFFFFFFFF


def _shift(register):
    for _ in range(8):
        register = register >> 1 ^ (0x82F63B78 if register & 1 else 0)
    return register


_SHIFTED = [_shift(byte) for byte in range(256)]


def masked(crc):
    """A checksum as it stands in files."""
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) % 2**32


def varint(number):
    """Seven bits per byte, the lowest first."""
    out = b""
    while number > 127:
        out += bytes([number % 128 + 128])
        number //= 128
    return out + bytes([number])


def number(tag, value):
    """A field of protobuf with an int; nothing for 0."""
    return bytes([tag << 3]) + varint(value) if value else b""


def message(tag, value):
    """A field of protobuf with bytes."""
    return bytes([tag << 3 | 2]) + varint(len(value)) + value


def shape_field(shape):
    """A variable's shape."""
    return message(2, b"".join(message(2, number(1, size)) for size in shape))


def entry(kind, shape, offset, size, crc, shard=0):
    """What the index says of a variable; the checksum is masked already."""
    fields = number(1, kind) + shape_field(shape) + number(3, shard) + number(4, offset)
    return fields + number(5, size) + b"\x35" + struct.pack("<I", crc)


def header(shards=1, endianness=0):
    """The entry of the empty key."""
    return number(1, shards) + number(2, endianness) + message(3, number(1, 1))


def block(entries, restarts=_RESTARTS):
    """The content of a block of [(key, value)]."""
    out, places, last = b"", [], b""
    for count, (key, value) in enumerate(entries):
        shared = 0
        if count % restarts == 0:
            places.append(len(out))
        else:
            while key[: shared + 1] == last[: shared + 1] and shared < min(len(key), len(last)):
                shared += 1
        out += varint(shared) + varint(len(key) - shared) + varint(len(value))
        out += key[shared:] + value
        last = key
    places = places or [0]
    return out + struct.pack(f"<{len(places) + 1}I", *places, len(places))


def sealed(content, kind=0):
    """A block's content with its compression and checksum."""
    content += bytes([kind])
    return content + struct.pack("<I", masked(slow_crc32c(content)))


def table(contents, keys, kind=0):
    """A table of blocks' contents; keys are what the second index calls them."""
    out, handles = b"", []
    for content in contents:
        handles.append(varint(len(out)) + varint(len(content)))
        out += sealed(content, kind)
    footer = b""
    for content in (block([]), block(list(zip(keys, handles)), 1)):
        footer += varint(len(out)) + varint(len(content))
        out += sealed(content)
    return out + footer.ljust(40, b"\0") + MARK


def index(entries, block_size=_BLOCK):
    """A table of {key: value}."""
    blocks, here, size = [], [], 0
    for key, value in sorted(entries.items()):
        here.append((key, value))
        size += len(key) + len(value)
        if size >= block_size:
            blocks.append(here)
            here, size = [], 0
    blocks += [here] if here else []
    # A key that is not below those of its block; of the last block TensorFlow takes a short one.
    keys = [items[-1][0] for items in blocks]
    keys[-1] = bytes([keys[-1][0] + 1]) if keys[-1] else b""
    return table([block(items) for items in blocks], keys)


def write_checkpoint(prefix, arrays, shards=1, block_size=_BLOCK, crc32c=slow_crc32c):
    """Write <prefix>.index and <prefix>.data-* of {name: array}.

    Args:
        prefix: Path.
        arrays: in any order; of several shards they lie in each in turn.
        crc32c: function of bytes; the default is slow, 10 MB/s.
    """
    entries, parts, sizes = {b"": header(shards)}, [[] for _ in range(shards)], [0] * shards
    for place, (name, array) in enumerate(sorted(arrays.items())):
        data, shard = array.tobytes(), place % shards
        described = _TYPES[array.dtype.name], array.shape, sizes[shard], len(data)
        entries[name.encode()] = entry(*described, masked(crc32c(data)), shard)
        parts[shard].append(data)
        sizes[shard] += len(data)
    prefix.parent.mkdir(parents=True, exist_ok=True)
    for shard, part in enumerate(parts):
        name = f"{prefix.name}.data-{shard:05d}-of-{shards:05d}"
        prefix.with_name(name).write_bytes(b"".join(part))
    prefix.with_name(f"{prefix.name}.index").write_bytes(index(entries, block_size))


def golden_variables(name):
    """{variable: shape} of all that a training of the original saves, the step too.

    Args:
        name: of a list vars_<name>.json.
    """
    found = json.loads((GOLDEN / f"vars_{name}.json").read_text())
    shapes = {variable: tuple(shape) for variable, shape in found["model_variables"]}
    return {**shapes, found["saved_step_variable"]: ()}


def tensorflow_arrays(networks, step=None):
    """{variable: array in TensorFlow's layout} of {name: network}.

    The order of the layers is that of golden_networks.py, which the parity tests prove.
    """
    found = {} if step is None else {"global_step_1": np.array(step, np.int32)}
    for scope, network in networks.items():
        for name, (parameter, _) in variables(network, scope).items():
            array = parameter.asnumpy()
            found[name] = array.transpose(2, 3, 1, 0) if array.ndim == 4 else array
    return found

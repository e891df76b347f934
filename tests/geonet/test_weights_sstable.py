"""Tables: TensorFlow's own, several blocks, Snappy, and each kind of damage by its name."""

import re
import struct

import pytest

from geonet.src.model_utils.errors import InputError
from geonet.src.weights.sstable import is_table, read_table
from tests.geonet.tf_files import GOLDEN, MARK, block, index, sealed, table, varint

ENTRIES = {f"pose_net/Conv_{n}/weights".encode(): bytes([n]) * (n % 40) for n in range(200)}


def read(tmp_path, data):
    path = tmp_path / "model-7.index"
    path.write_bytes(data)
    return read_table(path)


def refuse(tmp_path, data):
    """The one line about a table."""
    with pytest.raises(InputError) as error:
        read(tmp_path, data)
    line = str(error.value)
    assert line.startswith(f"{tmp_path}/model-7.index") and line.endswith("copy it again")
    return line


def test_tensorflow_s_own_table():
    found = read_table(GOLDEN / "ckpt_pose" / "model-12345.index")
    assert len(found) == 32 and list(found) == sorted(found)
    assert found[b""].hex() == "08011a020801"  # one shard, little-endian, version 1


@pytest.mark.parametrize("block_size", [1, 300, 1 << 18])
def test_entries_come_back_whatever_the_blocks(tmp_path, block_size):
    found = read(tmp_path, index(ENTRIES, block_size))
    assert found == ENTRIES and list(found) == sorted(ENTRIES)


def test_a_table_without_entries(tmp_path):
    assert read(tmp_path, table([], [])) == {}


def snappy(*parts, length=None):
    """A compressed stream of literals (bytes) and copies ((size, offset, bytes of the offset))."""
    out, total = b"", 0
    for part in parts:
        size = part[0] if isinstance(part, tuple) else len(part)
        total += size
        if isinstance(part, tuple):
            _, offset, width = part
            if width == 1:
                out += bytes([1 | (size - 4) << 2 | offset >> 8 << 5, offset & 255])
            else:
                kind = 2 if width == 2 else 3
                out += bytes([kind | (size - 1) << 2]) + offset.to_bytes(width, "little")
        elif size <= 60:
            out += bytes([(size - 1) << 2]) + part
        else:
            out += bytes([61 << 2]) + (size - 1).to_bytes(2, "little") + part
    return varint(total if length is None else length) + out


def compressed(stream):
    return table([stream], [b"r"], 1)


def test_snappy_s_literals_and_copies(tmp_path):
    content = block([(b"name", b"abc" * 30 + b"-" * 300)])
    start = content.index(b"abc")
    dashes = content.index(b"-")
    rest = content[dashes + 300 :]
    # A literal, a copy of what it writes itself, copies with longer offsets, a long literal.
    stream = snappy(content[: start + 3], (9, 3, 1), (60, 12, 2), (18, 9, 4), b"-" * 300, rest)
    assert read(tmp_path, compressed(stream)) == {b"name": b"abc" * 30 + b"-" * 300}


SNAPPY_DAMAGE = {
    "before the beginning": snappy(b"abcd", (4, 5, 1)),
    "offset 0": snappy(b"abcd", (4, 0, 1)),
    "too short": snappy(b"abcd", length=5),
    "too long": snappy(b"abcd", length=3),
    "cut in a literal": snappy(b"abcd")[:-1],
    "cut in a copy": snappy(b"abcd", (4, 2, 2))[:-2],
    "no literal": snappy(b"abcd", length=99)[:-4],
    "gigabytes": snappy(b"abcd", length=1 << 40),
    "empty": b"",
}


@pytest.mark.parametrize("case", SNAPPY_DAMAGE)
def test_snappy_s_damage(tmp_path, case):
    line = refuse(tmp_path, compressed(SNAPPY_DAMAGE[case]))
    assert "compressed block" in line or "ends too early" in line or "too long" in line


def entry(shared, key, value, size=None):
    """An entry as it stands in a block."""
    size = len(value) if size is None else size
    return varint(shared) + varint(len(key)) + varint(size) + key + value


def one(content, restarts=1):
    return table([content + struct.pack(f"<{restarts + 1}I", *[0] * restarts, restarts)], [b"z"])


NOWHERE = block([(b"a", b"")])  # as the second index, 12 bytes
GOOD = index({b"a": b"1", b"b": b"2"})
DAMAGE = {
    "empty": (b"", "truncated or no index"),
    "another file": (b"\x89PNG" * 100, "truncated or no index"),
    "cut": (GOOD[:-1], "truncated or no index"),
    "only a footer's end": (MARK, "truncated or no index"),
    "a flipped bit": (bytes([GOOD[0] ^ 1]) + GOOD[1:], "its checksum differs"),
    "a cut beginning": (GOOD[1:], "a block lies beyond its end|checksum differs"),
    "zeros": (bytes(40) + MARK, "a block lies beyond its end"),
    "a block beyond the end": (b"\0\0" + b"\xff\x7f" * 19 + MARK, "a block lies beyond its end"),
    "endless numbers": (b"\xff" * 40 + MARK, "too many bytes"),
    "another compression": (table([block([])], [b"z"], 4), "its compression is 4"),
    "keys not in order": (one(entry(0, b"b", b"") + entry(0, b"a", b"")), "not in order"),
    "a key twice": (one(entry(0, b"b", b"") + entry(0, b"b", b"")), "not in order"),
    "a block twice": (table([block([(b"a", b"")])] * 2, [b"a", b"b"]), "not in order"),
    "more than the key before": (one(entry(1, b"b", b"")), "beyond its block"),
    "a value beyond the block": (one(entry(0, b"b", b"", 1 << 60)), "beyond its block"),
    "a long key": (one(entry(0, b"b" * 513, b"")), "beyond its block"),
    "cut in an entry": (one(b"\x80"), "ends too early|beyond its block"),
    "restarts": (table([b"\xff\xff\xff\xff"], [b"z"]), "too many restarts"),
    "no restarts": (table([b"\1"], [b"z"]), "ends too early"),
    "no place of a block": (sealed(NOWHERE) + b"\0\0\0\x0c".ljust(40, b"\0") + MARK, "too early"),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_damage_is_named(tmp_path, case):
    data, reason = DAMAGE[case]
    assert re.search(reason, refuse(tmp_path, data))


def test_a_file_that_is_no_index_is_not_read_into_memory(tmp_path):
    path = tmp_path / "model.index"
    with path.open("wb") as file:
        file.truncate(1 << 34)
    with pytest.raises(InputError, match="has 17179869184 bytes, expected about 40 kB; give the"):
        read_table(path)


def test_more_entries_than_any_checkpoint_has(tmp_path):
    entries = {b"%05d" % number: b"" for number in range(20_001)}
    assert "too many entries" in refuse(tmp_path, index(entries))


def test_tables_are_told_by_their_end(tmp_path):
    for data, is_one in ((GOOD, True), (GOOD[:-1], False), (b"", False), (MARK, True)):
        (tmp_path / "a").write_bytes(data)
        assert is_table(tmp_path / "a") == is_one

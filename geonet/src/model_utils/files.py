"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Files and folders that are complete or absent, and whose damage is noticed.
"""

from __future__ import annotations

import contextlib
import ctypes
import glob
import json
import os
import re
import shutil
import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .errors import InputError, NoWeightsError

_TEMPORARY = ".save-"
_EXCHANGE, _HERE = 2, -100  # renameat2's RENAME_EXCHANGE and AT_FDCWD (Linux)
_FIELD = b"\xc2\x3e"  # protobuf: field 1000, length-delimited
_LENGTH = struct.Struct("<I")  # of the record's JSON
_TAIL = struct.Struct("<I8s")  # checksum of all that comes before, mark
_MARK = b"ZOORECRD"
_PART = 1 << 24  # bytes that are read at a time


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give a temporary path; the file or folder that is written there then replaces `path`.

    The parent folder is created. After an error, and after a kill at any moment, the previous file
    or folder is still intact; the next write removes what a killed process left over.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(path.parent, glob.escape(path.name))
    room = _temporary(path)
    room.mkdir()
    try:
        temporary = room / path.name
        yield temporary
        _flush(temporary)
        _replace(temporary, path)
    finally:
        _remove(room)


def write_bytes(path: str | Path, data: bytes) -> None:
    """Write a file under a temporary name and rename it; a missing folder is created.

    For results, of which there may be many: unlike `replacing` it does not wait for the disk.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _temporary(path)
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _temporary(path):
    """A hidden name beside `path` that tells which process uses it."""
    return path.with_name(f"{_TEMPORARY}{path.name}-{os.getpid()}")


def _remove_leftovers(folder, pattern):
    """Delete what killed processes left of files and folders whose names match."""
    for leftover in folder.glob(f"{_TEMPORARY}{pattern}-*"):
        pid = leftover.name.rpartition("-")[2]
        if pid.isdigit() and not _is_running(int(pid)):
            _remove(leftover)


def _is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return pid != os.getpid()


def _flush(path):
    for file in [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]:
        with file.open("rb") as opened:
            os.fsync(opened.fileno())


def _replace(temporary, path):
    """Rename; a folder that exists changes places with the new one in a single system call."""
    if not path.is_dir() or not temporary.is_dir():
        temporary.replace(path)
        return
    exchange = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    names = os.fsencode(temporary), os.fsencode(path)
    if exchange is None or exchange(_HERE, names[0], _HERE, names[1], _EXCHANGE):
        # A file system without the exchange: for a moment there is no folder of that name.
        path.rename(temporary.with_name("previous"))
        temporary.rename(path)


def _remove(path):
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def keep_newest(folder: str | Path, pattern: str, keep: int) -> None:
    """Delete all but the `keep` newest files or folders that match; 0 keeps all.

    After a kill at any moment each of them is complete or gone.
    """
    folder = Path(folder)
    _remove_leftovers(folder, pattern)
    found = _by_age(folder, pattern)
    for path in found[: len(found) - keep] if keep else []:
        # Renamed first: a kill while its files are being deleted leaves no half of a folder.
        going = _temporary(path)
        path.rename(going)
        _remove(going)


def _by_age(folder, pattern):
    """What matches in a folder, the oldest first."""
    found = [path for path in folder.glob(pattern) if not path.name.startswith(_TEMPORARY)]
    return sorted(found, key=lambda path: path.stat().st_mtime_ns)


def newest_file(path: str | Path, pattern: str) -> Path:
    """The file itself, or the newest one in a folder that matches.

    Raises:
        NoWeightsError: a folder without such a file.
    """
    path = Path(path)
    if not path.is_dir():
        return path
    found = _by_age(path, pattern)
    if not found:
        raise NoWeightsError(f"{path} holds no {pattern}; train first or give a file")
    return found[-1]


def previous(path: Path) -> Path:
    """Where the previous version of a file is kept."""
    return path.with_name(f"{path.stem}.previous{path.suffix}")


def append_record(path: Path, record: Mapping[str, Any]) -> None:
    """Append a record (what JSON can hold) and a checksum of all that comes before it.

    Readers of protobuf files, such as MindSpore's of a .ckpt, skip them as an unknown field.
    """
    text = json.dumps(record).encode()
    field = _FIELD + _varint(len(text) + _LENGTH.size + _TAIL.size) + text
    checksum = _checksum(path, path.stat().st_size, then=field + _LENGTH.pack(len(text)))
    with path.open("ab") as file:
        file.write(field + _LENGTH.pack(len(text)) + _TAIL.pack(checksum, _MARK))


def _varint(number):
    """Protobuf's form of a length."""
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def file_checksum(path: Path) -> str:
    """CRC-32 of a file, eight hexadecimal digits."""
    return f"{_checksum(path, path.stat().st_size):08x}"


def _checksum(path, size, then=b""):
    """CRC-32 of the first `size` bytes of a file and of what comes then."""
    checksum, memory = 0, memoryview(bytearray(min(size, _PART)))
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(memory[: min(size, _PART)]):
            checksum = zlib.crc32(memory[:count], checksum)
            size -= count
    return zlib.crc32(then, checksum)


def read_record(path: str | Path) -> dict[str, Any]:
    """What `append_record` wrote; empty for a file without a record, such as another program's.

    Raises:
        InputError: the file differs from what was written; the line names one that is intact.
    """
    path = Path(path)
    record = _checked_record(path)
    if record is None:
        raise InputError(f"{path} is damaged, its checksum differs; {_way_out(path)}")
    return record


def _checked_record(path):
    """The record, empty without one, None when the file differs from what was written."""
    size = path.stat().st_size - _TAIL.size
    with path.open("rb") as file:
        file.seek(max(size, 0))
        tail = file.read()
        if size < _LENGTH.size or not tail.endswith(_MARK):
            return {}
        if _TAIL.unpack(tail)[0] != _checksum(path, size):
            return None
        file.seek(size - _LENGTH.size)
        (length,) = _LENGTH.unpack(file.read(_LENGTH.size))
        file.seek(size - _LENGTH.size - length)
        return json.loads(file.read(length))


def _way_out(path):
    """What to use in place of a damaged file: its previous version, or one of another step."""
    others = [previous(path)]
    # Midas_0-2_9.ckpt for Midas_0-3_9.ckpt, weights_9/depth.ckpt for weights_10/depth.ckpt.
    folder = path.parent
    is_checkpoint = folder.name and all(file.suffix == ".ckpt" for file in folder.iterdir())
    for place in (path, folder) if is_checkpoint else (path,):
        pattern = re.sub(r"\d+", "*", glob.escape(place.name))
        others += [file / path.relative_to(place) for file in _by_age(place.parent, pattern)[::-1]]
    for other in others:
        if other.is_file() and other != path and _checked_record(other):
            return f"{other} is intact"
    return "use another copy"


def is_file(path: str | Path) -> bool:
    """Path.is_file(), but False, not an error, for a name that a damaged list made too long."""
    return os.path.isfile(path)  # noqa: PTH113

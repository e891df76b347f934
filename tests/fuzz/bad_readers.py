"""Readers that end in every bad way; prints the first word of each verdict as JSON."""

import ctypes
import json
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz import children


def crash():
    """Read where nothing is."""
    ctypes.string_at(0)


def take_memory():
    """More than is allowed; the refusal becomes one line, as a decoder's would."""
    try:
        bytes(children.MEMORY + 1)
    except MemoryError:
        raise ValueError("a.bin: damaged") from None


def refuse(line):
    """The error of a reader."""
    raise ValueError(line)


BAD = {
    "success": lambda: None,
    "one line": lambda: refuse("a.bin is damaged"),
    "two lines": lambda: refuse("a.bin is damaged\nand more"),
    "a long line": lambda: refuse("a.bin: " + "x" * 5000),
    "no name": lambda: refuse("something is damaged"),
    "another exception": lambda: {}["key"],
    "exit": lambda: sys.exit(2),
    "crash": crash,
    "hang": lambda: time.sleep(600),
    "memory": take_memory,
    "memory without a handler": lambda: bytes(children.MEMORY + 1),
}


def main():
    """Run all of them."""
    children.SECONDS, found = 2, {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "a.bin"
        for name, end in BAD.items():
            reader = children.Reader(None, (), lambda *_, end=end: end(), (ValueError,))
            found[name] = children.in_child(
                lambda reader=reader: children.verdict_of(reader, file.parent, file),
                Path(folder) / "log",
            )
    print(
        json.dumps({name: verdict.split(":")[0].split("\n")[0] for name, verdict in found.items()})
    )


if __name__ == "__main__":
    main()

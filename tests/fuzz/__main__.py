"""Damage every kind of file that the programs read: python -m tests.fuzz [READER ...] [flags]

    --count N      mutations of each reader (60)
    --seed N       another seed makes other damage (0)
    --only N       that mutation alone
    --keep FOLDER  where an input that ends badly is written, with its log (fuzz_failures)
    --list         the readers' names

Prints a line for each reader, and the seed, the mutation and the end of every input that ends in
anything but success or one line. Exit 1 when there is one. As one server for many tests,
`python -m tests.fuzz --serve` takes flags from lines of stdin and answers each with a line of JSON.
"""

import argparse
import json
import os
import shlex
import sys
import tempfile
import time
import zlib
from collections import Counter
from pathlib import Path

# Before MindSpore is imported by the tables of readers.
os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX2")
os.environ.setdefault("GLOG_v", "3")

import numpy as np

from tests.fuzz.children import functions_called, in_child, verdict_of
from tests.fuzz.mutations import mutate
from tests.fuzz.table import READERS

ROOT = Path(__file__).resolve().parents[2]


class Bench:
    """A folder with the intact files of one reader, of which one at a time is damaged."""

    def __init__(self, name, folder):
        self.name, self.reader, self.folder = name, READERS[name], Path(folder) / "files"
        self.log = Path(folder) / "log"
        self.folder.mkdir()
        verdict = in_child(lambda: self.reader.write(self.folder) or "written", self.log)
        if verdict != "written":
            raise RuntimeError(f"{name}: the intact files cannot be written: {verdict}")
        patterns = self.reader.targets
        self.files = sorted(path for pattern in patterns for path in self.folder.glob(pattern))
        self.contents = [path.read_bytes() for path in self.files]

    def intact(self):
        """The verdict on the intact files."""
        return in_child(lambda: verdict_of(self.reader, self.folder, self.files[0]), self.log)

    def calls(self):
        """Functions of this repository that reading calls."""
        first = self.folder, self.files[0]
        return in_child(lambda: functions_called(self.reader, *first, ROOT), self.log).split("\n")

    def damage(self, seed, index):
        """(verdict, what was done, the damaged bytes, file) of one mutation."""
        rng = np.random.default_rng((seed, zlib.crc32(self.name.encode()), index))
        place = index % len(self.files)
        file, content = self.files[place], self.contents[place]
        data, text = mutate(rng, content)
        file.write_bytes(data)
        verdict = in_child(lambda: verdict_of(self.reader, self.folder, file), self.log)
        file.write_bytes(content)
        return verdict, text, data, file


def fuzz(name, count=60, seed=0, only=None, keep="fuzz_failures"):
    """Damage one reader's files.

    Returns:
        {"reader", "counts": {verdict's first word: number}, "failures": [text], "calls": [name]}.
    """
    counts, failures = Counter(), []
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        bench = Bench(name, folder)
        intact = bench.intact()
        if intact != "read":
            failures.append(f"{name}: intact files: {intact}")
        for index in range(count) if only is None else [only]:
            verdict, text, data, file = bench.damage(seed, index)
            counts[verdict.split(":")[0].split("\n")[0]] += 1
            if verdict != "read" and not verdict.startswith("refused: "):
                kept = Path(keep) / f"{name.replace(' ', '_')}-{seed}-{index}"
                kept.mkdir(parents=True, exist_ok=True)
                (kept / file.name).write_bytes(data)
                (kept / "end.txt").write_text(f"{text}\n{verdict}\n", errors="replace")
                again = f"python -m tests.fuzz {shlex.quote(name)} --seed {seed} --only {index}"
                failures.append(f"{again}: {file.name}, {text} (kept in {kept})\n{verdict}")
        calls = bench.calls()
    return {"reader": name, "counts": dict(counts), "failures": failures, "calls": calls}


def arguments(words):
    """The parsed flags."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("readers", nargs="*")
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int)
    parser.add_argument("--keep", default="fuzz_failures")
    for flag in ("--serve", "--list"):
        parser.add_argument(flag, action="store_true")
    return parser.parse_args(words)


def main(words):
    """Run the command line; returns the exit status."""
    args = arguments(words)
    if args.list:
        print("\n".join(READERS))
        return 0
    if args.serve:
        for line in sys.stdin:
            one = arguments(shlex.split(line))
            result = fuzz(one.readers[0], one.count, one.seed, one.only, one.keep)
            print(json.dumps(result), flush=True)
        return 0
    bad = 0
    for name in args.readers or READERS:
        began = time.perf_counter()
        result = fuzz(name, args.count, args.seed, args.only, args.keep)
        bad += len(result["failures"])
        counts = ", ".join(f"{word} {number}" for word, number in sorted(result["counts"].items()))
        print(f"{name}: {counts} ({time.perf_counter() - began:.1f} s)", flush=True)
        for failure in result["failures"]:
            print(failure, flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

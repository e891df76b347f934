"""Damage every kind of file that the programs read: python -m tests.fuzz [READER ...] [flags]

    --count N      mutations of each reader (60)
    --seed N       another seed makes other damage (0)
    --only N       that mutation alone
    --jobs N       processes that fork the children (the number of cores)
    --keep FOLDER  where an input that ends badly is written, with its log (fuzz_failures)
    --list         the readers' names
    --calls        the functions of this repository that reading the intact files calls

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
import traceback
import zlib
from collections import Counter
from pathlib import Path

# Before MindSpore is imported by the tables of readers.
os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX2")
os.environ.setdefault("GLOG_v", "3")

import numpy as np

from tests.fuzz.children import functions_called, in_child, verdict_of
from tests.fuzz.mutations import classic, mutate
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
        """Functions of this repository that reading the intact files calls."""

        def read():
            return functions_called(self.reader, self.folder, self.files, ROOT)

        return in_child(read, self.log).split("\n")

    def damage(self, seed, index):
        """(verdict, what was done, the damaged bytes, file) of one mutation."""
        rng = np.random.default_rng((seed, zlib.crc32(self.name.encode()), index))
        place = index % len(self.files)
        file, content = self.files[place], self.contents[place]
        data, text = classic(content, index // len(self.files)) or mutate(rng, content)
        file.write_bytes(data)
        verdict = in_child(lambda: verdict_of(self.reader, self.folder, file), self.log)
        file.write_bytes(content)
        return verdict, text, data, file


def fuzz(name, args):
    """Damage one reader's files, shared among processes.

    Args:
        name: key of READERS.
        args: the parsed flags.
    Returns:
        {"counts": {verdict's first word: number}, "failures": [text]}.
    """
    indices = range(args.count) if args.only is None else [args.only]
    jobs = min(args.jobs, len(indices))
    parts = [_forked(_damage_some, name, indices[job::jobs], args) for job in range(jobs)]
    counts, failures = Counter(), []
    for part in parts:
        found = json.loads(part.read() or '{"counts": {}, "failures": ["the fuzz itself died"]}')
        os.wait()
        counts.update(found["counts"])
        failures += found["failures"]
    return {"counts": dict(counts), "failures": failures}


def _forked(function, *args):
    """Call in a forked process; a file from which its result is read as JSON."""
    inlet, outlet = os.pipe()
    if os.fork() == 0:
        try:
            os.close(inlet)
            with os.fdopen(outlet, "w") as pipe:
                json.dump(function(*args), pipe)
        except BaseException:
            traceback.print_exc()
        os._exit(0)
    os.close(outlet)
    return os.fdopen(inlet)


def _damage_some(name, indices, args):
    counts, failures = Counter(), []
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        bench = Bench(name, folder)
        intact = bench.intact()
        if intact != "read":
            failures.append(f"{name}: intact files: {intact}")
        for index in indices:
            verdict, text, data, file = bench.damage(args.seed, index)
            counts[verdict.split(":")[0].split("\n")[0]] += 1
            if verdict != "read" and not verdict.startswith("refused: "):
                kept = Path(args.keep) / f"{name.replace(' ', '_')}-{args.seed}-{index}"
                kept.mkdir(parents=True, exist_ok=True)
                (kept / file.name).write_bytes(data)
                (kept / "end.txt").write_text(f"{text}\n{verdict}\n", errors="replace")
                again = f"python -m tests.fuzz {shlex.quote(name)} --seed {args.seed}"
                failures.append(
                    f"{again} --only {index}: {file.name}, {text} (kept in {kept})\n{verdict}"
                )
    return {"counts": dict(counts), "failures": failures}


def all_calls():
    """Functions (path:name) of this repository that reading the intact files calls."""
    called = set()
    for name in READERS:
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            called |= set(Bench(name, folder).calls())
    return sorted(called)


def arguments(words):
    """The parsed flags."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("readers", nargs="*")
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--keep", default="fuzz_failures")
    for flag in ("--serve", "--list", "--calls"):
        parser.add_argument(flag, action="store_true")
    return parser.parse_args(words)


def main(words):
    """Run the command line; returns the exit status."""
    args = arguments(words)
    if args.list:
        print("\n".join(READERS))
        return 0
    if args.calls:
        print("\n".join(all_calls()))
        return 0
    if args.serve:
        for line in sys.stdin:
            one = arguments(shlex.split(line))
            print(json.dumps(fuzz(one.readers[0], one)), flush=True)
        return 0
    bad = 0
    for name in args.readers or READERS:
        began = time.perf_counter()
        result = fuzz(name, args)
        bad += len(result["failures"])
        counts = ", ".join(f"{word} {number}" for word, number in sorted(result["counts"].items()))
        print(f"{name}: {counts} ({time.perf_counter() - began:.1f} s)", flush=True)
        for failure in result["failures"]:
            print(failure, flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Damage every kind of file that the programs read: python -m tests.fuzz [READER ...] [flags]

    --count N      mutations of each reader (60)
    --seed N       another seed makes other damage (0)
    --only N       that mutation alone
    --jobs N       processes that fork the children (the number of cores)
    --batch N      inputs read by one child, for many mutations; where one of them ends badly, each
                   of them is read again in a child of its own (1). Not for nyu.mat: HDF5 goes on
                   with the file that the process has opened first
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

    def damaged(self, seed, index):
        """(file, damaged bytes, what was done) of one mutation; nothing is written."""
        rng = np.random.default_rng((seed, zlib.crc32(self.name.encode()), index))
        place = index % len(self.files)
        content = self.contents[place]
        data, text = classic(content, index // len(self.files)) or mutate(rng, content)
        return self.files[place], data, text

    def damage(self, seed, index):
        """(verdict, what was done, the damaged bytes, file) of one mutation."""
        file, data, text = self.damaged(seed, index)
        verdict = in_child(lambda: self._read(file, data), self.log)
        self._restore()
        return verdict, text, data, file

    def good_verdicts(self, seed, indices):
        """The verdicts of several mutations read by one child; None: one of them ends badly."""
        damaged = [self.damaged(seed, index)[:2] for index in indices]
        text = in_child(lambda: json.dumps([self._read(*one)[:9] for one in damaged]), self.log)
        self._restore()
        if not text.startswith("["):
            return None
        verdicts = json.loads(text)
        return verdicts if all(is_good(verdict) for verdict in verdicts) else None

    def _read(self, file, data):
        self._restore()
        file.write_bytes(data)
        return verdict_of(self.reader, self.folder, file)

    def _restore(self):
        for path, content in zip(self.files, self.contents):
            path.write_bytes(content)


def is_good(verdict):
    """Whether an input ended in success or in one line."""
    return verdict == "read" or verdict.startswith("refused: ")


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
        for start in range(0, len(indices), args.batch):
            part = indices[start : start + args.batch]
            verdicts = bench.good_verdicts(args.seed, part) if args.batch > 1 else None
            counts.update(verdict.split(":")[0] for verdict in verdicts or ())
            for index in part if verdicts is None else ():
                verdict, *damage = bench.damage(args.seed, index)
                counts[verdict.split(":")[0].split("\n")[0]] += 1
                if not is_good(verdict):
                    failures.append(_failure(name, index, args, verdict, *damage))
    return {"counts": dict(counts), "failures": failures}


def _failure(name, index, args, verdict, text, data, file):
    """Keep an input that ended badly; what to print of it."""
    kept = Path(args.keep) / f"{name.replace(' ', '_')}-{args.seed}-{index}"
    kept.mkdir(parents=True, exist_ok=True)
    (kept / file.name).write_bytes(data)
    (kept / "end.txt").write_text(f"{text}\n{verdict}\n", errors="replace")
    again = f"python -m tests.fuzz {shlex.quote(name)} --seed {args.seed} --only {index}"
    return f"{again}: {file.name}, {text} (kept in {kept})\n{verdict}"


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
    parser.add_argument("--batch", type=int, default=1)
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

"""Measures a step beside PyTorch: eager, channels last and compiled, by turns.

Every measurement is a process of its own. What counts is the median over the rounds, and PyTorch's
form that is fastest by it. Memory is the peak above the level after the imports.
"""

import argparse
import importlib
import importlib.util
import json
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from tests.benchmarks.common import ROOT, in_fresh_process, peak_mb, report, sgemm_gflops

COLUMNS = ["ms", "torch_ms", "ratio", "torch_form", "mb", "torch_mb", "eager_ms", "compile_s"]
OURS, THEIRS = "mindspore", ("torch eager", "torch channels_last", "torch compile")


def timed(make, repeats):
    """What a measurement's process prints.

    Args:
        make: function that returns the step, a function without arguments.
        repeats: how often to call it; the fastest call counts.
    Returns:
        {"ms": fastest call, "mb": peak memory above the level before `make`, "compile_s": how much
        longer the first call takes}.
    """
    before = peak_mb()
    step = make()
    began = time.perf_counter()
    step()
    first = time.perf_counter() - began
    step()
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        step()
        times.append(1000 * (time.perf_counter() - began))
    compile_s = first - min(times) / 1000
    return {"ms": min(times), "mb": peak_mb() - before, "compile_s": compile_s}


def row(module, what, rounds, **options):
    """Measure `what` in all forms, [what, *COLUMNS]."""
    forms = (OURS, *THEIRS) if importlib.util.find_spec("torch") else (OURS,)
    results = {form: [] for form in forms}
    for _ in range(rounds):
        for form in forms:
            result = in_fresh_process(module, form, what=what, **options)
            if "error" in result:
                raise SystemExit(f"{what}, {form}: {result['error']}")
            results[form].append(result)
    of = {
        form: {key: statistics.median(each[key] for each in found) for key in found[0]}
        for form, found in results.items()
    }
    ours = of.pop(OURS)
    if not of:
        return [what, ours["ms"], *[None] * 3, ours["mb"], *[None] * 2, ours["compile_s"]]
    best = min(of, key=lambda form: of[form]["ms"])
    theirs = of[best]
    ratio = ours["ms"] / theirs["ms"]
    form = best.removeprefix("torch ")
    memory, eager = [ours["mb"], theirs["mb"]], of[THEIRS[0]]["ms"]
    return [what, ours["ms"], theirs["ms"], ratio, form, *memory, eager, ours["compile_s"]]


def compare(module, what, limits, **options):
    """Print how far the first results are from PyTorch's, as shares of these.

    Raises:
        SystemExit: one of them is too far away.
    """
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for number, form in enumerate((OURS, THEIRS[0])):
            path = Path(folder) / f"{number}.npz"
            result = in_fresh_process(module, form, what=what, save=path, **options)
            if "error" in result:
                raise SystemExit(f"{what}, {form}: {result['error']}")
            found.append(dict(np.load(path)))
    ours, theirs = found
    for name, expected in theirs.items():
        full = f"{what}: {name}"
        limit = next(limit for start, limit in limits.items() if full.startswith(start))
        away = float(np.linalg.norm(ours[name] - expected) / np.linalg.norm(expected))
        value = f" {expected:.6g}," if expected.ndim == 0 else ""
        print(f"  {name}:{value} {away:.1e} apart (limit {limit:g})", flush=True)
        if not away <= limit:
            raise SystemExit(f"{what}: the two programs do not compute the same: not timed")


def run(module, doc, title, cases, measure, json_name, options=None, check=None):
    """A benchmark's main function: one measurement (in the child) or all of them (the program).

    Args:
        module: the benchmark's own name, for its children.
        doc: its docstring.
        title: of the table.
        cases: names.
        measure: function of a form ("mindspore", "eager", "channels_last", "compile") and a case
            that returns a step, a function without arguments.
        json_name: of the file below out/benchmarks.
        options: {name: (default, help)} of what `measure` takes besides, by name.
        check: (function of a step that returns {name: numbers} of its first call, {how "case: name"
            begins: how far from PyTorch's they may be, as a share}); None compares nothing.
    """
    options = options or {}
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--json", default=ROOT / "out" / "benchmarks" / json_name)
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each form")
    parser.add_argument("--repeats", type=int, default=8, help="calls in each measurement")
    parser.add_argument("--what", help="only the cases whose name has this in it")
    parser.add_argument(
        "--torch_isa",
        default="AVX2",
        help="the limit of PyTorch's convolutions, by default MindSpore's; ALL for none",
    )
    parser.add_argument("--case", choices=(OURS, *THEIRS), help=argparse.SUPPRESS)
    parser.add_argument("--save", help=argparse.SUPPRESS)
    for name, (default, text) in options.items():
        parser.add_argument(f"--{name}", default=default, help=text)
    args = parser.parse_args()
    options = {name: getattr(args, name) for name in options}
    if args.case:
        form = args.case.removeprefix("torch ")
        importlib.import_module("mindspore" if form == OURS else "torch")
        if args.save:
            np.savez(args.save, **check[0](measure(form, args.what, **options)))
            print("{}")
            return
        print(json.dumps(timed(lambda: measure(form, args.what, **options), args.repeats)))
        return
    cases = [case for case in cases if (args.what or "") in case]
    if not cases:
        parser.error(f"--what {args.what}: no case has this in its name")
    print(f"sgemm {sgemm_gflops():.0f} GFLOP/s", flush=True)
    rows = []
    for number, case in enumerate(cases, 1):
        print(f"{number}/{len(cases)} {case}", flush=True)
        if check and importlib.util.find_spec("torch"):
            compare(module, case, check[1], torch_isa=args.torch_isa, **options)
        limits = {"repeats": args.repeats, "torch_isa": args.torch_isa}
        rows.append(row(module, case, args.rounds, **limits, **options))
    report(title, ["step", *COLUMNS], kept(rows, args.json), args.json)


def kept(rows, path):
    """The rows of an earlier run of other cases that the file has, then these."""
    path, measured = Path(path), {row[0] for row in rows}
    earlier = json.loads(path.read_text())["rows"] if path.exists() else []
    return [row for row in earlier if row[0] not in measured] + rows

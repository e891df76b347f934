"""All models in one table: what each must reach, what it should reach, what was measured.

    python -m tests.benchmarks.all [--model geonet] [--read_only]

Runs the other benchmarks, a few hours on two cores, and puts their figures beside the limits; with
--read_only it takes what they left in out/benchmarks/. A figure that is not there is a dash. Ratios
are to PyTorch's time (or onnxruntime's, or infer.py's rate); below is better, but for the rate.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.common import ROOT, report

FOLDER = ROOT / "out" / "benchmarks"
MODELS = ("depthnet", "midas", "monodepth2", "geonet")
OF_VIDEO = ("monodepth2", "geonet")  # they have a photometric loss
COLUMNS = ["figure", "model", "case", "measured", "must", "goal", "verdict"]
RUNS = {  # the benchmarks of each model, with their flags
    "depthnet": (("bench_depthnet",),),
    "midas": (("bench_midas_network",),),
    "monodepth2": (
        ("bench_monodepth2", "--rounds", "1"),
        ("bench_sfm", "--what", "loss 192x640", "--rounds", "1"),
        ("bench_monodepth2_data", "--rounds", "1"),
    ),
    "geonet": (("bench_geonet", "--rounds", "1"), ("bench_geonet_data", "--rounds", "1")),
}
EVERY = ("bench_310", "--rounds", "2"), ("bench_infer", "--rounds", "2")  # of each model


class Figure(NamedTuple):
    """One figure: `is_rate` means that more is better."""

    name: str
    must: float
    goal: float
    is_rate: bool = False

    def verdict(self, value):
        """Met, goal or missed."""
        if value is None:
            return "not measured"
        sign = -1 if self.is_rate else 1
        if sign * value <= sign * self.goal:
            return "goal"
        return "met" if sign * value <= sign * self.must else "MISSED"


FIGURES = {  # design.md, section 8; the whole command: issue 15
    "eager 1": Figure("inference, batch 1, of PyTorch eager", 1.0, 1.0),
    "eager 8": Figure("inference, batch 8, of PyTorch eager", 0.9, 0.9),
    "best 1": Figure("inference, batch 1, of PyTorch's best", float("inf"), 1.0),
    "best 8": Figure("inference, batch 8, of PyTorch's best", float("inf"), 0.9),
    "step": Figure("training step, of PyTorch's best", 1.0, 0.8),
    "memory": Figure("peak memory of a step, of PyTorch's", 1.3, 1.0),
    "loss": Figure("photometric loss, of PyTorch's best", 1.5, 1.0),
    "network": Figure("C++ program, network alone, of onnxruntime with AVX2", 1.0, 0.75),
    "wide": Figure("C++ program, network alone, of onnxruntime", float("inf"), 1.0),
    "folder": Figure("C++ program, folder of photos, rate of infer.py", 1.3, 2.0, is_rate=True),
    "waiting": Figure("waiting for data in a step", 0.05, 0.02),
    "compile": Figure("compile of a training step, s", 40, 20),
    "one": Figure("infer.py, one photo, of PyTorch", 1.2, 1.0),
    "many": Figure("infer.py, 40 photos, of PyTorch", 0.85, 0.7),
    "first": Figure("infer.py, 40 photos, compiling, of PyTorch", float("inf"), 0.85),
}


def read(name):
    """The rows of a benchmark's JSON as dicts by column; empty where it was not run."""
    path = FOLDER / f"{name}.json"
    if not path.is_file():
        return []
    table = json.loads(path.read_text())
    return [dict(zip(table["columns"], row)) for row in table["rows"]]


def ratio(row, over, under):
    """row[over] / row[under]; None where one is missing."""
    a, b = row.get(over), row.get(under)
    return a / b if a and b else None


def beside_torch(rows, cases):
    """(figure, case, value) of the rows of beside_torch.py.

    Args:
        cases: {name of a row: the figures that it gives}.
    """
    for row in rows:
        for figure in cases.get(row["step"], ()):
            value = {
                "memory": ratio(row, "mb", "torch_mb"),
                "compile": row["compile_s"],
                "eager": ratio(row, "ms", "eager_ms"),
            }.get(figure.split()[0], row["ratio"])
            yield figure, row["step"], value


def of_depthnet():
    """Its figures: (figure, case, value)."""
    for row in read("depthnet"):
        batch = row["batch"]
        if row["what"] == "inference":
            yield f"eager {batch}", "both stages", ratio(row, "ms", "eager_ms")
            yield f"best {batch}", "both stages", row["ratio"]
        else:
            yield "step", f"coarse, batch {batch}", row["ratio"]
            yield "memory", f"coarse, batch {batch}", ratio(row, "peak_mb", "torch_mb")
            yield "compile", f"coarse, batch {batch}", row["compile_s"]
    for row in read("depthnet_pipeline"):
        yield "waiting", "train.py", row["wait_share"]


def of_midas():
    """Its figures; PyTorch is eager."""
    for row in read("midas_network"):
        if row["what"] == "inference":
            yield "eager 1", "384x384", row["ratio"]
        else:
            yield "step", "384x384, batch 1", row["ratio"]
            yield "memory", "384x384, batch 1", ratio(row, "peak_mb", "torch_mb")
            yield "compile", "384x384, batch 1", row["compile_s"]


def of_monodepth2():
    """Its figures."""
    step, inference = ("step", "memory", "compile"), "inference, batch"
    cases = {f"{inference} {n}": (f"eager {n}", f"best {n}") for n in (1, 8)}
    cases |= {row["step"]: step for row in read("monodepth2") if row["step"] not in cases}
    yield from beside_torch(read("monodepth2"), cases)
    yield from beside_torch(read("sfm"), {"loss 192x640": ("loss",)})


def of_geonet():
    """Its figures."""
    cases = {}
    for row in read("geonet"):
        kind, _, batch = row["step"].partition(", batch ")
        if kind.startswith("step"):
            cases[row["step"]] = ("step", "memory", "compile")
        else:
            cases[row["step"]] = (f"eager {batch}", f"best {batch}") if batch else ("loss",)
    yield from beside_torch(read("geonet"), cases)


def of_every(model):
    """The figures that all models have in the same files."""
    for row in read(f"{model}_wait"):
        yield "waiting", "train.py", row["share"]
    alone = {row["inference, batch 1"]: row["ms"] for row in read(f"310_{model}_inference")}
    lite = next((ms for name, ms in alone.items() if "Lite" in name), None)
    # Like Lite, whose library has no instruction of AVX-512.
    times = {"lite": lite, **alone}
    if alone:
        yield "network", "batch 1", ratio(times, "lite", "onnxruntime with AVX2")
        yield "wide", "batch 1", ratio(times, "lite", "onnxruntime")
    for row in read(f"310_{model}_end_to_end"):
        if row["program"] == "310 program":
            yield "folder", "640x480", row["of infer.py"]
    for row in read(f"infer_{model}"):
        _, count, *compiling = row["model, photos"].split(", ")
        kind = "first" if compiling else "one" if count == "1" else "many"
        yield kind, "640x480", row["ratio"]


OF = {
    "depthnet": of_depthnet,
    "midas": of_midas,
    "monodepth2": of_monodepth2,
    "geonet": of_geonet,
}


def rows_of(models):
    """The table's rows, the figures in the order of FIGURES."""
    found = [(m, *rest) for m in models for rest in (*OF[m](), *of_every(m))]
    for key, figure in FIGURES.items():
        for model in models:
            if key == "loss" and model not in OF_VIDEO:
                continue
            values = [(case, value) for m, k, case, value in found if (m, k) == (model, key)]
            for case, value in values or [("", None)]:
                must = None if figure.must == float("inf") else figure.must
                yield [figure.name, model, case, value, must, figure.goal, figure.verdict(value)]


def run(models):
    """Run the benchmarks of these models, and go on where one fails."""
    for model in models:
        every = [(*words, "--model", model) for words in EVERY]
        for name, *flags in (*RUNS[model], *every):
            command = [sys.executable, "-m", f"tests.benchmarks.{name}", *flags]
            print(" ".join(["python", *command[1:]]), flush=True)
            if subprocess.run(command, cwd=ROOT).returncode:
                print(f"{name} failed; its figures are missing or old", file=sys.stderr)


def main(words=None):
    """Measure, print the table, and return 1 when a must is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=MODELS, help="this one alone")
    parser.add_argument("--read_only", action="store_true", help="run nothing")
    parser.add_argument("--json", default=FOLDER / "all.json", type=Path)
    options = parser.parse_args(words)
    models = [options.model] if options.model else MODELS
    if not options.read_only:
        run(models)
    rows = list(rows_of(models))
    report("What each model must reach, and reaches, CPU", COLUMNS, rows, options.json)
    return int(any(row[-1] == "MISSED" for row in rows))


if __name__ == "__main__":
    sys.exit(main())

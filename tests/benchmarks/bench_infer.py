"""infer.py from its start to its last file, beside the same program in PyTorch.

    python -m tests.benchmarks.bench_infer [--model depthnet] [--images 40] [--rounds 3]

Same weights, same photos (640x480 JPEG), same result files, which are compared first. The programs
take turns; of the rounds the fastest counts. Our first run of a folder compiles and keeps the
graphs (graph_cache.py), the others take them: the first one has a row of its own. Needs PyTorch.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from tests.benchmarks.common import ROOT, in_fresh_process, photos, report
from tests.benchmarks.models_310 import INPUTS, infer_flags, save, torch_net
from tests.benchmarks.torch_infer import FORMATS

MODULE = "tests.benchmarks.bench_infer"
COLUMNS = ["model, photos", "s", "PyTorch s", "ratio", "CPU s", "PyTorch CPU s"]
_PHOTO = {"monodepth2": "--image_path", "geonet": "--image_path"}  # the flag; else --input_path
_ISA = "ONEDNN_MAX_CPU_ISA"
_APART = 3  # levels of 255 by which the mean of two colour images may differ


def measure(case, model, folder):
    """Write the weights, MindSpore's or PyTorch's."""
    if case == "mindspore":
        save(model, folder)
        return {}
    import torch

    torch.save(torch_net(model, folder), Path(folder) / "network.pt")
    return {}


def timed(command, variables):
    """(seconds, CPU seconds) of a command; ends the benchmark when it fails."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    words = [str(word) for word in command]
    environment = {**os.environ, **variables}
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True)
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{words[:4]} failed:\n{done.stderr[-1500:]}")
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def commands(model, folder, images, torch_isa):
    """The two programs on a folder of photos: {name: (words, environment)}."""
    flag = _PHOTO.get(model, "--input_path")
    ours = [sys.executable, ROOT / model / "infer.py", "--device_target", "CPU"]
    ours += [*infer_flags(model, folder), "--formats", *FORMATS, flag, images]
    own = {"GLOG_v": "3", _ISA: "AVX2", "XDG_CACHE_HOME": str(folder / "cache")}
    theirs = [sys.executable, "-m", "tests.benchmarks.torch_infer", model, folder / "network.pt"]
    return {
        "ours": ([*ours, "--output_path", folder / "ours"], own),
        "theirs": ([*theirs, images, folder / "theirs"], {_ISA: torch_isa}),
    }


def compare(folder):
    """Stop where the two programs wrote other files, or other colours."""
    ours, theirs = (sorted((folder / name).iterdir()) for name in ("ours", "theirs"))
    if [path.name for path in ours] != [path.name for path in theirs]:
        raise SystemExit("the two programs did not write the same files: not timed")
    for one, other in zip(ours, theirs):
        if one.stem.endswith("_color"):
            apart = np.abs(np.float32(cv2.imread(str(one))) - cv2.imread(str(other))).mean()
            if not apart <= _APART:
                raise SystemExit(f"{one.name} differs by {apart:.3g} levels: not timed")


def rows_of(model, folder, count, rounds, torch_isa):
    """The table's rows of a model."""
    for case in ("mindspore", "torch"):
        written = in_fresh_process(MODULE, case, model=model, folder=folder)
        if "error" in written:
            raise SystemExit(f"{model}, weights of {case}: {written['error']}")
    for number in sorted({1, count}):
        images = photos(folder / f"photos_{number}", number)
        pair = commands(model, folder, images, torch_isa)
        found = {name: [] for name in pair}
        for turn in range(rounds):
            for name, command in pair.items():
                found[name].append(timed(*command))
            if not turn:
                compare(folder)
        torch_seconds, torch_cpu = np.min(found["theirs"], axis=0).tolist()
        cases = {f"{model}, {number}": found["ours"]}
        if number > 1:
            first, *later = found["ours"]
            cases = {f"{model}, {number}, compiling": [first], f"{model}, {number}": later}
        for case, values in cases.items():
            seconds, cpu = np.min(values, axis=0).tolist()
            yield [case, seconds, torch_seconds, seconds / torch_seconds, cpu, torch_cpu]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=sorted(INPUTS), help="this one alone")
    parser.add_argument("--images", type=int, default=40, help="photos of the long run")
    parser.add_argument("--rounds", type=int, default=3, help="two or more")
    parser.add_argument("--torch_isa", default="AVX2", help="see bench_monodepth2; ALL for none")
    parser.add_argument("--json", default=ROOT / "out" / "benchmarks" / "infer")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case:
        print(json.dumps(measure(options.case, options.model, options.folder)))
        return
    for model in [options.model] if options.model else sorted(INPUTS):
        print(f"{model} ...", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            choices = options.images, options.rounds, options.torch_isa
            rows = list(rows_of(model, Path(folder), *choices))
        path = f"{options.json}_{model}.json"
        report("infer.py beside PyTorch, start to last file, CPU", COLUMNS, rows, path)


if __name__ == "__main__":
    main()

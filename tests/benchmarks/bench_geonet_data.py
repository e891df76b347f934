"""Samples/s of GeoNet's training data beside a PyTorch DataLoader, and the wait of a training.

    python -m tests.benchmarks.bench_geonet_data [--rounds 3] [--samples 2000] [--json FILE]

Rendered strips of three frames of 416x128, with 1 and 2 loaders. PyTorch's Dataset does what the
original does for each batch, and loads with processes; ours loads with threads, as train.py does by
default. The share of waiting is that of train.py's steps, train_rigid, batch 4.
"""

import argparse
import csv
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tests.benchmarks.common import ROOT, in_fresh_process, report

MODULE = "tests.benchmarks.bench_geonet_data"
LOADERS = (1, 2)
LENGTH = 3
LOG_STEPS = 5


def render(folder, frames):
    """Two sequences as strips, none of which is validated on; the folder with train.txt."""
    words = ["--sequences", "2", "--frames", str(frames), "--height", "128"]
    command = [sys.executable, "-m", "tests.synthetic", "geonet", str(folder), *words]
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    (folder / "stageone" / "train" / "val.txt").unlink()
    return folder / "stageone" / "train"


def our_batches(options):
    """An iterator over the batches of a training, as NumPy arrays."""
    from geonet.src.datasets import open_strips
    from geonet.src.model_utils.stream import SampleStream

    size = {"img_height": options.height, "img_width": options.width}
    samples, _ = open_strips(options.folder, seq_length=LENGTH, **size)
    stream = SampleStream(samples, options.batch, seed=0)
    steps = options.samples // options.batch + 1
    data = stream.batches(0, steps, samples.fields, workers=options.loaders)
    return data.create_tuple_iterator(num_epochs=1, output_numpy=True)


def torch_batches(options):
    """An iterator over as many batches of PyTorch's DataLoader."""
    import torch

    from tests.benchmarks.torch_geonet_data import batches

    torch.set_num_threads(1)
    folder = Path(options.folder)
    rows = [line.split() for line in (folder / "train.txt").read_text().splitlines()]
    stems = [str(folder.joinpath(*row)) for row in rows]
    # Several epochs' worth as one list, so that no worker starts twice.
    wanted = options.samples + options.batch
    repeated = (stems * (wanted // len(stems) + 1))[:wanted]
    return iter(batches(repeated, options.batch, options.loaders))


def rate(options):
    """Samples/s after the first batch."""
    batches = (our_batches if options.case == "mindspore" else torch_batches)(options)
    next(batches)
    began = time.perf_counter()
    count = sum(options.batch for _ in batches)
    return {"rate": count / (time.perf_counter() - began)}


def wait_share(options):
    """Share of the time of train.py's steps that went into waiting for data.

    The first rows of metrics.csv do not count: the first step compiles.
    """
    with tempfile.TemporaryDirectory() as out:
        flags = {"mode": "train_rigid", "dataset_dir": options.folder, "checkpoint_dir": out}
        flags |= {"img_height": options.height, "img_width": options.width}
        flags |= {"batch_size": options.batch, "seq_length": LENGTH, "log_steps": LOG_STEPS}
        flags |= {"max_steps": options.steps + 1, "save_ckpt_freq": options.steps}
        words = [str(word) for key, value in flags.items() for word in (f"--{key}", value)]
        command = [sys.executable, "train.py", *words]
        run = {"cwd": ROOT / "geonet", "env": {"GLOG_v": "3", **os.environ}}
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **run)
        with (Path(out) / "metrics.csv").open() as file:
            rows = [row for row in csv.DictReader(file) if row["wait_share"]][1:]
    weights = [1 / float(row["examples_per_s"]) for row in rows]
    return float(np.average([float(row["wait_share"]) for row in rows], weights=weights))


def compare(options, loaders):
    """A row: ours, PyTorch's, the ratio; the median of the rounds, by turns."""
    has_torch = importlib.util.find_spec("torch") is not None
    rates = {case: [] for case in ("mindspore", "torch")[: 1 + has_torch]}
    names = ("folder", "height", "width", "samples", "batch")
    settings = {name: getattr(options, name) for name in names}
    for _ in range(options.rounds):
        for case, found in rates.items():
            result = in_fresh_process(MODULE, case, loaders=loaders, **settings)
            if "error" in result:
                raise SystemExit(f"{case}: {result['error']}")
            found.append(result["rate"])
    ours, *theirs = (float(np.median(found)) for found in rates.values())
    return [loaders, ours, *(theirs or [None]), ours / theirs[0] if theirs else None]


def main():
    """Measure one case (in the child) or all of them (the program)."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", default=ROOT / "out" / "benchmarks" / "geonet_data.json")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--samples", type=int, default=2000, help="of each measurement")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--frames", type=int, default=60, help="of each of the two sequences")
    parser.add_argument("--steps", type=int, default=25, help="of train.py; 0: no training")
    parser.add_argument("--case", choices=("mindspore", "torch"), help=argparse.SUPPRESS)
    for name, kind in {"folder": str, "loaders": int}.items():
        parser.add_argument(f"--{name}", type=kind, help=argparse.SUPPRESS)
    for name, size in {"height": 128, "width": 416}.items():  # those of the rendered strips
        parser.add_argument(f"--{name}", type=int, default=size, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case:
        print(json.dumps(rate(options)))
        return
    with tempfile.TemporaryDirectory() as folder:
        options.folder = str(render(Path(folder), options.frames))
        rows = [compare(options, loaders) for loaders in LOADERS]
        share = wait_share(options) if options.steps else None
    columns = ["loaders", "per_s", "torch_per_s", "ratio"]
    report("GeoNet's training data, strips of 416x128, CPU", columns, rows, options.json)
    if share is not None:
        path = Path(options.json).with_name("geonet_wait.json")
        report("waiting for data in train.py's steps", ["what", "share"], [["geonet", share]], path)


if __name__ == "__main__":
    main()

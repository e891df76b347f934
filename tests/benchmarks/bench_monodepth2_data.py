"""Samples/s of Monodepth2's training data beside a PyTorch DataLoader, and the wait of a training.

    python -m tests.benchmarks.bench_monodepth2_data [--rounds 3] [--samples 240] [--json FILE]

Rendered KITTI drives of KITTI's size (1242x375, JPEG) at 640x192, with 1 and 2 loaders: video
(three images a sample) and video with stereo (four). PyTorch's Dataset does what the original does
for each sample, and loads with processes; ours loads with threads, as train.py does by default. The
share of waiting is that of train.py's steps, mono+stereo, batch 2.
"""

import argparse
import csv
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tests.benchmarks.common import ROOT, in_fresh_process, report

MODULE = "tests.benchmarks.bench_monodepth2_data"
SOURCES = {"mono": [-1, 1], "mono+stereo": [-1, 1, "s"]}
LOADERS = (1, 2)


def render(folder, frames, height):
    """Two drives on two dates; the folder has splits/synthetic."""
    words = ["--drives", "2", "--test", "0", "--frames", str(frames), "--height", str(height)]
    command = [sys.executable, "-m", "tests.synthetic", "kitti_drives", str(folder), *words]
    command += ["--laser", "0", "--images", "jpg"]
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)


def our_samples(options):
    """The samples of a training."""
    from monodepth2.src.datasets import open_samples

    width, height = map(int, options.size.split("x"))
    folder = Path(options.folder)
    split = {"split": "synthetic", "split_dir": folder / "splits"}
    size = {"height": height, "width": width}
    sources = SOURCES[options.what]
    return open_samples(folder, dataset="kitti", sources=sources, **split, **size).train


def our_batches(options):
    """An iterator over the batches of a training, as NumPy arrays."""
    from monodepth2.src.model_utils.stream import SampleStream

    samples = our_samples(options)
    stream = SampleStream(samples, options.batch, seed=0)
    steps = options.samples // options.batch + 1
    data = stream.batches(0, steps, samples.fields, workers=options.loaders)
    return data.create_tuple_iterator(num_epochs=1, output_numpy=True)


def torch_batches(options):
    """An iterator over as many batches of PyTorch's DataLoader."""
    import torch

    from tests.benchmarks.torch_monodepth2_data import batches

    torch.set_num_threads(1)
    samples = our_samples(options)
    names = dict(zip(["0", "m1", "p1", "s"], [0, *SOURCES[options.what]]))
    paths = [
        {name: samples.frames.path(index, frame) for name, frame in names.items()}
        for index in range(len(samples))
    ]
    width, height = map(int, options.size.split("x"))
    # Several epochs' worth as one list, so that no worker starts twice.
    wanted = options.samples + options.batch
    repeated = (paths * (wanted // len(paths) + 1))[:wanted]
    return iter(batches(repeated, height, width, options.batch, options.loaders))


def rate(options):
    """Samples/s after the first batch."""
    make = our_batches if options.case == "mindspore" else torch_batches
    batches = make(options)
    next(batches)
    began = time.perf_counter()
    count = sum(options.batch for _ in batches)
    return {"rate": count / (time.perf_counter() - began)}


def wait_share(folder, size):
    """Share of the time of train.py's steps that went into waiting for data.

    The first five steps, of which one compiles, do not count; rare looks keep the loaders from
    getting ahead while monitor batches run.
    """
    width, height = size.split("x")
    with tempfile.TemporaryDirectory() as out:
        flags = {"data_path": folder, "split": "synthetic", "split_dir": Path(folder) / "splits"}
        flags.update(log_dir=out, model_name="wait", height=height, width=width, batch_size=2)
        flags.update(num_epochs=1, log_frequency=5, weights_init="scratch", panel_count=0)
        words = [str(word) for key, value in flags.items() for word in (f"--{key}", value)]
        command = [sys.executable, "train.py", *words, "--use_stereo"]
        run = {"cwd": ROOT / "monodepth2", "stdout": subprocess.DEVNULL}
        subprocess.run(command, check=True, **run)
        with (Path(out) / "wait" / "metrics.csv").open() as file:
            rows = list(csv.DictReader(file))[1:]
    weights = [1 / float(row["examples_per_s"]) for row in rows]
    return float(np.average([float(row["wait_share"]) for row in rows], weights=weights))


def compare(options, what, loaders):
    """A row: ours, PyTorch's, the ratio; the median of the rounds, by turns."""
    has_torch = importlib.util.find_spec("torch") is not None
    rates = {case: [] for case in ("mindspore", "torch")[: 1 + has_torch]}
    settings = {key: getattr(options, key) for key in ("folder", "size", "samples", "batch")}
    for _ in range(options.rounds):
        for case, found in rates.items():
            result = in_fresh_process(MODULE, case, what=what, loaders=loaders, **settings)
            if "error" in result:
                raise SystemExit(f"{what}, {case}: {result['error']}")
            found.append(result["rate"])
    ours, *theirs = (float(np.median(found)) for found in rates.values())
    return [what, loaders, ours, *(theirs or [None]), ours / theirs[0] if theirs else None]


def main():
    """Measure one case (in the child) or all of them (the program)."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", default=ROOT / "out" / "benchmarks" / "monodepth2_data.json")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--samples", type=int, default=240, help="of each measurement")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--size", default="640x192", help="width x height at the networks")
    parser.add_argument("--frames", type=int, default=24, help="of each of the two drives")
    parser.add_argument("--image_height", type=int, default=375, help="of the rendered images")
    parser.add_argument("--case", choices=("mindspore", "torch"), help=argparse.SUPPRESS)
    for name, kind in {"what": str, "folder": str, "loaders": int}.items():
        parser.add_argument(f"--{name}", type=kind, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case:
        print(json.dumps(rate(options)))
        return
    with tempfile.TemporaryDirectory() as folder:
        options.folder = str(Path(folder) / "KITTI")
        render(options.folder, options.frames, options.image_height)
        rows = [compare(options, what, loaders) for what in SOURCES for loaders in LOADERS]
        share = wait_share(options.folder, options.size)
    columns = ["samples", "loaders", "per_s", "torch_per_s", "ratio"]
    report(f"Monodepth2's training data at {options.size}, CPU", columns, rows, options.json)
    path = Path(options.json).with_name("monodepth2_wait.json")
    report("waiting for data in train.py's steps", ["what", "share"], [["monodepth2", share]], path)


if __name__ == "__main__":
    main()

"""Images/s of MiDaS's training pipeline on one core: python -m tests.benchmarks.bench_midas_data

A pair of ReDWeb's usual size (960x720) is read, checked, resized to 384x384 and normalised.
"""

import argparse
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from midas.src.datasets.training import MixedPairs
from tests.benchmarks.common import ROOT, report

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def images_per_second(folder, repeats):
    """Best rate of several loads, by the CPU time of one thread."""
    rng = np.random.default_rng(0)
    image, depth = Path(folder) / "a.jpg", Path(folder) / "a.png"
    noise = cv2.GaussianBlur(rng.integers(0, 256, (720, 960, 3), np.uint8), (0, 0), 2)
    cv2.imwrite(str(image), noise)
    cv2.imwrite(str(depth), rng.integers(0, 256, (720, 960), np.uint8))
    options = {"size": (384, 384), "mean": MEAN, "std": STD}
    options |= {"mask_invalid": True, "flip_probability": 0.5}
    data = MixedPairs({"A": [(image, depth)]}, **options)
    cv2.setNumThreads(1)
    seconds = []
    for _ in range(repeats):
        began = time.process_time()
        data.load(0, rng)
        seconds.append(time.process_time() - began)
    return 1 / min(seconds)


def main():
    """Print the rate, and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", default=ROOT / "out" / "benchmarks" / "midas_data.json")
    parser.add_argument("--repeats", type=int, default=10)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rate = images_per_second(folder, args.repeats)
    report("MiDaS training data, one core (aim: 30)", ["images_per_s"], [[rate]], args.json)


if __name__ == "__main__":
    main()

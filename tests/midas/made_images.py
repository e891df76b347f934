"""An evaluation dataset in memory, and a stand-in for the network."""

import io
import sys

import numpy as np

from midas.src.datasets.samples import Sample
from midas.src.datasets.zero_shot import PROTOCOLS
from midas.src.evaluation.evaluator import Evaluator
from midas.src.model_utils.errors import InputError

STANDARD = PROTOCOLS["standard"]


class Images:
    """A dataset in memory: image sizes, and the indices of the images without valid depth."""

    title, metric, cap, resize_method, resize_target = "Made", "delta", 10, "upper_bound", False
    bgr_by_mistake, protocol = False, STANDARD

    def __init__(self, sizes, empty=(), bad=()):
        self.sizes, self.empty, self.bad = sizes, empty, bad

    def __len__(self):
        return len(self.sizes)

    def name(self, index):
        return f"image{index}"

    def load(self, index):
        if index in self.bad:
            raise InputError(f"image{index}: truncated")
        rng = np.random.default_rng(index)
        image = rng.integers(0, 256, (*self.sizes[index], 3), dtype=np.uint8)
        depth = rng.uniform(1, 9, self.sizes[index]).astype(np.float32)
        return Sample(image, depth, np.full(depth.shape, index not in self.empty))


def evaluator(predict, protocol=STANDARD, **options):
    image = {"size": (64, 64), "mean": [0.5] * 3, "std": [0.25] * 3}
    found = Evaluator(protocol, **image, **options)
    found.predict = predict
    return found


def red(images):
    return images[:, 0] + 3


def what_a_reader_sees(monkeypatch):
    """A function that returns what has reached the reader of a pipe from standard output so far."""
    output = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdout", output)
    return lambda: output.buffer.getvalue().decode()


LANDSCAPE, PORTRAIT = (30, 60), (60, 30)  # 32 x 64 and 64 x 32 at the network

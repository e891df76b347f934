"""A stand-in for the networks of a test, whose predictions can be computed by hand; images."""

import numpy as np
from PIL import Image

from geonet.src.evaluation.model import Facts


class Stub:
    """Model that predicts from the images' mean values; remembers what it saw.

    Args:
        size: (height, width) of its inputs.
        batch_size: samples per call, as a real model has it.
        seq_length: frames of a sample.
    """

    name = "model-7"

    def __init__(self, size=(16, 32), batch_size=2, seq_length=3):
        self.size, self.batch_size = size, batch_size
        self.facts = Facts(*size, seq_length, "vgg", False, "residual")
        self.seen, self.checked = [], []

    def check(self, task, needed_by=""):
        """Notes the task."""
        self.checked.append(task)

    def _note(self, images):
        assert 0 < len(images) <= self.batch_size and images.shape[2:] == self.size
        assert images.dtype == np.uint8
        self.seen.append(images)

    def depth(self):
        """Depth: 1 plus the image's red channel."""

        def predict(images):
            self._note(images)
            return 1 + np.float32(images[:, 0])

        return predict

    def poses(self):
        """A metre ahead per frame in time, whatever the images show."""

        def predict(images):
            self._note(images)
            half = self.facts.seq_length // 2
            offsets = [*range(-half, 0), *range(1, half + 1)]
            found = np.zeros((len(images), len(offsets), 6), np.float32)
            found[:, :, 2] = -np.array(offsets)  # a point comes nearer from frame to frame
            return found

        return predict

    def flow(self, source=None):
        """Flow: the target's mean red value in pixels to the right, K's fx / 10 down."""
        self.source = source

        def predict(images, K, inv_K):
            self._note(images)
            found = np.zeros((len(images), *self.size, 2), np.float32)
            found[..., 0] = images[:, 0].mean((1, 2))[:, None, None] / 16
            found[..., 1] = K[:, 0, 0, None, None] / 10
            np.testing.assert_allclose(K @ inv_K, np.tile(np.eye(3), (len(K), 1, 1)), atol=1e-4)
            return found

        return predict


def photo(seed, height=48, width=80):
    """A smooth image (H, W, 3) uint8."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 6, 3), np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def grey(value, height=32, width=64):
    """An image of one value."""
    return np.full((height, width, 3), value, np.uint8)


def save(folder, **images):
    """Write images as <name>.png."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, image in images.items():
        Image.fromarray(image).save(folder / f"{name}.png")
    return folder

"""Monodepth2's training step and inference beside PyTorch's, with the same weights.

    python -m tests.benchmarks.bench_monodepth2 [--what PART_OF_A_NAME] [--rounds 3] [--json FILE]

A step is forward, photometric loss, backward and Adam on two samples of video (three images), or of
video and stereo (four). The data: bench_monodepth2_data; the C++ program: bench_310.
"""

import cv2
import numpy as np

from tests.benchmarks import beside_torch

MODULE = "tests.benchmarks.bench_monodepth2"
SIZE = "640x192"
BATCH = 2
# Name: images that are compared with the target.
STEPS = {"step mono": ("m1", "p1"), "step mono+stereo": ("m1", "p1", "s")}
# Name: images.
INFERENCE = {"inference, batch 1": 1, "inference, batch 8": 8}


def photos(rng, count, height, width):
    """(count, 3, H, W) uint8, as smooth as pictures are."""
    small = rng.integers(0, 256, (count, 3, height // 8, width // 8), np.uint8)
    large = [[cv2.resize(plane, (width, height)) for plane in image] for image in small]
    return np.array(large)


def batch(height, width):
    """{field: array} of two samples, and their tie-break noise (B, 3, H, W)."""
    rng = np.random.default_rng(0)
    target = photos(rng, BATCH, height, width)
    arrays = {}
    for name, shift in {"0": 0, "m1": -4, "p1": 4, "s": 6}.items():
        arrays[f"color_{name}_0"] = np.roll(target, shift, 3)
        arrays[f"color_aug_{name}"] = 255 - arrays[f"color_{name}_0"]
    for scale in range(1, 4):
        every = slice(None, None, 1 << scale)
        arrays[f"color_0_{scale}"] = np.ascontiguousarray(target[:, :, every, every])
    K = np.float32([[0.58 * width, 0, 0.5 * width], [0, 1.92 * height, 0.5 * height], [0, 0, 1]])
    stereo = np.eye(4, dtype=np.float32)
    stereo[0, 3] = -0.1
    for name, matrix in {"K": K, "inv_K": np.linalg.inv(K), "stereo_T": stereo}.items():
        arrays[name] = np.repeat(matrix[None], BATCH, 0)
    noise = 1e-5 * rng.standard_normal((BATCH, 3, height, width))
    return arrays, np.float32(noise)


def measure(form, what, size):
    """The step of a case in one form."""
    width, height = map(int, size.split("x"))
    if form == beside_torch.OURS:
        from tests.benchmarks import mindspore_monodepth2 as library

        options = ()
    else:
        from tests.benchmarks import torch_monodepth2 as library

        options = (form,)
    if what in INFERENCE:
        image = photos(np.random.default_rng(0), INFERENCE[what], height, width)
        return library.inference(np.float32(image) / 255, *options)
    arrays, noise = batch(height, width)
    sources = STEPS[what]
    return library.training_step(sources, arrays, noise[:, : len(sources)].copy(), *options)


if __name__ == "__main__":
    TITLE = f"Monodepth2, ResNet-18, steps of batch {BATCH}, CPU"
    options = {"size": (SIZE, "width x height of the networks, multiples of 32")}
    cases = [*STEPS, *INFERENCE]
    beside_torch.run(MODULE, __doc__, TITLE, cases, measure, "monodepth2.json", options)

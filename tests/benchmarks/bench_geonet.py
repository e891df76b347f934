"""GeoNet's training steps, losses and inference beside PyTorch's, with the same weights.

    python -m tests.benchmarks.bench_geonet [--what PART_OF_A_NAME] [--rounds 3] [--json FILE]

A step is forward, loss, backward and Adam on samples of three frames: train_rigid with the ResNet50
encoder, train_flow with the residual network. The losses alone get disparities and poses, or flows.
Before a case is timed, both programs' first results are compared. The data: bench_geonet_data; the
C++ program: bench_310.
"""

import cv2
import numpy as np

from tests.benchmarks import beside_torch
from tests.benchmarks.bench_monodepth2 import photos

MODULE = "tests.benchmarks.bench_geonet"
SIZE, BATCH = "416x128", 4
STEPS = {"step rigid": "rigid", "step flow": "flow"}
LOSSES = {"loss rigid": "rigid", "loss flow": "flow"}
INFERENCE = {
    f"inference {task}, batch {count}": (task, count)
    for task in ("depth", "pose", "flow")
    for count in (1, 8)
}
SHIFT = 4  # pixels from a frame to the next one
# How far results may be apart, as a share. In a network that trains, a change of the weights by
# 1e-7 moves the gradients by some per cent, and the loss of train_flow, with its masks, by 2e-4.
LIMITS = {
    "step rigid: loss": 1e-4,
    "step flow: loss": 1e-3,
    "step": 0.1,
    "loss rigid: loss": 1e-5,
    "loss flow: loss": 1e-5,
    "loss": 1e-3,
    "inference": 1e-4,
}


def samples(batch, height, width):
    """The fields of a batch: target, sources, K and its inverse."""
    target = photos(np.random.default_rng(0), batch, height, width)
    sources = [np.roll(target, shift, 3) for shift in (SHIFT, -SHIFT)]
    K = np.float32([[0.58 * width, 0, 0.5 * width], [0, 1.92 * height, 0.5 * height], [0, 0, 1]])
    cameras = [np.repeat(matrix[None], batch, 0) for matrix in (K, np.linalg.inv(K))]
    return [target, np.concatenate(sources, 1), *cameras]


def smooth_maps(rng, shape, low, high):
    """(N, C, h, w) within limits, as smooth as what a network predicts."""
    small = rng.uniform(low, high, (*shape[:2], max(2, shape[2] // 16), max(2, shape[3] // 16)))
    planes = [[cv2.resize(plane, shape[:1:-1]) for plane in maps] for maps in np.float32(small)]
    return np.array(planes)


def loss_arguments(mode, batch, height, width):
    """What a loss alone takes, and how many of these arrays are learned."""
    rng, (target, sources, *cameras) = np.random.default_rng(0), samples(batch, height, width)
    images = np.concatenate((target, *np.split(sources, 2, 1)))
    images = np.float32(images) * np.float32(2 / 255) - 1
    sizes = [(height >> scale, width >> scale) for scale in range(4)]
    if mode == "rigid":
        disparities = [smooth_maps(rng, (3 * batch, 1, *size), 0.1, 1) for size in sizes]
        poses = np.float32(rng.uniform(-0.02, 0.02, (batch, 2, 6)))
        return [*disparities, poses, images, *cameras], 5
    flows = []
    for scale, size in enumerate(sizes):
        forward = smooth_maps(rng, (2 * batch, 2, *size), -6 / 2**scale, 6 / 2**scale)
        flows.append(np.concatenate((forward, -forward)))
    return [*flows, images], 4


def measure(form, what, size, batch):
    """The step of a case in one form."""
    width, height = map(int, size.split("x"))
    if form == beside_torch.OURS:
        from tests.benchmarks import mindspore_geonet as library

        options = ()
    else:
        from tests.benchmarks import torch_geonet_steps as library

        options = (form,)
    if what in STEPS:
        return library.Step(STEPS[what], samples(int(batch), height, width), *options)
    if what in LOSSES:
        mode = LOSSES[what]
        arguments, learned = loss_arguments(mode, int(batch), height, width)
        return library.Loss(mode, arguments, learned, *options)
    task, count = INFERENCE[what]
    target, sources, *cameras = samples(count, height, width)
    images = target if task == "depth" else np.concatenate((target, sources), 1)
    arrays = [images, *(cameras if task == "flow" else [])]
    return library.inference(task, arrays, *options)


def first_results(step):
    """{name: numbers} of a case's first call, to be compared; see LIMITS."""
    found = step()
    if not hasattr(step, "gradients"):
        return {"result": found}
    norms = {f"gradients of {name}": values for name, values in step.gradients().items()}
    return {"loss": found, **norms}


if __name__ == "__main__":
    TITLE = "GeoNet, ResNet50, CPU"
    options = {
        "size": (SIZE, "width x height of the networks, multiples of 8"),
        "batch": (BATCH, "samples of a training step"),
    }
    cases = [*STEPS, *LOSSES, *INFERENCE]
    check = first_results, LIMITS
    beside_torch.run(MODULE, __doc__, TITLE, cases, measure, "geonet.json", options, check)

"""NYU Depth v2 as DepthNet reads it: folders of images.

Train/<scene>_out/<n>.jpg, <n>.png      8-bit, depth = pixel / 255 * 10 m
Test/<nnnnn>_colors.png, _depth.png     16-bit, millimetres
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.synthetic.files import Plan, quantized, write_image
from tests.synthetic.sequence import sequence

TRAIN_RANGE = 10.0  # metres at pixel 255


def plan(out, seed, train, test, per_scene, height, width):
    """Plan a NYU tree; training and test rooms are all different.

    Args:
        out: folder.
        seed: whole number.
        train: training images.
        test: test images, one a room.
        per_scene: training images in a room.
        height: pixels.
        width: pixels.

    Returns:
        Plan.
    """
    size = (height, width)
    jobs = [
        (_write_train_scene, (out, seed, index, min(per_scene, train - start), size))
        for index, start in enumerate(range(0, train, per_scene))
    ]
    jobs += [(_write_test_image, (out, seed, index, size)) for index in range(test)]
    return Plan(("Train",) * bool(train) + ("Test",) * bool(test), jobs)


def _write_train_scene(out, seed, index, frames, size):
    folder = Path(out) / "Train" / f"room_{index:04d}_out"
    # A room's path sways with a period of 40 steps: half of it, spread over the images.
    samples = sequence("room", (seed, 0, index), frames, *size, stride=20 / frames)
    for number, sample in enumerate(samples, start=1):
        write_image(folder / f"{number}.jpg", sample.rgb)
        depth = quantized(sample.depth, 255 / TRAIN_RANGE, np.uint8)
        write_image(folder / f"{number}.png", depth)
    return 2 * frames


def _write_test_image(out, seed, index, size):
    sample = next(sequence("room", (seed, 1, index), 1, *size))
    stem = Path(out) / "Test" / f"{index:05d}"
    write_image(f"{stem}_colors.png", sample.rgb)
    write_image(f"{stem}_depth.png", quantized(sample.depth, 1000, np.uint16))
    return 2

"""Sequences that MiDaS is evaluated on, each in its own format.

sintel     final_left/<scene>/<frame>.png, depth/<scene>/<frame>.dpt, occlusions/<scene>/<frame>.png
tum        <name>_person/{rgb.txt,depth.txt,associate.txt,rgb/,depth/}
kitti      <drive>/image/<frame>.png, <drive>/depth/<frame>.png: the evaluation tree
kitti_raw  what prepare/deal.py builds that tree from: the raw trees and write_file.txt
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.synthetic.files import Plan, quantized, write_image
from tests.synthetic.motion import flow_between
from tests.synthetic.sensors import kinect, laser
from tests.synthetic.sequence import sequence

DPT_TAG = 202021.25
SKY = 1000.0  # metres, in .dpt files, which have a depth everywhere
FIRST_ANNOTATED = (
    5  # KITTI's accumulated depth leaves out the first and last five frames of a drive
)
KITTI_DATE = "2011_09_26"


def plan_sintel(out, seed, scenes, frames, height, width):
    """Plan Sintel's stereo training set: rooms and streets in turn.

    Args:
        out: folder.
        seed: whole number.
        scenes: how many.
        frames: images per scene.
        height: pixels.
        width: pixels.

    Returns:
        Plan.
    """
    jobs = [(_write_sintel, (out, seed, index, frames, height, width)) for index in range(scenes)]
    return Plan(("final_left", "depth", "occlusions"), jobs)


def _write_sintel(out, seed, index, frames, height, width):
    kind = ("room", "street")[index % 2]
    scene = f"{kind}_{index}"
    samples = sequence(kind, (seed, 20, index), frames, height, width, baseline=0.1)
    for number, sample in enumerate(samples, start=1):
        file = f"{scene}/frame_{number:04d}"
        write_image(Path(out) / "final_left" / f"{file}.png", sample.rgb)
        write_dpt(Path(out) / "depth" / f"{file}.dpt", np.where(sample.depth, sample.depth, SKY))
        # MiDaS's evaluation keeps the pixels that are 255: here those that both eyes see.
        _, _, seen = flow_between(sample.camera, sample.frame, sample.right_camera, sample.right)
        write_image(Path(out) / "occlusions" / f"{file}.png", seen.astype(np.uint8) * 255)
    return 3 * frames


def write_dpt(path, depth):
    """Write a Sintel depth file: tag, width, height, rows, all little endian.

    Args:
        path: file; the folder is made if need be.
        depth: (H, W) metres.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = depth.shape
    head = np.array(DPT_TAG, "<f4").tobytes() + np.array([width, height], "<i4").tobytes()
    path.write_bytes(head + np.ascontiguousarray(depth, "<f4").tobytes())


def plan_tum(out, seed, sequences, frames, height, width):
    """Plan TUM RGB-D: 16-bit depth, 5000 a metre, colour and depth stamped apart.

    Args:
        out: folder.
        seed: whole number.
        sequences: rooms, one a sequence.
        frames: images with depth per sequence; one more has none within the 0.02 s allowed.
        height: pixels.
        width: pixels.

    Returns:
        Plan.
    """
    names = [f"rgbd_dataset_synthetic{index}_with_person" for index in range(sequences)]
    jobs = [
        (_write_tum, (out, seed, index, name, frames, height, width))
        for index, name in enumerate(names)
    ]
    return Plan(tuple(names), jobs)


def _write_tum(out, seed, index, name, frames, height, width):
    rng = np.random.default_rng((seed, 22, index))
    folder = Path(out) / name
    colours, depths = [], []
    samples = sequence("room", (seed, 21, index), frames + 1, height, width)
    for number, sample in enumerate(samples):
        seconds = 1311870427.5 + 100 * index + number / 30
        colours.append((f"{seconds:.6f}", f"rgb/{seconds:.6f}.png"))
        write_image(folder / colours[-1][1], sample.rgb)
        if number < frames:
            seconds += rng.uniform(-0.012, 0.012)
            depths.append((f"{seconds:.6f}", f"depth/{seconds:.6f}.png"))
            measured = kinect(sample.depth, rng)
            write_image(folder / depths[-1][1], quantized(measured, 5000, np.uint16))
    for file, title, rows in (("rgb", "color images", colours), ("depth", "depth maps", depths)):
        head = f"# {title}\n# file: synthetic\n# timestamp filename\n"
        (folder / f"{file}.txt").write_text(head + "".join(f"{a} {b}\n" for a, b in rows))
    pairs = "".join(f"{rgb} {depth}\n" for (_, rgb), (_, depth) in zip(colours, depths))
    (folder / "associate.txt").write_text(pairs)
    return 2 * frames + 4


def _drives(count):
    return [f"{KITTI_DATE}_drive_{index + 1:04d}_sync" for index in range(count)]


def plan_kitti(out, seed, drives, frames, height, width):
    """Plan KITTI as MiDaS evaluates it: 16-bit depth, 256 a metre, 0 where there is none.

    Args:
        out: folder.
        seed: whole number.
        drives: streets, one a drive.
        frames: images per drive.
        height: pixels.
        width: pixels.

    Returns:
        Plan.
    """
    names = _drives(drives)
    jobs = [
        (_write_kitti, (out, seed, index, name, frames, height, width))
        for index, name in enumerate(names)
    ]
    return Plan(tuple(names), jobs)


def _kitti_frames(seed, index, first, count, height, width):
    """Frame number, sample and 16-bit laser depth of some images of a drive."""
    samples = sequence("street", (seed, 23, index), count, height, width, start=first)
    for number, sample in enumerate(samples, start=first):
        rng = np.random.default_rng((seed, 24, index, number))
        yield number, sample, quantized(laser(sample.depth, rng), 256, np.uint16)


def _write_kitti(out, seed, index, name, frames, height, width):
    folder = Path(out) / name
    # The same images as deal.py would copy from the raw tree.
    annotated = _kitti_frames(seed, index, FIRST_ANNOTATED, frames, height, width)
    for number, sample, depth in annotated:
        write_image(folder / "image" / f"{number:010d}.png", sample.rgb)
        write_image(folder / "depth" / f"{number:010d}.png", depth)
    return 2 * frames


def plan_kitti_raw(out, seed, drives, frames, height, width):
    """Plan KITTI as it is downloaded: raw images, annotated depth, and MiDaS's list of frames.

    Args:
        out: folder.
        seed: whole number.
        drives: streets, one a drive.
        frames: images with depth per drive; five more come before them.
        height: pixels.
        width: pixels.

    Returns:
        Plan.
    """
    names = _drives(drives)
    jobs = [
        (_write_kitti_raw, (out, seed, index, name, frames, height, width))
        for index, name in enumerate(names)
    ]
    jobs.append((_write_kitti_list, (out, names, frames)))
    return Plan((KITTI_DATE, "data_depth_annotated", "write_file.txt"), jobs)


def _write_kitti_raw(out, seed, index, name, frames, height, width):
    raw = Path(out) / KITTI_DATE / name / "image_02" / "data"
    truth = Path(out) / "data_depth_annotated" / "val" / name
    truth = truth / "proj_depth" / "groundtruth" / "image_02"
    total = frames + FIRST_ANNOTATED
    for number, sample, depth in _kitti_frames(seed, index, 0, total, height, width):
        write_image(raw / f"{number:010d}.png", sample.rgb)
        if number >= FIRST_ANNOTATED:
            write_image(truth / f"{number:010d}.png", depth)
    return 2 * frames + FIRST_ANNOTATED


def _write_kitti_list(out, names, frames):
    numbers = range(FIRST_ANNOTATED, FIRST_ANNOTATED + frames)
    lines = [f"{name} {number:010d}\n" for name in names for number in numbers]
    (Path(out) / "write_file.txt").write_text("".join(lines))
    return 1

"""Image collections that MiDaS trains and is evaluated on, each in its own format.

redweb   ReDWeb_V1/Imgs/*.jpg, ReDWeb_V1/RDs/*.png, mixdata.json
diw      DIW_test/*.thumb, DIW_Annotations/DIW_test.csv
eth3d    <scene>/images/dslr_images/*.JPG, <scene>/ground_truth_depth/dslr_images/*.JPG
nyu_mat  nyu.mat, splits.mat
"""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import scipy.io

from tests.synthetic.files import Plan, quantized, write_image
from tests.synthetic.sensors import kinect, laser
from tests.synthetic.sequence import sequence

KINDS = ("room", "street")  # taken in turn where a data set has both


def plan_redweb(out, seed, images, height, width, kinds=KINDS):
    """Plan ReDWeb: inverse depth of unknown scale and shift, 1..255, 0 where there is none.

    Args:
        out: folder.
        seed: whole number.
        images: how many, of the kinds in turn.
        height: pixels.
        width: pixels.
        kinds: of KINDS.

    Returns:
        Plan.
    """
    kinds = [kinds[index % len(kinds)] for index in range(images)]
    jobs = [
        (_write_redweb, (out, seed, index, kind, height, width)) for index, kind in enumerate(kinds)
    ]
    jobs.append((_write_mixdata, (out,)))
    return Plan(("ReDWeb_V1", "mixdata.json"), jobs)


def _write_redweb(out, seed, index, kind, height, width):
    sample = next(sequence(kind, (seed, 10, index), 1, height, width))
    folder = Path(out) / "ReDWeb_V1"
    write_image(folder / "Imgs" / f"synthetic_{index:05d}.jpg", sample.rgb)
    write_image(folder / "RDs" / f"synthetic_{index:05d}.png", relative_inverse(sample.depth))
    return 2


def relative_inverse(depth):
    """Inverse depth stretched to what 8 bits hold, as ReDWeb's maps are.

    Args:
        depth: (H, W) metres, 0 where there is none.

    Returns:
        (H, W) uint8: 255 for the nearest point, 1 for the farthest, 0 where there is no depth.
    """
    known = depth > 0
    inverse = 1 / np.where(known, depth, 1).astype(np.float64)
    low, high = (inverse[known].min(), inverse[known].max()) if known.any() else (0, 1)
    stretched = 1 + 254 * (inverse - low) / max(high - low, 1e-9)
    return np.where(known, quantized(stretched, 1, np.uint8), 0).astype(np.uint8)


def _write_mixdata(out):
    paths = {"img": {"RW": "/ReDWeb_V1/Imgs/*"}, "depth": {"RW": "/ReDWeb_V1/RDs/*"}}
    (Path(out) / "mixdata.json").write_text(json.dumps(paths, indent=4) + "\n")
    return 1


def plan_diw(out, seed, images, height, width):
    """Plan Depth in the Wild: images with one ordered pair of points each.

    Args:
        out: folder.
        seed: whole number.
        images: how many, rooms and streets in turn.
        height: pixels.
        width: pixels.

    Returns:
        Plan.
    """
    jobs = [(_write_diw, (out, seed, images, height, width))]
    return Plan(("DIW_test", "DIW_Annotations"), jobs)


def _write_diw(out, seed, images, height, width):
    lines = []
    for index in range(images):
        sample = next(sequence(KINDS[index % 2], (seed, 11, index), 1, height, width))
        name = f"DIW_test/synthetic{index:05d}.thumb"
        write_image(Path(out) / name, sample.rgb)
        rng = np.random.default_rng((seed, 12, index))
        lines += [f"./{name}", f"{ordered_pair(sample.depth, rng)},{width},{height}"]
    table = Path(out) / "DIW_Annotations" / "DIW_test.csv"
    table.parent.mkdir(parents=True, exist_ok=True)
    table.write_text("\n".join(lines) + "\n")
    return images + 1


def ordered_pair(depth, rng, ratio=1.15):
    """Two points of clearly different depth, as DIW annotates them.

    Args:
        depth: (H, W) metres, 0 where there is none.
        rng: numpy Generator.
        ratio: least ratio of the two depths, where 1000 draws find one.

    Returns:
        "yA,xA,yB,xB,relation", 1-based; '>' says that A has the larger inverse depth: is nearer.
    """
    rows, columns = np.nonzero(depth > 0)
    for _ in range(1000):
        a, b = rng.integers(len(rows), size=2)
        z_a, z_b = depth[rows[a], columns[a]], depth[rows[b], columns[b]]
        if max(z_a, z_b) >= ratio * min(z_a, z_b):
            break
    places = (rows[a] + 1, columns[a] + 1, rows[b] + 1, columns[b] + 1)
    return ",".join(str(int(x)) for x in places) + ("," + (">" if z_a < z_b else "<"))


def plan_eth3d(out, seed, scenes, images, height, width, kinds=KINDS):
    """Plan ETH3D: laser scans as raw float32 files with inf where there is no depth.

    Args:
        out: folder.
        seed: whole number.
        scenes: how many, of the kinds in turn.
        images: of each scene.
        height: pixels; the original's evaluation takes 4032 rows only.
        width: pixels.
        kinds: of KINDS.

    Returns:
        Plan.
    """
    names = [f"{kinds[index % len(kinds)]}_{index}" for index in range(scenes)]
    jobs = [
        (_write_eth3d, (out, seed, index, name, images, height, width))
        for index, name in enumerate(names)
    ]
    return Plan(tuple(names), jobs)


def _write_eth3d(out, seed, index, name, images, height, width):
    rng = np.random.default_rng((seed, 14, index))
    kind = name.partition("_")[0]
    samples = sequence(kind, (seed, 13, index), images, height, width, stride=3)
    for number, sample in enumerate(samples, start=1):
        scan = laser(sample.depth, rng, share=0.9, top=0)
        scan = np.where(scan > 0, scan, np.inf).astype("<f4")
        file = f"dslr_images/DSC_{number:04d}.JPG"
        write_image(Path(out) / name / "images" / file, sample.rgb)
        truth = Path(out) / name / "ground_truth_depth" / file
        truth.parent.mkdir(parents=True, exist_ok=True)
        scan.tofile(truth)
    return 2 * images


def plan_nyu_mat(out, seed, images, test, height, width):
    """Plan NYU's labelled set: one HDF5 file, and the list of its test images.

    Args:
        out: folder.
        seed: whole number.
        images: how many nyu.mat holds.
        test: how many of them are test images; at most `images`.
        height: pixels.
        width: pixels.

    Returns:
        Plan.

    Raises:
        ValueError: more test images than images.
    """
    if test > images:
        raise ValueError(f"test is {test}, but there are only {images} images")
    jobs = [(_write_nyu_mat, (out, seed, images, test, height, width))]
    return Plan(("nyu.mat", "splits.mat"), jobs)


def _write_nyu_mat(out, seed, images, test, height, width):
    rng = np.random.default_rng((seed, 16))
    Path(out).mkdir(parents=True, exist_ok=True)
    with h5py.File(Path(out) / "nyu.mat", "w") as file:
        pictures = file.create_dataset("images", (images, 3, width, height), np.uint8)
        depths = file.create_dataset("depths", (images, width, height), np.float32)
        raw = file.create_dataset("rawDepths", (images, width, height), np.float32)
        for index in range(images):
            sample = next(sequence("room", (seed, 15, index), 1, height, width))
            pictures[index] = sample.rgb.T  # MATLAB stores columns first
            depths[index] = sample.depth.T
            raw[index] = kinect(sample.depth, rng).T
    order = rng.permutation(images) + 1
    numbers = {"testNdxs": np.sort(order[:test]), "trainNdxs": np.sort(order[test:])}
    numbers = {name: values[:, None].astype(np.uint16) for name, values in numbers.items()}
    scipy.io.savemat(Path(out) / "splits.mat", numbers)
    return 2

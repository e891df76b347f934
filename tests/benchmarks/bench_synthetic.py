"""Milliseconds per synthetic image on one core.

python -m tests.benchmarks.bench_synthetic [--frames 20] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import cv2

from tests.synthetic.camera import Camera, intrinsics
from tests.synthetic.kitti_rig import rig
from tests.synthetic.motion import flow_between
from tests.synthetic.render import render
from tests.synthetic.scanner import scan
from tests.synthetic.sequence import FOCAL, WORLDS

CASES = (
    ("room", 480, 640),
    ("street", 480, 640),
    ("street", 375, 1242),
    ("drive", 128, 416),
    ("drive", 192, 640),
    ("drive", 375, 1242),
)
COLUMNS = ("scene", "render", "flow", "scan", "png")


def measure(kind, height, width, frames):
    """Median time of the steps of one kind of image.

    Args:
        kind: "room", "street" or "drive".
        height: pixels.
        width: pixels.
        frames: images to render.

    Returns:
        dict of milliseconds: scene (building it), render, flow (to the next image), scan (one turn
        of the laser, 1800 x 64 rays; drives only), png (encoding the image).
    """
    K = intrinsics(height, width, FOCAL[kind])
    times = {"scene": _median(WORLDS[kind], [(seed,) for seed in range(5)])}
    scene, path = WORLDS[kind](3)
    cameras = [Camera(K, path.pose(index), height, width) for index in range(frames)]
    warm = [render(scene, camera, time=index) for index, camera in enumerate(cameras[:2])]
    looks = [(scene, camera, 0, index) for index, camera in enumerate(cameras)]
    times["render"] = _median(render, looks)
    times["flow"] = _median(flow_between, [(cameras[0], warm[0], cameras[1], warm[1])] * 5)
    if kind == "drive":
        poses = [path.pose(index) @ rig("2011_09_26").rect_from_scanner for index in range(5)]
        times["scan"] = _median(scan, [(scene.at(index), at) for index, at in enumerate(poses)])
    level = [cv2.IMWRITE_PNG_COMPRESSION, 1]
    times["png"] = _median(cv2.imencode, [(".png", warm[0].rgb, level)] * 5)
    return times


def _median(function, calls):
    """Median milliseconds of processor time: what one core has to do, whoever else is at work."""
    times = []
    for arguments in calls:
        start = time.process_time()
        function(*arguments)
        times.append(1000 * (time.process_time() - start))
    return sorted(times)[len(times) // 2]


def main():
    """Print a table, and write JSON when asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=20)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    rows = []
    print(
        f"{'image':<18}" + "".join(f"{name + ' ms':>11}" for name in COLUMNS) + f"{'images/s':>10}"
    )
    for kind, height, width in CASES:
        times = measure(kind, height, width, options.frames)
        rows.append({"kind": kind, "height": height, "width": width, **times})
        cells = "".join(f"{times[name]:>11.1f}" if name in times else " " * 11 for name in COLUMNS)
        rate = 1000 / (times["render"] + times["png"])
        print(f"{f'{kind} {width}x{height}':<18}{cells}{rate:>10.1f}")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""Milliseconds per synthetic picture on one core.

python -m tests.benchmarks.bench_synthetic [--frames 20] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import cv2

from tests.synthetic.camera import Camera, intrinsics
from tests.synthetic.motion import flow_between
from tests.synthetic.render import render
from tests.synthetic.sequence import FOCAL, WORLDS

CASES = (("room", 480, 640), ("street", 480, 640), ("street", 375, 1242))


def measure(kind, height, width, frames):
    """Median time of the steps of one kind of picture.

    Args:
        kind: "room" or "street".
        height: pixels.
        width: pixels.
        frames: pictures to render.

    Returns:
        dict of milliseconds: scene (building it), render, flow (to the next picture).
    """
    K = intrinsics(height, width, FOCAL[kind])
    scene_ms = _median(WORLDS[kind], [(seed,) for seed in range(5)])
    scene, path = WORLDS[kind](3)
    cameras = [Camera(K, path.pose(index), height, width) for index in range(frames)]
    warm = [render(scene, camera) for camera in cameras[:2]]
    return {
        "scene": scene_ms,
        "render": _median(render, [(scene, camera) for camera in cameras]),
        "flow": _median(flow_between, [(cameras[0], warm[0], cameras[1], warm[1])] * 5),
    }


def _median(function, calls):
    times = []
    for arguments in calls:
        start = time.perf_counter()
        function(*arguments)
        times.append(1000 * (time.perf_counter() - start))
    return sorted(times)[len(times) // 2]


def main():
    """Print a table, and write JSON when asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=20)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    rows = []
    print(f"{'picture':<18}{'scene ms':>10}{'render ms':>11}{'flow ms':>9}")
    for kind, height, width in CASES:
        times = measure(kind, height, width, options.frames)
        rows.append({"kind": kind, "height": height, "width": width, **times})
        name = f"{kind} {width}x{height}"
        print(f"{name:<18}{times['scene']:>10.1f}{times['render']:>11.1f}{times['flow']:>9.1f}")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()

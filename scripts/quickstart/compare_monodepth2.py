"""Monodepth2 beside the training set's mean depth map and the best constant.

    python -m scripts.quickstart.compare_monodepth2 KITTI METRICS_JSON

Both rivals come from the laser scans of the frames to learn from, which the network never sees; on
the held-out drives they are scored by the evaluation's own code, in metres like the network. Exit 1
unless the network's abs rel is at least 15 % below the mean map's and 30 % below the constant's.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from monodepth2.src.datasets.gt_depths import NAME, read_gt_depths
from monodepth2.src.datasets.kitti import open_frames
from monodepth2.src.model_utils.metrics import NAMES
from monodepth2.src.model_utils.rivals import BestConstant, MeanMap
from monodepth2.src.sfm_utils.calibration import read_raw_calibration
from monodepth2.src.sfm_utils.depth_evaluation import (
    GEONET_EIGEN,
    mean_metrics,
    score_depth,
    valid_pixels,
)
from monodepth2.src.sfm_utils.velodyne import velodyne_depth_map

from .comparison import print_table, verdict

SPLIT = "synthetic"
GRID = 24, 80  # cells of the mean map: coarse enough for each to have seen points
EVERY = 4  # of the frames to learn from
MARGINS = {"mean map": 0.15, "constant": 0.30}  # by how much the network must be better


def training_depths(kitti):
    """Depth maps (H, W) metres of frames to learn from, 0 where there is none."""
    path = Path(kitti, "splits", SPLIT, "train_files.txt")
    found = open_frames(path, dataset="kitti", data_path=kitti)
    for frame in found.frames[::EVERY]:
        day = read_raw_calibration(found.tree.calibration(frame))
        yield velodyne_depth_map(day, found.tree.velodyne(frame), frame.camera, "velodyne_x")


def mean_map(depths):
    """(h, w) metres: the mean depth of each cell; cells without a point take the nearest one's."""
    mean = MeanMap(GRID)
    for depth in depths:
        mean.add(depth, depth > 0)
    return mean.mean()


def best_constant(depths):
    """Metres: the constant of least abs rel on the pixels that the evaluation counts."""
    constant = BestConstant()
    for depth in depths:
        constant.add(depth[valid_pixels(depth, GEONET_EIGEN)])
    return constant.best()


def main(kitti, metrics_json):
    """Print the table, return the exit status."""
    depths = list(training_depths(kitti))
    average, constant = mean_map(depths), best_constant(depths)
    protocol = replace(GEONET_EIGEN, median=False)
    scores = {"constant": [], "mean map": []}
    targets = read_gt_depths(Path(kitti, "splits", "eigen", NAME))
    for target in targets:
        scores["constant"].append(score_depth(np.full_like(average, constant), target, protocol))
        scores["mean map"].append(score_depth(average, target, protocol))
    columns = {heading: mean_metrics(found) for heading, found in scores.items()}
    columns["network"] = json.loads(Path(metrics_json).read_text())
    print_table(NAMES, columns)
    errors = {heading: values["abs_rel"] for heading, values in columns.items()}
    print(
        f"{len(targets)} held-out frames; constant = {constant:.2f} m; in metres, nothing is fitted"
    )
    statuses = [
        verdict("the network's abs rel", 1 - errors["network"] / errors[rival], rival, wanted)
        for rival, wanted in MARGINS.items()
    ]
    return max(statuses)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        raise SystemExit(2)
    raise SystemExit(main(*sys.argv[1:]))

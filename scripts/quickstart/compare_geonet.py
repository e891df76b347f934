"""GeoNet beside rivals that have seen no image.

    python -m scripts.quickstart.compare_geonet KITTI DEPTH_JSON ODOMETRY POSE_JSON

Depth of the held-out drives: the training set's mean depth map and the best constant, both from
laser scans that the network never sees. Motion in the held-out sequence: a camera that stands
still, and one that drives straight on at one speed. All are scored by the evaluation's own code:
depth after scaling by the median (the rivals also as they are, what serves them better), the places
in each snippet of three frames after the best scale. Exit 1 unless the network's abs rel is at
least 15 % below the mean map's, and its errors of motion are below both rivals'.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from geonet.src.model_utils.metrics import NAMES
from geonet.src.sfm_utils.depth_evaluation import GEONET_EIGEN, mean_metrics, score_depth
from geonet.src.sfm_utils.eigen import eigen_frames
from geonet.src.sfm_utils.rotations import rotation_angle, steps_of
from geonet.src.sfm_utils.snippets import geonet_target_snippets, snippet_ate
from geonet.src.sfm_utils.trajectories import read_kitti_poses
from monodepth2.src.datasets.gt_depths import ground_truth

from .compare_monodepth2 import best_constant, mean_map, training_depths
from .comparison import print_table, verdict

SEQUENCE, LENGTH = 9, 3  # of the held-out motion, frames of a snippet
MARGINS = {"mean map": 0.15, "constant": 0.30}  # by how much the network must be better
MOTIONS = "standing", "straight on"


def depth_columns(kitti):
    """{rival: mean metrics on the held-out frames}, as it is or after scaling by the median."""
    depths = list(training_depths(kitti))
    average = mean_map(depths)
    rivals = {"constant": np.full_like(average, best_constant(depths)), "mean map": average}
    targets = list(ground_truth(kitti, eigen_frames(Path(kitti, "splits"), "eigen"), "eigen"))
    protocols = GEONET_EIGEN, replace(GEONET_EIGEN, median=False)
    columns = {}
    for heading, depth in rivals.items():
        found = [
            mean_metrics([score_depth(depth, target, protocol) for target in targets])
            for protocol in protocols
        ]
        columns[heading] = min(found, key=lambda values: values["abs_rel"])
    return columns


def motion_columns(world_from_camera):
    """{rival: {"ATE": metres, "rotation": degrees per frame}} of a true path (N, 4, 4)."""
    snippets = geonet_target_snippets(world_from_camera, LENGTH)
    straight = np.zeros((LENGTH, 3))
    straight[:, 2] = range(LENGTH)
    ways = dict(zip(MOTIONS, (np.zeros((LENGTH, 3)), straight)))
    # Neither turns: what they get wrong is all that the camera turns.
    turned = np.degrees(rotation_angle(steps_of(world_from_camera)[:, :3, :3])).mean()
    return {
        name: {
            "ATE": float(np.mean([snippet_ate(true[:, :3, 3], xyz) for true in snippets])),
            "rotation": float(turned),
        }
        for name, xyz in ways.items()
    }


def main(kitti, depth_json, odometry, pose_json):
    """Print the tables, return the exit status."""
    depth = depth_columns(kitti)
    depth["network"] = json.loads(Path(depth_json).read_text())
    print_table(NAMES, depth)
    motion = motion_columns(read_kitti_poses(Path(odometry, "poses", f"{SEQUENCE:02d}.txt")))
    found = json.loads(Path(pose_json).read_text())
    motion["network"] = {"ATE": found["ate_mean"], "rotation": found["rotation_degrees"]}
    print_table(("ATE", "rotation"), motion)
    statuses = [
        verdict("the network's abs rel", gain(depth, "abs_rel", rival), rival, wanted)
        for rival, wanted in MARGINS.items()
    ]
    for key in ("ATE", "rotation"):
        for rival in MOTIONS:
            statuses.append(verdict(f"its {key}", gain(motion, key, rival), rival, 0))
    return max(statuses)


def gain(columns, key, rival):
    """The share by which the network's error is below a rival's."""
    return 1 - columns["network"][key] / columns[rival][key]


if __name__ == "__main__":
    if len(sys.argv) != 5:
        print(__doc__, file=sys.stderr)
        raise SystemExit(2)
    raise SystemExit(main(*sys.argv[1:]))

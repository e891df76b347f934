"""GeoNet beside rivals that have seen no image.

    python -m scripts.quickstart.compare_geonet KITTI DEPTH_JSON ODOMETRY POSE_DIR

Depth of the held-out drives: the training set's mean depth map and the best constant, both from
laser scans that the network never sees. Motion in the held-out sequence: a camera that stands
still, and one that drives straight on at one speed. All are scored by the evaluation's own code:
depth after scaling by the median (the rivals also as they are, what serves them better), the places
in each snippet of five frames, as in the paper's table 3, and of three after the best scale, and
the rotation from frame to frame. Exit 1 unless the network's abs rel is at least 15 % below the
mean map's, and all of its errors of motion are below both rivals'.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from geonet.src.model_utils.metrics import NAMES
from geonet.src.sfm_utils.depth_evaluation import GEONET_EIGEN, mean_metrics, score_depth
from geonet.src.sfm_utils.eigen import eigen_frames
from geonet.src.sfm_utils.report_parts import straight_path
from geonet.src.sfm_utils.rotations import rotation_angle, steps_of
from geonet.src.sfm_utils.snippets import geonet_target_snippets, snippet_ate
from geonet.src.sfm_utils.trajectories import read_kitti_poses, read_tum
from monodepth2.src.datasets.gt_depths import ground_truth

from .compare_monodepth2 import best_constant, mean_map, training_depths
from .comparison import print_table, verdict

SEQUENCE = 9  # of the held-out motion
LENGTHS = 5, 3  # frames of a snippet
MARGINS = {"mean map": 0.15, "constant": 0.30}  # by how much the network must be better


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


def motion_errors(path, truth):
    """Errors of a path (N, 4, 4) world_from_camera: ATE 5 and 3 in metres, rotation in degrees."""
    errors = {}
    for length in LENGTHS:
        pairs = zip(*(geonet_target_snippets(poses, length) for poses in (truth, path)))
        ates = [snippet_ate(true[:, :3, 3], found[:, :3, 3]) for true, found in pairs]
        errors[f"ATE {length}"] = float(np.mean(ates))
    true, found = (steps_of(poses)[:, :3, :3] for poses in (truth, path))
    apart = rotation_angle(np.linalg.inv(true) @ found)
    return {**errors, "rotation": float(np.degrees(apart).mean())}


def rival_paths(count):
    """{rival: path (count, 4, 4)}."""
    return {"standing": np.tile(np.eye(4), (count, 1, 1)), "straight on": straight_path(count)}


def main(kitti, depth_json, odometry, pose_dir):
    """Print the tables, return the exit status."""
    depth = depth_columns(kitti)
    depth["network"] = json.loads(Path(depth_json).read_text())
    print_table(NAMES, depth)
    truth = read_kitti_poses(Path(odometry, "poses", f"{SEQUENCE:02d}.txt"))
    paths = rival_paths(len(truth))
    rivals = [*paths]
    paths["network"] = read_tum(Path(pose_dir, f"odom_{SEQUENCE:02d}_tum.txt")).world_from_camera
    motion = {name: motion_errors(path, truth) for name, path in paths.items()}
    # Three frames are what the network itself predicts; five are cut from its path.
    metrics = json.loads(Path(pose_dir, "test_pose_metrics.json").read_text())
    motion["network"]["ATE 3"] = metrics["ate_mean"]
    print_table([*motion["network"]], motion)
    print("metres over snippets of 5 and of 3 frames after scaling, degrees from frame to frame")
    statuses = [
        verdict("the network's abs rel", gain(depth, "abs_rel", rival), rival, wanted)
        for rival, wanted in MARGINS.items()
    ]
    for key in motion["network"]:
        for rival in rivals:
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

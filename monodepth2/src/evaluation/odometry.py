"""Camera motion on KITTI odometry: the original's snippets, and the sequence as a whole."""

import json

import numpy as np

from ..model_utils.errors import InputError
from ..model_utils.files import is_file, write_bytes
from ..model_utils.images import write_npy
from ..model_utils.media import show_progress
from ..sfm_utils.kitti import ENDINGS, KittiOdometry
from ..sfm_utils.lists import Frame
from ..sfm_utils.pose_path import PoseConvention
from ..sfm_utils.snippets import evaluate_monodepth2_snippets
from ..sfm_utils.trajectories import (
    Trajectory,
    chain_poses,
    read_kitti_poses,
    score_trajectory,
    write_kitti_poses,
    write_tum,
)
from ..sfm_utils.trajectory_plot import draw_trajectories
from .page import write_motion_page
from .predicting import batches_of, to_tensor

SPLITS = {"odom_9": 9, "odom_10": 10}
CONVENTION = PoseConvention("axis_angle", "rotation_translation", ((0, 1),))


def open_sequence(data_path, split, png=True):
    """(images of a sequence in order, their true poses world_from_camera (N, 4, 4)).

    Where images are there as .jpg and as .png, png chooses .png.

    Raises:
        InputError: the poses or an image is missing.
    """
    number = SPLITS[split]
    poses = KittiOdometry(data_path).poses(number)
    if not is_file(poses):
        raise InputError(f"{poses} is missing; unpack KITTI's data_odometry_poses.zip there")
    truth = read_kitti_poses(poses)
    if len(truth) < 2:
        raise InputError(f"{poses} holds one pose; a trajectory needs two or more")
    frames = [Frame(str(number), index, "l") for index in range(len(truth))]
    trees = [KittiOdometry(data_path, ending) for ending in sorted(ENDINGS, reverse=png)]
    tree = next((tree for tree in trees if is_file(tree.image(frames[0]))), trees[-1])
    paths = [tree.image(frame) for frame in frames]
    missing = [path for path in paths if not is_file(path)]
    if missing:
        count = f"{len(missing)} of {len(paths)} images are missing, first {missing[0]}"
        raise InputError(f"{count}; unpack KITTI's data_odometry_color.zip there")
    return paths, truth


def predict_motion(cell, paths, *, size, batch_size, workers):
    """The motion from each image to the next.

    Args:
        cell: Cell of two images (B, 3, h, w), RGB 0..1, in the order of time -> (B, 1, 6).
        paths: of N images.
        size: (height, width) at the network.
        batch_size: pairs per step.
        workers: threads that read images.
    Returns:
        next_from_this (N - 1, 4, 4) float64.
    """
    print("-> Computing pose predictions")
    vectors, last, progress = [], None, show_progress("pairs")
    for planes in batches_of(paths, size, batch_size, workers):
        seen = planes if last is None else np.concatenate([last, planes])
        last, count = seen[-1:], len(seen) - 1
        if count:
            pairs = (to_tensor(part, batch_size) for part in (seen[:-1], seen[1:]))
            vectors.append(cell(*pairs).numpy()[:count, 0])
            progress(sum(map(len, vectors)), len(paths) - 1)
    return CONVENTION.matrices(np.concatenate(vectors))


def evaluate(model, data_path, split, places, *, batch_size, workers, png=False, report=None):
    """Predict a sequence and measure it; see `score_sequence`.

    Args:
        model: Model.
        data_path: folder of KITTI odometry.
        split: odom_9 or odom_10.
        places: Places.
        batch_size, workers: see `predict_motion`.
        png: see `open_sequence`.
        report: ReportPlace, or None.
    Raises:
        InputError: data are missing, or the weights have no pose network of pairs.
    """
    places.check(True)
    paths, truth = open_sequence(data_path, split, png)
    loop = {"size": model.size, "batch_size": batch_size, "workers": workers}
    motion = predict_motion(model.pose(), paths, **loop)
    score_sequence(motion, truth, split, places, report)


def score_sequence(next_from_this, truth, split, places, report=None):
    """Print the original's line, and write the poses, the aligned sequence and its plot.

    Args:
        next_from_this: (N - 1, 4, 4), from `predict_motion`.
        truth: world_from_camera (N, 4, 4).
        split: odom_9 or odom_10.
        places: Places; the folder gets poses.npy as in the original, <split>_kitti.txt,
            <split>_tum.txt and <split>.png; the errors are those of each snippet.
        report: ReportPlace, or None.
    """
    folder, snippets = places.folder, evaluate_monodepth2_snippets(truth, next_from_this)
    lines = [f"{start},{error}\n" for start, error in snippets.ates.items()]
    write_bytes(places.csv_file, "".join(["first_frame,ate\n", *lines]).encode())
    print(f"\n   Trajectory error: {snippets.mean:0.3f}, std: {snippets.std:0.3f}\n")
    score = score_trajectory(truth, chain_poses(next_from_this))
    print(
        f"   Whole sequence, 7-DoF alignment: ATE {score.ate_rmse:.2f} m, scale {score.scale:.2f}, "
        f"rotation {score.rotation_degrees:.3f} degrees per frame"
    )
    write_npy(folder / "poses.npy", np.float32(next_from_this))
    write_kitti_poses(folder / f"{split}_kitti.txt", score.aligned)
    path = Trajectory(np.arange(len(truth), dtype=np.float64), score.aligned)
    write_tum(folder / f"{split}_tum.txt", path)
    draw_trajectories(folder / f"{split}.png", {"truth": truth, "predicted": score.aligned})
    numbers = {"snippet_ate": snippets.mean, "snippet_std": snippets.std}
    numbers |= {"ate_rmse": score.ate_rmse, "scale": score.scale}
    numbers |= {"rotation_degrees": score.rotation_degrees, "frames": len(truth)}
    write_bytes(places.metrics_json, (json.dumps(numbers, indent=1) + "\n").encode())
    plot = folder / f"{split}.png"
    print(f"-> Predictions saved to {folder / 'poses.npy'}, plot {plot}")
    if report:
        write_motion_page(report, split, truth, numbers, [*snippets.ates.values()], plot)

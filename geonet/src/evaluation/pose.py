"""Camera motion of a sequence of KITTI odometry, predicted with a network (test_pose).

Lines and files are those of the original's geonet_test_pose.py; the sequence as a whole is ours.
"""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..model_utils.batches import batched, show_progress
from ..model_utils.errors import InputError
from ..model_utils.files import is_file
from ..sfm_utils.kitti import ENDINGS, KittiOdometry
from ..sfm_utils.pose_path import PoseConvention, PosePath
from ..sfm_utils.snippets import (
    geonet_snippet,
    geonet_target_snippets,
    with_target,
    write_snippet,
)
from ..sfm_utils.trajectories import (
    Trajectory,
    read_kitti_poses,
    read_times,
    score_trajectory,
    write_kitti_poses,
    write_tum,
)
from ..sfm_utils.trajectory_plot import draw_trajectories
from .page import write_motion_page
from .reading import BILINEAR, read_ahead, read_planes, windows
from .snippets import numbers_of, rows_of, score_snippets, snippet_folder

_CAMERAS = ("image_2", "image_0")  # auto takes the first that is there
_SAY_EVERY = 100  # snippets between lines of progress, as in the original
_ARCHIVES = {"image_0": "data_odometry_gray.zip"}
_COLOR_ARCHIVE = "data_odometry_color.zip"


class Sequence(NamedTuple):
    """A sequence of KITTI odometry.

    Attributes:
        number: of the sequence.
        images: paths, in the order of time.
        times: (N,) seconds.
        truth: world_from_camera (N, 4, 4); None where it is not there.
    """

    number: int
    images: list
    times: np.ndarray
    truth: np.ndarray | None

    @property
    def name(self):
        """Of its files."""
        return f"odom_{self.number:02d}"


def open_sequence(dataset_dir, number, camera, seq_length):
    """A sequence whose images are all there.

    Args:
        dataset_dir: folder with sequences/, and poses/ if the truth is known.
        number: of the sequence.
        camera: image_0 (grey), image_2, image_3, or auto: image_2 where it is there, else image_0.
        seq_length: frames of a snippet.
    Raises:
        InputError: the times or an image is missing or damaged, or there are too few.
    """
    tree = KittiOdometry(dataset_dir)
    folder = tree.sequence(number)
    if camera == "auto":
        camera = next((name for name in _CAMERAS if (folder / name).is_dir()), _CAMERAS[0])
    times_file = folder / "times.txt"
    if not is_file(times_file):
        text = f"{times_file} is missing"
        raise InputError(f"{text}; unpack KITTI's data_odometry_calib.zip in {dataset_dir}")
    times = read_times(times_file)
    if len(times) < seq_length:
        counts = f"{times_file} has {len(times)} times, seq_length is {seq_length}"
        raise InputError(f"{counts}: the sequence is too short")
    images = _images(folder / camera, len(times))
    poses = tree.poses(number)
    truth = read_kitti_poses(poses) if is_file(poses) else None
    if truth is not None and len(truth) != len(times):
        counts = f"{poses} has {len(truth)} poses, {times_file} {len(times)} times"
        raise InputError(f"{counts}; use files of the same sequence")
    return Sequence(number, images, times, truth)


def _images(folder, count):
    """The images of a sequence, .png or .jpg, as many as times.txt has lines."""
    for ending in sorted(ENDINGS):
        images = [folder / f"{number:06d}{ending}" for number in range(count + 1)]
        if is_file(images[0]):
            break
    archive = _ARCHIVES.get(folder.name, _COLOR_ARCHIVE)
    if lost := [path for path in images[:-1] if not is_file(path)]:
        text = f"{len(lost)} of {count} images are missing, first {lost[0]}"
        raise InputError(f"{text}; times.txt tells their number, KITTI's {archive} holds them")
    if is_file(images[-1]):
        raise InputError(f"{folder.parent}/times.txt ends before {images[-1]}: get it again")
    return images[:-1]


def test(model, dataset_dir, number, camera, gtruth_dir, places, workers, report=None):
    """Predict a sequence, and compare it with the truth if that is there (test_pose).

    Args:
        model: Model; the weights' seq_length is that of the snippets.
        dataset_dir, number, camera: see `open_sequence`.
        gtruth_dir: folder of true snippets; "": they are made from poses/<number>.txt.
        places: Places; the folder gets the snippets 000000.txt ... and, of the whole sequence,
            odom_<number>.png, odom_<number>_tum.txt and odom_<number>_kitti.txt.
        workers: threads that read images.
        report: ReportPlace, or None.
    Raises:
        InputError: the weights do not serve, or a file is missing or damaged.
    """
    model.check("pose")
    length = model.facts.seq_length
    sequence = open_sequence(dataset_dir, number, camera, length)
    if report and sequence.truth is None:
        raise InputError(f"report: poses/{number:02d}.txt is missing: nothing is scored")
    names = [f"{start:06d}.txt" for start in range(len(sequence.times) - length + 1)]
    true_folder = snippet_folder(gtruth_dir, set(names)) if gtruth_dir else None
    places.check(places.folder)
    print(f"images of {sequence.images[0].parent}", flush=True)
    vectors = predict(model, sequence.images, workers)
    for start, (name, sources) in enumerate(zip(names, vectors)):
        snippet = geonet_snippet(with_target(sources))
        write_snippet(places.folder / name, sequence.times[start : start + length], snippet)
    print(f"wrote {len(names)} snippets to {places.folder}", flush=True)
    _say_others(places.folder, names)
    numbers = score_whole(sequence, vectors, places.folder)
    if true_folder is None and sequence.truth is None:
        text = f"python kitti_eval/eval_pose.py --gtruth_dir SNIPPETS --pred_dir {places.folder}"
        print(f"no poses/{number:02d}.txt; to evaluate the snippets: {text}", flush=True)
        return
    scores = _score_snippets(sequence, length, true_folder, places.folder)
    numbers = {**numbers_of(scores), **numbers}
    places.write(rows_of(scores), numbers)
    if report:
        plot = places.folder / f"{sequence.name}.png"
        truth = sequence.truth, length
        write_motion_page(report, sequence.name, truth, numbers, scores.ates.values(), plot)


def predict(model, images, workers):
    """The poses around each frame that has all its neighbours.

    Args:
        model: Model.
        images: paths of N frames, in the order of time.
        workers: threads that read images.
    Returns:
        (N - L + 1, L - 1, 6): tx ty tz rx ry rz of source_from_target, sources in time order.
    """
    poses_of, (height, width) = model.poses(), model.size
    read = functools.partial(read_planes, height=height, width=width, resampling=BILINEAR)
    length = model.facts.seq_length
    samples = windows(read_ahead(read, images, workers), length)
    found, done, progress = [], 0, show_progress("snippets")
    for part in batched(samples, model.batch_size):
        if done % _SAY_EVERY == 0:
            print(f"Progress: {done}/{len(images)}", flush=True)
        found.append(poses_of(np.stack(part)))
        done += len(part)
        progress(done, len(images) - length + 1)
    return np.concatenate(found)


def _say_others(folder, names):
    """A line about snippets of an earlier run, which eval_pose would take for this one's."""
    found = sorted(path.name for path in folder.glob("[0-9]" * 6 + ".txt"))
    if others := sorted(set(found) - set(names)):
        text = f"{folder} holds {len(others)} snippets of another run, first {others[0]}"
        print(f"{text}: eval_pose compares them, too", flush=True)


def _score_snippets(sequence, length, true_folder, folder):
    """SnippetScores of the snippets in a folder; the true ones are made where none are given."""
    if true_folder:
        return score_snippets(true_folder, folder)
    with tempfile.TemporaryDirectory() as made:
        for start, snippet in enumerate(geonet_target_snippets(sequence.truth, length)):
            times = sequence.times[start : start + length]
            write_snippet(Path(made, f"{start:06d}.txt"), times, snippet)
        return score_snippets(made, folder)


def path_of(vectors):
    """The camera's path from the poses of neighbouring frames.

    Args:
        vectors: (N - L + 1, L - 1, 6), of `predict`.
    Returns:
        Trajectory, a pose's time is its frame's number; with L above 3 the first and the last
        frames are not part of it.
    """
    sources = vectors.shape[1]
    half = sources // 2
    offsets = [*range(-half, 0), *range(1, half + 1)]
    pairs = tuple((0, offset) for offset in offsets)
    path = PosePath(PoseConvention("euler_xyz", "translation_rotation", pairs))
    for target, poses in enumerate(vectors, half):
        path.add(target, poses)
    return next(path.pieces())


def score_whole(sequence, vectors, folder):
    """Chain the poses of a sequence, align the path with the truth, and write it.

    Args:
        sequence: Sequence.
        vectors: of `predict`.
        folder: gets <name>.png, <name>_tum.txt, <name>_kitti.txt.
    Returns:
        {"ate_rmse" (metres), "scale", "rotation_degrees" (per frame), "frames"}; without the truth
        the path is as it was predicted, up to scale, and the result is empty.
    """
    path = path_of(vectors)
    places, numbers = path.times.astype(int), {}
    drawn = {"predicted": path.world_from_camera}
    if sequence.truth is not None:
        truth = sequence.truth[places]
        score = score_trajectory(truth, path.world_from_camera)
        drawn = {"truth": truth, "predicted": score.aligned}
        numbers = {"ate_rmse": score.ate_rmse, "scale": score.scale}
        numbers |= {"rotation_degrees": score.rotation_degrees, "frames": len(places)}
        print(
            f"Whole sequence, 7-DoF alignment: ATE {score.ate_rmse:.2f} m, "
            f"scale {score.scale:.2f}, rotation {score.rotation_degrees:.3f} degrees per frame"
        )
    poses, stem = drawn["predicted"], folder / sequence.name
    write_kitti_poses(f"{stem}_kitti.txt", poses)
    write_tum(f"{stem}_tum.txt", Trajectory(sequence.times[places], poses))
    draw_trajectories(f"{stem}.png", drawn)
    print(f"wrote {stem}.png, {sequence.name}_tum.txt, {sequence.name}_kitti.txt", flush=True)
    return numbers

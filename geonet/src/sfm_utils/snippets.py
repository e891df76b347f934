"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Snippets of a few frames whose camera positions are compared after scaling: ATE of both originals.

Conventions
    Poses are b_from_a as in rotations.py, world_from_camera in metres. A snippet holds the places
    of its cameras in the frame of its first one. GeoNet: snippets of 3 or 5 frames around each
    target, as text files with lines `t tx ty tz qx qy qz qw` (s, metres), matched by time.
    Monodepth2: snippets of 5 that shrink at the end of the sequence, so that every frame but the
    last begins one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from ..model_utils.errors import InputError
from ..model_utils.files import write_bytes
from .rotations import (
    cumulative_poses,
    pose_from_vector,
    quaternion_from_rotation,
    vector_from_pose,
)
from .trajectories import Trajectory, read_tum

TIME_LIMIT = 0.01  # seconds by which matching times may differ, exclusive


@dataclass(frozen=True)
class SnippetScores:
    """ATE of the snippets of a sequence.

    Attributes:
        ates: {name: metres, None where it cannot be told (see `snippet_ate`)}.
        unmatched: predictions without ground truth.
    """

    ates: dict[str, float | None]
    unmatched: int = 0

    @property
    def _known(self):
        return [ate for ate in self.ates.values() if ate is not None]

    @property
    def mean(self) -> float:
        """Mean of the snippets that count; NaN without any."""
        return float(np.mean(self._known)) if self._known else float("nan")

    @property
    def std(self) -> float:
        """Standard deviation (of the population) of the snippets that count."""
        return float(np.std(self._known)) if self._known else float("nan")


def snippet_ate(target_xyz: np.ndarray, predicted_xyz: np.ndarray) -> float:
    """Absolute trajectory error of a snippet after the best scale, as in both originals.

    Args:
        target_xyz: (N, 3), metres, in the frame of the first camera.
        predicted_xyz: (N, 3), the same places up to scale; moved so that the first ones agree.
    Returns:
        sqrt(sum of squared distances) / N, which is not the root of their mean.
    """
    target = np.asarray(target_xyz, np.float64)
    predicted = np.asarray(predicted_xyz, np.float64)
    predicted = predicted + (target[0] - predicted[0])
    squares = np.sum(predicted**2)
    # A camera that is predicted to stand still has no scale; the originals divide by zero.
    scale = np.sum(target * predicted) / squares if squares else 1
    return float(np.sqrt(np.sum((predicted * scale - target) ** 2)) / len(target))


def geonet_snippet(each_from_target: np.ndarray) -> np.ndarray:
    """Poses of a snippet's cameras in the frame of its first one.

    Args:
        each_from_target: (L, 6) pose vectors tx ty tz rx ry rz of all frames in time order, the
            target's own (zeros) included; any other common frame serves as well.
    Returns:
        (L, 4, 4) first_from_each.
    """
    poses = pose_from_vector(each_from_target)
    return poses[0] @ np.linalg.inv(poses)


def geonet_target_snippets(world_from_camera: np.ndarray, length: int) -> list[np.ndarray]:
    """Ground truth snippets of a sequence, one for each target that has all its neighbours.

    Args:
        world_from_camera: (N, 4, 4), as KITTI gives them.
        length: odd number of frames.
    Returns:
        N - length + 1 arrays (length, 4, 4) first_from_each.
    """
    vectors = vector_from_pose(np.linalg.inv(world_from_camera))
    starts = range(len(vectors) - length + 1)
    return [geonet_snippet(vectors[start : start + length]) for start in starts]


def with_target(sources: np.ndarray) -> np.ndarray:
    """GeoNet's predicted pose vectors (L - 1, 6) with zeros for the target in the middle."""
    return np.insert(sources, len(sources) // 2, 0, 0)


def write_snippet(path: str | Path, times: np.ndarray, first_from_each: np.ndarray) -> None:
    """Write GeoNet's text file of a snippet, six decimals: (L,) seconds, (L, 4, 4)."""
    quaternions = quaternion_from_rotation(first_from_each[:, :3, :3])
    rows = np.column_stack([times, first_from_each[:, :3, 3], quaternions])
    text = "".join(" ".join(f"{value:f}" for value in row) + "\n" for row in rows)
    write_bytes(path, text.encode())


def match_times(
    first: np.ndarray, second: np.ndarray, limit: float = TIME_LIMIT
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of times that differ by less than `limit`, the closest pairs first; none is used twice.

    Args:
        first, second: (N,), (M,) seconds, ascending.
    Returns:
        Indices into both, ascending.
    """
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    near = cKDTree(first[:, None]).query_ball_point(second[:, None], limit)
    pairs = [(abs(first[i] - second[j]), i, j) for j, found in enumerate(near) for i in found]
    matches, used = [], (set(), set())
    for difference, i, j in sorted(pairs):
        if difference < limit and i not in used[0] and j not in used[1]:
            used[0].add(i)
            used[1].add(j)
            matches.append((i, j))
    indices = np.array(sorted(matches), np.int64).reshape(-1, 2)
    return indices[:, 0], indices[:, 1]


def matched_ate(target: Trajectory, predicted: Trajectory) -> float | None:
    """`snippet_ate` of the frames whose times match.

    Returns:
        None, as in the original, with fewer than two matches, and where it is exactly 0: that is a
        snippet in which the car stands still, whatever was predicted.
    """
    i, j = match_times(target.times, predicted.times)
    if len(i) < 2:
        return None
    target_xyz = target.world_from_camera[i, :3, 3]
    return snippet_ate(target_xyz, predicted.world_from_camera[j, :3, 3]) or None


def evaluate_snippet_files(
    target_folder: str | Path, predicted_folder: str | Path
) -> SnippetScores:
    """GeoNet's evaluation: each .txt of a folder against the file of the same name in another.

    Raises:
        InputError: a folder has no snippet, none has ground truth, or a file is damaged.
    """
    files = sorted(Path(predicted_folder).glob("*.txt"))
    if not files:
        raise InputError(f"{predicted_folder} holds no .txt: predict the poses first")
    targets = {file: Path(target_folder) / file.name for file in files}
    found = {file: target for file, target in targets.items() if target.is_file()}
    if not found:
        raise InputError(
            f"{target_folder} has no file of the {len(files)} in {predicted_folder}, such as "
            f"{files[0].name}; generate the snippets of that sequence"
        )
    ates = {
        file.name: matched_ate(read_tum(target), read_tum(file)) for file, target in found.items()
    }
    return SnippetScores(ates, unmatched=len(files) - len(found))


def evaluate_monodepth2_snippets(
    world_from_camera: np.ndarray, next_from_this: np.ndarray, length: int = 5
) -> SnippetScores:
    """Monodepth2's evaluation of the poses between neighbouring frames.

    The original multiplies next_from_this in the order of time, for ground truth and prediction
    alike. The result is not the camera's path (that takes the inverses), but published numbers are
    made so.

    Args:
        world_from_camera: (N, 4, 4), ground truth.
        next_from_this: (N - 1, 4, 4), predicted, any scale.
        length: of the snippets, in frames; the last ones are shorter.
    Returns:
        N - 1 errors, named by their first frame.
    Raises:
        InputError: another number of predictions.
    """
    count = len(world_from_camera)
    if len(next_from_this) != count - 1:
        raise InputError(
            f"{len(next_from_this)} predicted poses for {count} frames; expected {count - 1}"
        )
    target_steps = np.linalg.inv(world_from_camera[1:]) @ world_from_camera[:-1]
    ates = {}
    for start in range(count - 1):
        part = slice(start, start + length - 1)
        places = [
            cumulative_poses(steps[part])[:, :3, 3] for steps in (target_steps, next_from_this)
        ]
        ates[str(start)] = snippet_ate(*places)
    return SnippetScores(ates)

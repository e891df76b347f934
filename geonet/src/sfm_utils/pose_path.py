"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

The path of a camera from what a pose network predicts for one frame after the other.

Conventions
    A pose network gives six numbers for a pair of frames (from, to), offsets from frame 0: the
    matrix to_from_from takes points of the camera at `from` to the camera at `to`
    (x_to = R x_from + t). The path is world_from_camera; its world is the first camera.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from .rotations import cumulative_poses, inverse_pose, make_pose, rotation_from_euler
from .trajectories import Trajectory, write_tum

ROTATIONS = ("axis_angle", "euler_xyz")
LAYOUTS = ("rotation_translation", "translation_rotation")


@dataclass(frozen=True)
class PoseConvention:
    """How six numbers become a matrix; what a graph's sidecar says in `pose`.

    Attributes:
        rotation: axis_angle, or euler_xyz for Rx Ry Rz with angles clipped to +-pi.
        layout: which three numbers come first.
        pairs: (from, to) of each vector.
        scale: what translations are multiplied by; 5.4 for Monodepth2 trained on stereo pairs.
    """

    rotation: str
    layout: str
    pairs: tuple[tuple[int, int], ...]
    scale: float = 1.0

    def __post_init__(self):
        if self.rotation not in ROTATIONS or self.layout not in LAYOUTS:
            allowed = f"{', '.join(ROTATIONS)} and {', '.join(LAYOUTS)}"
            raise ValueError(f"{self.rotation} {self.layout}: expected one of {allowed}")

    @property
    def sidecar(self) -> dict:
        """What the sidecar of a graph says of its output: `pose` and `metric_scale`."""
        pairs = [list(pair) for pair in self.pairs]
        pose = {"rotation": self.rotation, "layout": self.layout, "pairs": pairs}
        return {"pose": pose, "metric_scale": self.scale}

    def matrices(self, vectors: np.ndarray) -> np.ndarray:
        """to_from_from (..., 4, 4) of (..., 6)."""
        vectors = np.asarray(vectors, np.float64)
        first, last = vectors[..., :3], vectors[..., 3:]
        turn, move = (first, last) if self.layout == LAYOUTS[0] else (last, first)
        if self.rotation == "euler_xyz":
            rotation = rotation_from_euler(np.clip(turn, -np.pi, np.pi))
        else:
            matrices = Rotation.from_rotvec(turn.reshape(-1, 3)).as_matrix()
            rotation = matrices.reshape(*turn.shape, 3)
        return make_pose(rotation, self.scale * move)


class PosePath:
    """Collects the poses of one sequence's frames.

    Where several pairs tell of the same step the one that stands first in the convention counts.
    """

    def __init__(self, convention: PoseConvention):
        self.convention, self._steps = convention, {}

    def add(self, number: int, vectors: np.ndarray) -> None:
        """The predictions (pairs, 6) for frame `number`."""
        poses = self.convention.matrices(np.reshape(vectors, (-1, 6)))
        for rank, ((start, end), pose) in enumerate(zip(self.convention.pairs, poses)):
            if abs(end - start) != 1:
                continue  # longer steps are not needed for a chain
            this_from_next = inverse_pose(pose) if start < end else pose
            earlier = number + min(start, end)
            if self._steps.get(earlier, (len(poses), None))[0] > rank:
                self._steps[earlier] = rank, this_from_next

    def pieces(self) -> Iterator[Trajectory]:
        """Each run of neighbouring frames; a frame's time is its number."""
        numbers = np.array(sorted(self._steps), int)
        for run in np.split(numbers, np.flatnonzero(np.diff(numbers) != 1) + 1):
            if run.size:
                steps = np.stack([self._steps[number][1] for number in run])
                times = np.append(run, run[-1] + 1).astype(np.float64)
                yield Trajectory(times, cumulative_poses(steps))


def write_paths(folder: Path, pieces: list[Trajectory]) -> None:
    """Write trajectory.txt, and trajectory_1.txt ... where frames are missing in between."""
    for number, piece in enumerate(pieces):
        name = f"trajectory_{number}.txt" if number else "trajectory.txt"
        write_tum(folder / name, piece)

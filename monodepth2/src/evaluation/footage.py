"""Own footage without ground truth: how much of the change between frames a model explains.

The last frames of each sequence, which training left out, are rebuilt from their neighbours by the
predicted depth and motion. Their error is compared with that of the neighbours as they are.
"""

import json
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import mindspore as ms
import numpy as np
from mindspore import nn

from ..datasets.footage import open_sequences
from ..losses import Reprojection
from ..model_utils.errors import InputError
from ..model_utils.files import write_bytes
from ..model_utils.images import read_png
from ..sfm_utils.depth_evaluation import EIGEN_BENCHMARK, mean_metrics, score_depth
from ..sfm_utils.pose_path import PosePath
from ..sfm_utils.trajectories import write_tum
from ..sfm_utils.trajectory_plot import draw_trajectories
from .odometry import CONVENTION
from .predicting import read_planes, to_tensor

_DEPTH_UNIT = 256  # of the ground truth's 16 bits: levels per metre


@dataclass(frozen=True)
class Explained:
    """Photometric errors of a sequence's held-out frames.

    Attributes:
        warped: mean error of the neighbours seen through predicted depth and motion.
        still: mean error of the neighbours as they are.
        frames: how many.
    """

    warped: float
    still: float
    frames: int

    @property
    def share(self):
        """The part of the change between frames that the model explains."""
        return 1 - self.warped / self.still


class FootageEvaluator:
    """Predicts and rebuilds held-out frames.

    Args:
        disparity_cell: Cell of (1, 3, h, w), RGB 0..1 -> (1, 1, h, w) scaled disparity.
        pose_cell: Cell of two images in the order of time -> (1, 1, 6).
        size: (height, width) at the network.
    """

    def __init__(self, disparity_cell, pose_cell, size):
        self.disparity_cell, self.pose_cell, self.size = disparity_cell, pose_cell, size
        self.error = _PairError()

    def evaluate(self, sequence):
        """(Explained, Trajectory of the held-out frames, {frame: disparity (h, w)})."""
        step, kept = sequence.selection.step, sequence.selection.kept
        path, disparities, errors = PosePath(CONVENTION), {}, []
        places = sequence.targets[1]
        for place in places:
            numbers = [kept[place + offset * step] for offset in (-1, 0, 1)]
            before, target, after = (self._image(sequence.files[number]) for number in numbers)
            disparity = self.disparity_cell(target)
            vectors = [self.pose_cell(*pair) for pair in ((before, target), (target, after))]
            matrices = [CONVENTION.matrices(vector.asnumpy())[0, 0] for vector in vectors]
            number, rest = divmod(place - places[0], step)
            if not rest:  # the motion is from one neighbour to the next, `step` frames on
                path.add(number, vectors[1].asnumpy()[0])
            disparities[sequence.files[numbers[1]]] = disparity.asnumpy()[0, 0]
            poses = np.linalg.inv(matrices[0]), matrices[1]
            errors.append(self._errors(target, (before, after), disparity, poses, sequence.camera))
        warped, still = np.mean(errors, 0)
        return Explained(float(warped), float(still), len(errors)), path, disparities

    def _image(self, file):
        return to_tensor(read_planes(file, *self.size)[None], 1)

    def _errors(self, target, sources, disparity, poses, camera):
        matrix = camera.resized(*self.size).matrix
        cameras = [ms.Tensor(np.float32(one[None])) for one in (matrix, np.linalg.inv(matrix))]
        still = [np.eye(4)] * len(poses)
        errors = []
        for given in (poses, still):
            moved = [ms.Tensor(np.float32(pose[None])) for pose in given]
            error = self.error(1 / disparity, target, *sources, *moved, *cameras)
            errors.append(float(error.asnumpy().mean()))
        return errors


class _PairError(nn.Cell):
    """The smaller error of two neighbours, one tensor as a graph can give it."""

    def __init__(self):
        super().__init__()
        self.reprojection = Reprojection()

    def construct(self, depth, target, before, after, pose_before, pose_after, K, inverse):
        """See `Reprojection`: (1, 1, h, w)."""
        sources, poses = (before, after), (pose_before, pose_after)
        return self.reprojection(depth, target, sources, poses, (K, inverse), None)[0]


def evaluate(model, data_path, camera, places, *, frame_step, val_share, truth=""):
    """Evaluate each sequence, print a line, write numbers, paths and their plot.

    Args:
        model: Model.
        data_path, camera, frame_step, val_share: see `open_sequences`; as in the training.
        places: Places; the folder gets trajectory_<sequence>.txt (TUM) and .png.
        truth: folder with <sequence>/<frame>.png or <frame>.png, 16 bits, 256 levels a metre, or
            empty.
    Raises:
        InputError: bad footage or ground truth, or weights without a pose network of pairs.
    """
    with tempfile.TemporaryDirectory() as cache:
        own = {"frame_step": frame_step, "val_share": val_share}
        sequences = open_sequences(data_path, camera, cache=cache, size=model.size, **own)
        evaluator = FootageEvaluator(model.disparity(), model.pose(), model.size)
        _evaluate_all(evaluator, sequences, places, truth, model.metric_scale)


def _evaluate_all(evaluator, sequences, places, truth, metric_scale):
    numbers = {}
    for sequence in sequences:
        explained, path, disparities = evaluator.evaluate(sequence)
        found = {"frames": explained.frames, "error": explained.warped}
        found |= {"error_unwarped": explained.still, "explained": explained.share}
        print(
            f"{sequence.name}: {explained.frames} held-out frames, photometric error "
            f"{explained.warped:.4f}, {explained.still:.4f} without depth and motion: "
            f"{100 * explained.share:.1f} % explained"
        )
        if truth:
            metrics = _depth_metrics(sequence, disparities, Path(truth), metric_scale)
            print("  " + ", ".join(f"{name} {value:.3f}" for name, value in metrics.items()))
            found |= metrics
        _write_path(path, places.folder, Path(sequence.name).stem)
        numbers[sequence.name] = found
    write_bytes(places.metrics_json, (json.dumps(numbers, indent=1) + "\n").encode())
    print(f"wrote {places.metrics_json}")


def _write_path(path, folder, name):
    for number, piece in enumerate(path.pieces()):
        stem = f"trajectory_{name}_{number}" if number else f"trajectory_{name}"
        write_tum(folder / f"{stem}.txt", piece)
        draw_trajectories(folder / f"{stem}.png", {name: piece.world_from_camera})


def _depth_metrics(sequence, disparities, truth, metric_scale):
    """Mean metrics of the held-out frames that have ground truth."""
    scores, scale = [], {"median": metric_scale is None, "factor": metric_scale or 1.0}
    protocol = replace(EIGEN_BENCHMARK, **scale)
    for file, disparity in disparities.items():
        name, places = f"{file.stem}.png", (sequence.name, Path(sequence.name).stem, "")
        places = [truth / place / name for place in places]
        place = next((place for place in places if place.is_file()), None)
        if place is not None:
            depth = np.float32(read_png(place, 16)) / _DEPTH_UNIT
            scores.append(score_depth(disparity, depth, protocol, str(place)))
    if not scores:
        name = next(iter(disparities)).stem
        raise InputError(f"gt_depth_path {truth} has no depth of a held-out frame ({name}.png ...)")
    return mean_metrics(scores)

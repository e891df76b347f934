"""Metres per unit of a network's depth: from its training, or from what a user knows."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..gps import read_places
from ..model_utils.batches import Predictor, in_batches
from ..model_utils.errors import InputError
from ..scaling import scale_from_ground, scale_from_path, scale_from_points
from ..sfm_utils.depth_evaluation import STEREO_SCALE
from ..sfm_utils.intrinsics import Intrinsics
from ..sfm_utils.pose_path import PoseConvention, PosePath
from .inputs import FrameSource
from .predictors import Enlarged, Network

POSES = PoseConvention("axis_angle", "rotation_translation", ((0, 1),))  # of PairPose
_IMAGES, _APART = 9, 10  # of a sequence in which the ground is looked for


@dataclass(frozen=True)
class Known:
    """What a user knows of the scene; what is empty or 0 is not known.

    Attributes:
        scale: metres per unit of depth.
        known_distance: u v metres of a point in the first image, or of several.
        camera_height: metres above the ground.
        gps: where the camera was, see `read_places`.
    Raises:
        InputError: more than one is given, or known_distance is incomplete.
    """

    scale: float = 0.0
    known_distance: Sequence[float] = ()
    camera_height: float = 0.0
    gps: str = ""

    def __post_init__(self):
        given = [name for name, value in vars(self).items() if value]
        if len(given) > 1:
            raise InputError(f"{' and '.join(given)}: each gives a scale; choose one of them")
        if len(self.known_distance) % 3:
            count = len(self.known_distance)
            raise InputError(f"known_distance has {count} numbers; give u v metres of each point")


@dataclass(frozen=True)
class Measuring:
    """What a scale is measured with.

    Attributes:
        source: the first sequence of the inputs.
        network: of disparity.
        camera: of the source; for camera_height.
        poses: of the motion between two images; for gps.
    """

    source: FrameSource
    network: Network
    camera: Intrinsics | None = None
    poses: Network | None = None

    @property
    def disparities(self) -> Predictor:
        """Predictor of (H, W)."""
        return Enlarged(self.network)

    def scale(self, known: Known) -> float | None:
        """Metres per unit as what is known tells; None where nothing is.

        Raises:
            InputError: what is known does not fit the images.
        """
        if known.scale:
            return known.scale
        if known.known_distance:
            (disparity,) = self.disparities.batch([next(self.source.frames())])
            return scale_from_points(disparity, np.reshape(known.known_distance, (-1, 3)))
        if known.camera_height:
            frames = enumerate(itertools.islice(self.source.frames(_APART), _IMAGES))
            maps = (disparity for _, disparity in in_batches(frames, self.disparities))
            return scale_from_ground(maps, self.camera, known.camera_height)
        if known.gps:
            predicted = self._places()
            names = [file.stem for file in self.source.files or ()]
            return scale_from_path(read_places(known.gps, len(predicted), names), predicted)
        return None

    def _places(self):
        """The predicted path of the source, (N, 3)."""
        path = PosePath(POSES)
        pairs = enumerate(itertools.pairwise(self.source.frames()))
        for number, vectors in in_batches(pairs, self.poses):
            path.add(number, vectors)
        piece = next(path.pieces(), None)
        if piece is None:
            raise InputError(f"gps: {self.source.path} holds one image; a path needs two or more")
        return piece.world_from_camera[:, :3, 3]


def metres_per_unit(known: Known, measuring: Measuring, record: Mapping) -> float | None:
    """The scale that a user's knowledge gives, else that of the training; printed.

    Args:
        known: what the user knows.
        measuring: by what it is measured.
        record: of the weights, whose metric_scale is None after training on video alone.
    Returns:
        None: it is not known.
    Raises:
        InputError: see `Measuring.scale`.
    """
    (how,) = [name for name, value in vars(known).items() if value] or ["the training"]
    scale = measuring.scale(known) or record["metric_scale"]
    if scale is not None:
        print(f"scale: {scale:.4g} metres per unit of depth, from {how}", flush=True)
    return scale


def or_kitti_s(scale: float | None) -> float:
    """A known scale; KITTI's of stereo pairs, as the original takes without looking, with its
    warning."""
    if scale is None:
        print(
            "Warning: The --pred_metric_depth flag only makes sense for stereo-trained KITTI "
            "models. For mono-trained models, output depths will not in metric space."
        )
    return STEREO_SCALE if scale is None else scale

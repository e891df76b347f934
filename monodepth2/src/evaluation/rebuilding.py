"""Frames of own footage, rebuilt from other images by predicted depth and motion."""

from typing import NamedTuple

import mindspore as ms
import numpy as np
from mindspore import nn

from ..datasets.fields import STEREO
from ..datasets.samples import stereo_transform
from ..losses import Reprojection
from ..model_utils.errors import InputError
from .odometry import CONVENTION
from .predicting import read_planes, to_tensor

_VIDEO = (-1, 1)


class Maps(NamedTuple):
    """What is computed of a frame.

    Attributes:
        disparity: (h, w), predicted.
        error: (h, w), of the other images seen through predicted depth and motion.
        unwarped: (h, w), of the same images as they are.
        next_from_this: (4, 4), the predicted motion to the next frame; None without one.
    """

    disparity: np.ndarray
    error: np.ndarray
    unwarped: np.ndarray
    next_from_this: np.ndarray


def sources_of(model, baseline):
    """The images that a model can rebuild a frame from, as `open_sequences` takes them.

    Args:
        model: Model.
        baseline: metres to the right camera; 0: there is none.
    Raises:
        InputError: none.
    """
    sources = _VIDEO if model.has_poses else ()
    if model.record["use_stereo"] and baseline:
        sources = (*sources, STEREO)
    if not sources:
        text = f"{model.folder} holds no pose network of image pairs, nor weights of a stereo"
        raise InputError(f"{text} training with --baseline: there is nothing to rebuild frames by")
    return sources


class SmallestError(nn.Cell):
    """The smallest error of several images; see `Reprojection`."""

    def __init__(self):
        super().__init__()
        self.reprojection = Reprojection()

    def construct(self, depth, target, K, inverse, *views):
        """(1, 1, h, w) of depth, target, its camera, S images, and S poses source_from_target."""
        count = len(views) // 2
        sources, poses = views[:count], views[count:]
        return self.reprojection(depth, target, sources, poses, (K, inverse), None)[0]


class Rebuilding:
    """Predicts and rebuilds frames.

    Args:
        disparity_cell: Cell of (1, 3, h, w), RGB 0..1 -> (1, 1, h, w) scaled disparity.
        pose_cell: Cell of two images in the order of time -> (1, 1, 6); for neighbours.
        size: (height, width) at the network.
        sources: of `sources_of`.
    """

    def __init__(self, disparity_cell, pose_cell, size, sources):
        self.disparity_cell, self.pose_cell = disparity_cell, pose_cell
        self.size, self.sources, self.error = size, sources, SmallestError()

    def maps(self, frames, index):
        """Maps of a frame.

        Args:
            frames: FootageFrames.
            index: which of them.
        """
        target = self._image(frames, index, 0)
        disparity = self.disparity_cell(target)
        images = [self._image(frames, index, source) for source in self.sources]
        poses = [self._pose(*pair, target) for pair in zip(self.sources, images)]
        matrix = frames.matrix(index, *self.size, False)
        seen = 1 / disparity, target, *map(_tensor, (matrix, np.linalg.inv(matrix))), *images
        still = [np.eye(4)] * len(poses)
        errors = [self.error(*seen, *map(_tensor, given)) for given in (poses, still)]
        found = (one.numpy()[0, 0] for one in (disparity, *errors))
        return Maps(*found, dict(zip(self.sources, poses)).get(1))

    def _image(self, frames, index, source):
        return to_tensor(read_planes(frames.path(index, source), *self.size)[None], 1)

    def _pose(self, source, image, target):
        """source_from_target, (4, 4)."""
        if source == STEREO:
            return stereo_transform(is_left=True, is_mirrored=False)
        pair = (target, image) if source > 0 else (image, target)
        moved = CONVENTION.matrices(self.pose_cell(*pair).numpy())[0, 0]
        return moved if source > 0 else np.linalg.inv(moved)


def _tensor(matrix):
    return ms.Tensor(np.float32(matrix[None]))

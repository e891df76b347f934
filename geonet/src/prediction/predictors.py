"""Predictors of images of any size, with the networks of a weights file (see media.Predictor).

Conventions
    Images are (H, W, 3) uint8 RGB. Depth and translations are in the network's unit, which is
    known up to scale only. What is predicted has its image's size.
"""

import cv2
import numpy as np

from ..evaluation.reading import BILINEAR, LANCZOS, resized_planes
from ..model_utils.batches import Prepared
from ..sfm_utils.pose_path import PoseConvention
from ..sfm_utils.results import enlarge_flow


def offsets_of(task, facts):
    """The frames that a network sees, the one that it is about first.

    Args:
        task: depth, pose or flow.
        facts: Facts of the weights.
    Returns:
        Offsets in the sequence, those of the sources in the order of time.
    """
    if task == "depth":
        return (0,)
    if task == "flow" and facts.flownet_type == "direct":
        return (0, 1)
    half = facts.seq_length // 2
    return (0, *range(-half, 0), *range(1, half + 1))


def pose_convention(seq_length, scale=1.0):
    """What the pose network's numbers mean.

    The step from a frame to the next one is the pose of the source before the later frame; of the
    last frame that is a target, also that of the source after it.

    Args:
        seq_length: frames of a sample.
        scale: metres per unit.
    """
    half = seq_length // 2
    pairs = tuple((0, offset) for offset in (*range(-half, 0), *range(1, half + 1)))
    return PoseConvention("euler_xyz", "translation_rotation", pairs, scale)


class Depths(Prepared):
    """A predictor of depth (H, W) float32, metres if the scale is that of the network's unit.

    Args:
        model: Model.
        scale: metres per unit.
    """

    def __init__(self, model, scale=1.0):
        self.depth_of, self.size, self.batch_size = model.depth(), model.size, model.batch_size
        self.scale = np.float32(scale)

    def prepare(self, image):
        """An image -> (its planes at the network, (W, H))."""
        return resized_planes(image, *self.size, LANCZOS), image.shape[1::-1]

    def predict(self, prepared):
        """List of prepared images -> list of (H, W)."""
        planes, sizes = zip(*prepared)
        depths = self.scale * np.float32(self.depth_of(np.stack(planes)))
        # Depth, not its inverse, as the original's evaluation enlarges it.
        return list(map(cv2.resize, depths, sizes))


def stacked(images, size):
    """A sample of several images as the networks see it.

    Args:
        images: tuple of L images, the target first.
        size: (height, width) at the networks.
    Returns:
        (3 L, height, width) uint8.
    """
    return np.concatenate([resized_planes(image, *size, BILINEAR) for image in images])


class Poses(Prepared):
    """A predictor of the poses of the sources, (L - 1, 6) float32 (see `pose_convention`).

    Args:
        model: Model.
    """

    def __init__(self, model):
        self.poses_of, self.size, self.batch_size = model.poses(), model.size, model.batch_size

    def prepare(self, sample):
        """A tuple of images -> what the network sees."""
        return stacked(sample, self.size)

    def predict(self, prepared):
        """List of prepared samples -> list of (L - 1, 6)."""
        return list(np.float32(self.poses_of(np.stack(prepared))))


class Flows(Prepared):
    """A predictor of the flow (H, W, 2) float32, pixels of the image, to the next frame.

    Args:
        model: Model.
    """

    def __init__(self, model):
        # A direct network sees no other source than the next frame.
        source = 0 if model.facts.flownet_type == "direct" else None
        self.flow_of, self.size, self.batch_size = model.flow(source), model.size, model.batch_size

    def prepare(self, sample):
        """(Tuple of images, their Intrinsics or None for a direct network) -> (what the network
        sees, the camera's matrix there, (H, W))."""
        images, camera = sample
        matrix = np.eye(3) if camera is None else camera.resized(*self.size).matrix
        return stacked(images, self.size), matrix, images[0].shape[:2]

    def predict(self, prepared):
        """List of prepared samples -> list of (H, W, 2)."""
        seen, matrices, sizes = map(list, zip(*prepared))
        K, inv_K = np.float32(matrices), np.float32(np.linalg.inv(matrices))
        flows = self.flow_of(np.stack(seen), K, inv_K).transpose(0, 3, 1, 2)
        return [enlarge_flow(flow, *size) for flow, size in zip(flows, sizes)]

"""Training samples: a frame, its neighbours and the other camera's image; see `fields`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, Union

import numpy as np

from ..transforms import Jitter, mirrored, pyramid, read_image, to_planes
from .fields import STEREO, color, color_aug

BASELINE = 0.1  # what the distance of the cameras is called in stereo_T
FrameId = Union[int, str]


class Frames(Protocol):
    """Where samples come from: frames with their neighbours' files and their camera."""

    def __len__(self) -> int: ...

    def path(self, index: int, frame_id: FrameId) -> Path:
        """The image of frame number `index`, of a neighbour (-1, 1, ...), or the other camera's."""

    def is_left(self, index: int) -> bool:
        """Whether a frame is the left camera's."""

    def matrix(self, index: int, height: int, width: int, is_mirrored: bool) -> np.ndarray:
        """K, (3, 3) float32, in pixels of images of that size."""

    def depth(self, index: int) -> np.ndarray:
        """(375, 1242) float32 metres, 0 where there is none."""


class VideoSamples:
    """Samples of `model_utils.stream` from frames of video, of stereo pairs, or of both.

    Args:
        frames: where the images are.
        height, width: of scale 0, pixels.
        sources: what the target is compared with, such as [-1, 1, "s"].
        scales: of the loss; the target has images of each of them and of scale 0.
        v1_multiscale: the sources have images of each scale, too.
        seen: frames that networks see, with color_aug; else 0 and its neighbours.
        is_train: mirror half of the samples and change the colours of half of them.
        with_depth: depth_gt too.
    Attributes:
        fields: names of the arrays of a sample.
    """

    def __init__(
        self,
        frames: Frames,
        *,
        height: int,
        width: int,
        sources: Sequence[FrameId],
        scales: Sequence[int] = (0, 1, 2, 3),
        v1_multiscale: bool = False,
        seen: Sequence[FrameId] | None = None,
        is_train: bool = False,
        with_depth: bool = False,
    ):
        self.frames, self.height, self.width = frames, height, width
        self.is_train, self.with_depth = is_train, with_depth
        moving = [source for source in sources if source != STEREO]
        self.seen = tuple([0, *moving] if seen is None else seen)
        self.use_stereo = len(moving) < len(sources)
        of_target = sorted({0, *scales})
        of_source = of_target if v1_multiscale else [0]
        self.scales = {0: of_target, **dict.fromkeys(sources, of_source)}
        images = [color(name, scale) for name, found in self.scales.items() for scale in found]
        others = ["stereo_T"] * self.use_stereo + ["depth_gt"] * with_depth
        self.fields = (*images, *map(color_aug, self.seen), "K", "inv_K", *others)

    def __len__(self) -> int:
        return len(self.frames)

    def name(self, index: int) -> str:
        """Path of a sample's image."""
        return str(self.frames.path(index, 0))

    def load(self, index: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """One sample; `rng` decides, in this order, on colours, on mirroring, on the factors.

        Raises:
            InputError: a file is missing or broken; the line names it.
        """
        has_jitter = self.is_train and rng.random() > 0.5
        is_mirrored = self.is_train and rng.random() > 0.5
        return self.make(index, Jitter.draw(rng) if has_jitter else None, is_mirrored)

    def make(self, index: int, jitter: Jitter | None, is_mirrored: bool) -> dict[str, np.ndarray]:
        """One sample with these changes."""
        sample = {}
        for frame_id, wanted in self.scales.items():
            self._add_images(sample, index, frame_id, wanted, jitter, is_mirrored)
        K = self.frames.matrix(index, self.height, self.width, is_mirrored)
        sample["K"], sample["inv_K"] = K, np.float32(np.linalg.inv(np.float64(K)))
        if self.use_stereo:
            sample["stereo_T"] = stereo_transform(self.frames.is_left(index), is_mirrored)
        if self.with_depth:
            depth = self.frames.depth(index)[None]
            sample["depth_gt"] = np.ascontiguousarray(depth[..., ::-1]) if is_mirrored else depth
        return sample

    def _add_images(self, sample, index, frame_id, wanted, jitter, is_mirrored):
        image = read_image(self.frames.path(index, frame_id))
        image = mirrored(image) if is_mirrored else image
        levels = pyramid(image, self.height, self.width, wanted[-1] + 1)
        for scale in wanted:
            sample[color(frame_id, scale)] = to_planes(levels[scale])
        if frame_id in self.seen:
            plain = sample[color(frame_id, 0)]
            sample[color_aug(frame_id)] = to_planes(jitter(levels[0])) if jitter else plain


def stereo_transform(is_left: bool, is_mirrored: bool) -> np.ndarray:
    """(4, 4) float32: the other camera from this one, 0.1 apart along x; mirroring turns it."""
    other_from_this = np.eye(4, dtype=np.float32)
    other_from_this[0, 3] = BASELINE * (-1 if is_left else 1) * (-1 if is_mirrored else 1)
    return other_from_this

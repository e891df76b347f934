"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Which frames of a video to learn from: frames without motion are left out, and the distance between
neighbours is chosen by motion.

Conventions
    Motion between two images is the median length of the optical flow, as a part of the image's
    width: what the camera does moves most pixels, other cars move few.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from ..model_utils.errors import InputError

WANTED = 0.01  # motion between neighbours: 6 pixels at a width of 640, as in KITTI at 10 Hz
STATIC = 0.001  # less is none: 0.6 pixels at a width of 640
MOST_FRAMES = 10  # the largest distance between neighbours
_WIDTH = 192  # at which motion is measured
_LEAST = 16  # pixels of a side, which the flow needs


@dataclass(frozen=True)
class Selection:
    """The frames to learn from.

    Attributes:
        kept: numbers of the frames that differ from the one kept before.
        step: neighbours of kept[i] are kept[i - step] and kept[i + step].
        static: how many frames were left out.
        motion: median motion from one kept frame to the next, as a part of the width.
    """

    kept: list[int]
    step: int
    static: int
    motion: float

    @property
    def targets(self) -> list[tuple[int, int, int]]:
        """(before, frame, after): the numbers of each frame that has both neighbours."""
        step = self.step
        return list(zip(self.kept, self.kept[step:], self.kept[2 * step :]))

    def __str__(self) -> str:
        count = len(self.kept) + self.static
        return (
            f"{count} frames, {self.static} without motion left out; frame step {self.step} "
            f"(motion {100 * self.motion:.2f} % of the width per frame)"
        )


class MotionMeter:
    """Measures the motion between images at a small size."""

    def __init__(self):
        self._flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)

    def prepared(self, image: np.ndarray) -> np.ndarray:
        """(H, W, 3) uint8 RGB -> the small grey image that `between` takes."""
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        height = max(_LEAST, round(_WIDTH * grey.shape[0] / grey.shape[1]))
        return cv2.resize(grey, (_WIDTH, height), interpolation=cv2.INTER_AREA)

    def between(self, first: np.ndarray, second: np.ndarray) -> float:
        """Median length of the flow from one prepared image to another, as a part of the width."""
        flow = self._flow.calc(first, second, None)
        return float(np.median(np.hypot(flow[..., 0], flow[..., 1]))) / _WIDTH


def select_frames(
    frames: Iterable[np.ndarray],
    *,
    step: int | None = None,
    wanted: float = WANTED,
    static: float = STATIC,
    name: str = "the footage",
) -> Selection:
    """Choose the frames of a sequence to learn from.

    Each frame is compared with the last one that was kept, so that slow motion adds up.

    Args:
        frames: (H, W, 3) uint8 RGB images in order.
        step: distance between neighbours; by motion unless it is given.
        wanted: motion between neighbours that the step aims at.
        static: motion below which a frame is left out.
        name: for messages.
    Raises:
        InputError: fewer frames with motion than three neighbours need.
    """
    meter, last, kept, motions, count = MotionMeter(), None, [], [], 0
    for count, frame in enumerate(frames, 1):
        image = meter.prepared(frame)
        motion = None if last is None else meter.between(last, image)
        if motion is None or motion >= static:
            last = image
            kept.append(count - 1)
            motions += [] if motion is None else [motion]
    median = float(np.median(motions)) if motions else 0.0
    if step is None:
        step = int(np.clip(round(wanted / median), 1, MOST_FRAMES)) if median else 1
    if len(kept) < 2 * step + 1:
        raise InputError(
            f"{name}: {len(kept)} of {count} frames show motion, a frame and its neighbours at a "
            f"step of {step} need {2 * step + 1}; give a longer video in which the camera moves"
        )
    return Selection(kept, step, count - len(kept), median)

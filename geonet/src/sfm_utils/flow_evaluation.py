"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Optical flow on KITTI as GeoNet evaluates it.

Conventions
    A flow (H, W, 2) holds pixels of its own image's size, x to the right, then y down; valid (H, W)
    bool is where ground truth is known. noc: pixels that both images see; occ: all pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ..model_utils.errors import InputError

_OUTLIER, _SHARE = 3, 0.05  # pixels, and part of the true length: worse than both is an outlier
_KINDS = ("Noc", "Occ")


@dataclass(frozen=True)
class FlowScore:
    """One image.

    Attributes:
        epe: mean end-point error in pixels.
        accuracy: part of the pixels that are no outliers (0..1).
    """

    epe: float
    accuracy: float

    @property
    def fl(self) -> float:
        """KITTI's Fl: percent of the pixels whose error exceeds 3 px and 5 %."""
        return 100 * (1 - self.accuracy)


def resize_flow(flow: np.ndarray, height: int, width: int) -> np.ndarray:
    """A flow at another size: nearest pixel (rounded down), lengths scaled with the image.

    Args:
        flow: (h, w, 2).
    Returns:
        (height, width, 2) float64.
    """
    ratio = width / flow.shape[1], height / flow.shape[0]
    flow = np.asarray(flow, np.float64)
    return cv2.resize(flow, (width, height), interpolation=cv2.INTER_NEAREST) * ratio


def score_flow(
    predicted: np.ndarray, target: np.ndarray, valid: np.ndarray, name: str = "a flow"
) -> FlowScore:
    """Compare a flow with its ground truth; one of another size is resized first.

    Args:
        predicted: (h, w, 2).
        target: (H, W, 2).
        valid: (H, W) bool.
        name: for messages.
    Raises:
        InputError: no pixel is valid, or the prediction is not finite there.
    """
    if not valid.any():
        raise InputError(f"{name}: no pixel has a ground truth")
    predicted, target = resize_flow(predicted, *target.shape[:2])[valid], target[valid]
    error = np.sqrt(np.sum((target - predicted) ** 2, 1))
    if not np.isfinite(error).all():
        raise InputError(f"{name}: the predicted flow holds values that are not finite")
    length = np.sqrt(np.sum(np.square(target, dtype=np.float64), 1)) + 1e-5
    outliers = (error > _OUTLIER) & (error / length > _SHARE)
    return FlowScore(float(error.mean()), float(1 - outliers.mean()))


def flow_line(index: int, noc: FlowScore, occ: FlowScore) -> str:
    """A line of GeoNet's flow_result.txt."""
    scores = zip(_KINDS, (noc, occ))
    parts = [f"{kind} EPE = {s.epe:.4f} {kind} ACC = {s.accuracy:.4f}" for kind, s in scores]
    return f"Flow {index:06d} {' '.join(parts)}"


def flow_summary(noc: Sequence[FlowScore], occ: Sequence[FlowScore]) -> list[str]:
    """What GeoNet's evaluation prints: means over images."""
    lines = []
    for kind, scores in zip(_KINDS, (noc, occ)):
        lines.append(f"Mean {kind} EPE = {np.mean([score.epe for score in scores]):.4f} ")
        lines.append(f"Mean {kind} ACC = {np.mean([score.accuracy for score in scores]):.4f} ")
    return lines

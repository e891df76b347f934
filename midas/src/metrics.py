"""Zero-shot errors of a relative inverse depth map (Ranftl et al. 2020, section 6)."""

from dataclasses import dataclass

import numpy as np

# What a value of each metric means, and how the original prints its mean.
METRICS = {"delta": ("bad pixel", ".3f"), "abs_rel": ("abs rel", ".3f"), "whdr": ("WHDR", ".4f")}
_DELTA = 1.25


@dataclass(frozen=True)
class Score:
    """Error of one image: NaN when no pixel is valid; scale and shift of the alignment."""

    value: float
    valid_pixels: int
    scale: float = 0.0
    shift: float = 0.0


def align(prediction, disparity, mask):
    """Least-squares scale and shift that bring a prediction to a disparity.

    Args:
        prediction, disparity: (H, W).
        mask: (H, W), true where both count.
    Returns:
        (scale, shift); (0, 0) where they are not determined.
    """
    x, y = (values[mask].astype(np.float64) for values in (prediction, disparity))
    a_00, a_01, a_11 = np.sum(x * x), np.sum(x), float(x.size)
    b_0, b_1 = np.sum(x * y), np.sum(y)
    determinant = a_00 * a_11 - a_01 * a_01
    if not determinant > 0:
        return 0.0, 0.0
    scale = (a_11 * b_0 - a_01 * b_1) / determinant
    return float(scale), float((a_00 * b_1 - a_01 * b_0) / determinant)


def depth_score(prediction, depth, mask, cap, metric):
    """Align a prediction in disparity and compare depths.

    Args:
        prediction: (H, W) relative inverse depth.
        depth: (H, W) metres; `mask`: (H, W) bool, its valid pixels.
        cap: metres; the aligned disparity is kept at or above 1 / cap.
        metric: "delta" (percent of the pixels whose depth ratio exceeds 1.25) or "abs_rel" (mean
            of |difference| / depth).
    Returns:
        Score.
    """
    valid = int(np.count_nonzero(mask))
    if not valid:
        return Score(float("nan"), 0)
    scale, shift = align(prediction, 1 / np.where(mask, depth, np.float32(1)), mask)
    target = depth[mask].astype(np.float64)
    aligned = 1 / np.maximum(scale * prediction[mask] + shift, 1 / cap)
    if metric == "delta":
        value = 100 * np.mean(np.maximum(aligned / target, target / aligned) > _DELTA)
    else:
        value = np.mean(np.abs(aligned - target) / target)
    return Score(float(value), valid, scale, shift)


def order_score(prediction, points, relation):
    """Whether the order of two points is wrong; equal values are wrong, as in the original.

    Args:
        prediction: (H, W) relative inverse depth.
        points: (yA, xA, yB, xB), 0-based.
        relation: ">" when A must have the larger value, else "<".
    Returns:
        Score of value 0 or 1.
    """
    y_a, x_a, y_b, x_b = points
    a, b = prediction[y_a, x_a], prediction[y_b, x_b]
    return Score(float(not (a > b if relation == ">" else a < b)), 2)

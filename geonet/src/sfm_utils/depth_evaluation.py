"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Depth on KITTI as both originals evaluate it.

Conventions
    Maps are (H, W); depths in metres, ground truth 0 where there is none. Monodepth2 resizes the
    scaled disparity (1 / depth up to scale) to the ground truth's size, GeoNet the depth; both
    bilinearly with half-pixel centres (OpenCV). KITTI 2015's disparity is in pixels.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..model_utils.errors import InputError
from ..model_utils.metrics import NAMES, depth_metrics
from .calibration import BASELINE, focal_of_width

MIN_DEPTH, MAX_DEPTH = 1e-3, 80.0  # metres
STEREO_SCALE = 5.4  # training puts the stereo cameras 0.1 apart, in truth they are 0.54 m
BENCHMARK_SIZE = 352, 1216  # of the depth benchmark's images
_GARG = 0.40810811, 0.99189189, 0.03594771, 0.96405229  # parts of height, height, width, width


@dataclass(frozen=True)
class DepthProtocol:
    """How predictions are compared with ground truth.

    Attributes:
        resizes: "disparity" (predictions are scaled disparities) or "depth".
        valid: "eigen" (between min_depth and max_depth, exclusive, inside Garg's crop) or
            "positive" (all that have ground truth).
        median: scale each image so that the medians agree.
        factor: multiplies the predicted depth before.
        min_depth, max_depth: metres, to which predictions are clipped.
    """

    resizes: str = "disparity"
    valid: str = "eigen"
    median: bool = True
    factor: float = 1.0
    min_depth: float = MIN_DEPTH
    max_depth: float = MAX_DEPTH


EIGEN = DepthProtocol()
EIGEN_BENCHMARK = replace(EIGEN, valid="positive")
GEONET_EIGEN = replace(EIGEN, resizes="depth")
GEONET_STEREO = replace(EIGEN_BENCHMARK, resizes="depth")


def stereo_protocol(protocol: DepthProtocol) -> DepthProtocol:
    """The protocol for models trained with stereo pairs, whose depth is metric times 5.4."""
    return replace(protocol, median=False, factor=STEREO_SCALE)


@dataclass(frozen=True)
class DepthScore:
    """One image: its metrics (see model_utils/metrics.py), valid pixels and median ratio."""

    metrics: dict[str, float]
    valid_pixels: int
    ratio: float


def garg_crop(height: int, width: int) -> tuple[slice, slice]:
    """Rows and columns that Garg et al. (ECCV 2016) evaluate, truncated to whole pixels."""
    top, bottom, left, right = (
        int(part * size) for part, size in zip(_GARG, (height, height, width, width))
    )
    return slice(top, bottom), slice(left, right)


def valid_pixels(target: np.ndarray, protocol: DepthProtocol) -> np.ndarray:
    """Pixels of a ground truth map (H, W) that count, as bool."""
    if protocol.valid == "positive":
        return target > 0
    mask = np.zeros(target.shape, bool)
    mask[garg_crop(*target.shape)] = True
    return mask & (target > protocol.min_depth) & (target < protocol.max_depth)


def resized_depth(prediction: np.ndarray, size: tuple[int, int], resizes: str) -> np.ndarray:
    """Predicted depth (H, W) at the size of the ground truth.

    Args:
        prediction: (h, w) scaled disparity or depth, > 0.
        size: (H, W).
        resizes: "disparity" or "depth".
    """
    resized = cv2.resize(prediction, size[::-1], interpolation=cv2.INTER_LINEAR)
    return 1 / resized if resizes == "disparity" else resized


def score_depth(
    prediction: np.ndarray, target: np.ndarray, protocol: DepthProtocol, name: str = "an image"
) -> DepthScore:
    """Compare one prediction with its ground truth.

    Args:
        prediction: (h, w) float32 scaled disparity or depth, as `protocol.resizes` says.
        target: (H, W) metres.
        protocol: how.
        name: for messages.
    Returns:
        DepthScore; the ratio is 1 without median scaling.
    Raises:
        InputError: no pixel has ground truth, or a prediction is not above 0.
    """
    mask = valid_pixels(target, protocol)
    if not mask.any():
        raise InputError(f"{name}: no pixel has a ground truth that counts")
    depth = resized_depth(prediction, target.shape, protocol.resizes)[mask] * protocol.factor
    truth = target[mask]
    if not (depth > 0).all():
        raise InputError(f"{name}: the prediction holds values that are not above 0")
    ratio = float(np.median(truth) / np.median(depth)) if protocol.median else 1.0
    depth = np.clip(depth * ratio, protocol.min_depth, protocol.max_depth)
    return DepthScore(depth_metrics(depth, truth), int(mask.sum()), ratio)


def mean_metrics(scores: Iterable[DepthScore]) -> dict[str, float]:
    """The mean of each metric over images."""
    scores = list(scores)
    return {name: float(np.mean([score.metrics[name] for score in scores])) for name in NAMES}


def blend_flipped(disparity: np.ndarray, flipped_back: np.ndarray) -> np.ndarray:
    """Monodepth's post-processing: the mean of the disparities of an image and of its mirror image.

    The left twentieth of each comes from the mirror image's prediction, the right one from the
    image's own, where the other would need what lies outside the image; ramps lead there.

    Args:
        disparity: (..., H, W) of the images.
        flipped_back: (..., H, W) of the mirrored images, mirrored back.
    Returns:
        (..., H, W) float64.
    """
    place = np.linspace(0, 1, disparity.shape[-1])
    left = 1 - np.clip(20 * (place - 0.05), 0, 1)
    right = left[::-1]
    mean = 0.5 * (disparity + flipped_back)
    return right * disparity + left * flipped_back + (1 - left - right) * mean


def benchmark_image(disparity: np.ndarray, factor: float = STEREO_SCALE) -> np.ndarray:
    """What KITTI's depth benchmark takes: (h, w) scaled disparity -> (352, 1216) uint16.

    Metres times 256, clipped to 80 m, truncated.
    """
    depth = factor * resized_depth(disparity, BENCHMARK_SIZE, "disparity")
    return np.uint16(np.clip(depth, 0, MAX_DEPTH) * 256)


def disparity_to_depth(disparity: np.ndarray, name: str = "the disparity") -> np.ndarray:
    """Depth of KITTI 2015's disparity: (H, W) pixels, 0 where there is none -> metres, 0 there.

    Raises:
        InputError: a width that KITTI 2015 does not have.
    """
    seen = disparity > 0
    focal = focal_of_width(disparity.shape[1], name)
    return np.where(seen, focal * BASELINE / np.where(seen, disparity, 1), 0)


def disparity_outliers(predicted: np.ndarray, target: np.ndarray) -> float:
    """D1-all: percent of the pixels with ground truth whose disparity is 3 px and 5 % off or more.

    Args:
        predicted: (H, W) pixels.
        target: (H, W) pixels, 0 where there is none.
    """
    seen = target > 0
    difference = np.abs(target[seen] - predicted[seen])
    return float(100 * np.mean((difference >= 3) & (difference / target[seen] >= 0.05)))


def stereo_d1(depth: np.ndarray, target: np.ndarray, scale: float | None = None) -> float:
    """D1-all of a predicted depth map on KITTI 2015.

    Args:
        depth: (h, w) predicted.
        target: (H, W) disparity in pixels, 0 where there is none.
        scale: metres per unit of the prediction, such as the median ratio. None takes 1 / depth as
            the disparity in pixels, as GeoNet does, which tells nothing about a prediction.
    """
    resized = resized_depth(depth, target.shape, "depth")
    if scale is None:
        return disparity_outliers(1 / resized, target)
    focal = focal_of_width(target.shape[1], "the disparity")
    return disparity_outliers(focal * BASELINE / (resized * scale), target)


def monitor_metrics(depth: np.ndarray, target: np.ndarray) -> dict[str, float]:
    """The seven numbers that Monodepth2 logs while it trains, over a batch as a whole.

    The median of an even number of values is the lower one, as torch takes it; the crop is that of
    375 x 1242 pixels, whatever the images' size.

    Args:
        depth: (B, h, w) predicted.
        target: (B, 375, 1242) metres, 0 where there is none.
    """
    mask = np.zeros(target.shape, bool)
    mask[:, 153:371, 44:1197] = True
    mask &= target > 0
    resized = [resized_depth(one, target.shape[1:], "depth") for one in depth]
    predicted = np.clip(np.stack(resized), MIN_DEPTH, MAX_DEPTH)[mask]
    truth = target[mask]
    if not truth.size:
        raise InputError("no pixel of the batch has a ground truth that counts")
    predicted = predicted * (_lower_median(truth) / _lower_median(predicted))
    return depth_metrics(np.clip(predicted, MIN_DEPTH, MAX_DEPTH), truth)


def _lower_median(values):
    return np.partition(values, (len(values) - 1) // 2)[(len(values) - 1) // 2]


def monodepth2_lines(scores: Sequence[DepthScore], protocol: DepthProtocol) -> list[str]:
    """What Monodepth2's evaluation prints at its end."""
    lines = []
    if protocol.median:
        ratios = np.array([score.ratio for score in scores])
        median = np.median(ratios)
        spread = np.std(ratios / median)
        lines.append(f" Scaling ratios | med: {median:0.3f} | std: {spread:0.3f}")
    mean = mean_metrics(scores)
    lines.append("  " + "".join(f"{name:>8} | " for name in NAMES))
    lines.append("".join(f"&{mean[name]: 8.3f}  " for name in NAMES) + "\\\\")
    return lines


def geonet_lines(mean: dict[str, float], d1_all: float = 0.0) -> list[str]:
    """What GeoNet's evaluation prints: D1-all is 0 on the Eigen split."""
    names = ["abs_rel", "sq_rel", "rms", "log_rms", "d1_all", "a1", "a2", "a3"]
    values = list(mean.values())
    values.insert(4, d1_all)
    return [
        ", ".join(f"{name:>10}" for name in names),
        ", ".join(f"{value:10.4f}" for value in values),
    ]

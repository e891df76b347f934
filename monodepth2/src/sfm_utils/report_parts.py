"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

What a report shows of depth and of motion on KITTI's test sets.

Conventions
    Depth maps are (H, W) metres, ground truth 0 where there is none; paths are world_from_camera
    (N, 4, 4).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from ..model_utils.batches import show_progress
from ..model_utils.files import is_file
from ..model_utils.images import colorize, read_rgb, value_range
from ..model_utils.panels import panel, worth_a_look
from ..model_utils.report import MOST_ERROR, Page, Picture
from ..model_utils.report_charts import back_project
from ..model_utils.rivals import CONSTANT, KNOWS_THE_ANSWERS, MEAN_MAP, BestConstant, MeanMap
from .calibration import CAM_TO_CAM, VELO_TO_CAM, read_raw_calibration
from .depth_evaluation import (
    DepthProtocol,
    DepthScore,
    mean_metrics,
    resized_depth,
    score_depth,
    valid_pixels,
)
from .intrinsics import Intrinsics, intrinsics_of
from .kitti import KittiRaw
from .lists import Frame

HIGHER = ("a1", "a2", "a3")  # the other metrics are errors
STRAIGHT = "straight on"
_COUNT = 3  # of the worst and of the best images
_WIDTH = 640  # pixels of a panel's tile
_DOT = np.ones((3, 3), np.uint8)  # laser points are drawn larger than they are
_CAMERA = 0.58, 1.92  # focal lengths of KITTI's camera as parts of width and height


class DepthResults(NamedTuple):
    """A test set, and what was predicted of it.

    Attributes:
        images: paths.
        names: of the images, for captions.
        target: function of an image's place -> its ground truth.
        predictions: (N, h, w), as `protocol.resizes` says.
        scores: a DepthScore of each.
        protocol: how they were scored.
        camera: function of an image's place and a size (H, W) -> Intrinsics.
    """

    images: Sequence[Path]
    names: Sequence[str]
    target: Callable[[int], np.ndarray]
    predictions: np.ndarray
    scores: Sequence[DepthScore]
    protocol: DepthProtocol
    camera: Callable[[int, tuple[int, int]], Intrinsics]

    def depth(self, number: int, size: tuple[int, int]) -> np.ndarray:
        """The predicted depth (H, W) of an image as it was scored, before limits."""
        factor = self.protocol.factor * self.scores[number].ratio
        return factor * resized_depth(self.predictions[number], size, self.protocol.resizes)

    def picture(self, number: int) -> Picture:
        """Image, prediction, ground truth and error of an image."""
        target = self.target(number)
        depth = self.depth(number, target.shape)
        mask = valid_pixels(target, self.protocol)
        truth = np.where(mask, 1 / np.where(mask, target, 1), 0)
        low, high = value_range(truth[mask])  # a bad prediction must not hide what it should be
        error = np.where(mask, np.abs(depth - target) / np.where(mask, target, 1), 0)
        tiles = [
            ("image", read_rgb(self.images[number])),
            ("prediction", colorize(1 / depth, low, high)),
            ("ground truth", dots(truth, low, high)),
            (f"abs rel, up to {MOST_ERROR}", dots(error, 0, MOST_ERROR)),
        ]
        return Picture(sized(tiles, target.shape), low, high, "1/m")


def dots(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Sparse values (H, W) in colours, each as a dot; black where there is none."""
    wide = cv2.dilate(np.float32(values), _DOT)
    return np.where((wide > 0)[..., None], colorize(wide, low, high), np.uint8(0))


def sized(
    tiles: Sequence[tuple[str, np.ndarray]], shape: tuple[int, int]
) -> list[tuple[str, np.ndarray]]:
    """Titled images, all 640 pixels wide, in the proportions of a shape (H, W)."""
    height = round(_WIDTH * shape[0] / shape[1])
    return [(title, cv2.resize(tile, (_WIDTH, height))) for title, tile in tiles]


def in_two_rows(picture: Picture) -> np.ndarray:
    """Four tiles as a panel (H, W, 3) uint8 RGB."""
    tiles, *scale = picture
    return np.vstack([panel(tiles[:2], *scale), panel(tiles[2:], *scale)])


def raw_camera(root: str | Path, frame: Frame, size: tuple[int, int]) -> Intrinsics:
    """The camera of a frame of KITTI raw, for images of a size (H, W).

    Without calibration files it is the one that Monodepth2 takes for every drive.
    """
    folder, (height, width) = KittiRaw(root).calibration(frame), size
    if not all(is_file(folder / name) for name in (CAM_TO_CAM, VELO_TO_CAM)):
        fx, fy = _CAMERA
        return Intrinsics(fx * width, fy * height, width / 2, height / 2, width, height)
    found = read_raw_calibration(folder)
    return intrinsics_of(found.projections[frame.camera], *(found.size or size)).resized(*size)


def rival_metrics(
    count: int, target: Callable[[int], np.ndarray], protocol: DepthProtocol
) -> dict[str, dict[str, float]]:
    """Metrics of depths that look at no image, made from the truth that they are scored against.

    Args:
        count: of the images.
        target: function of an image's place -> its ground truth.
        protocol: how predictions are scored; the rivals are in metres.
    """
    mean, constant = MeanMap(), BestConstant()
    for number in range(count):
        truth = target(number)
        mask = valid_pixels(truth, protocol)
        mean.add(truth, mask)
        constant.add(truth[mask])
    average = mean.mean()
    rivals = {MEAN_MAP: average, CONSTANT: np.full_like(average, constant.best())}
    metric = replace(protocol, resizes="depth", factor=1.0)
    scores: dict[str, list] = {name: [] for name in rivals}
    progress = show_progress("rivals")
    for number in range(count):
        truth = target(number)
        for name, depth in rivals.items():
            scores[name].append(score_depth(depth, truth, metric))
        progress(number + 1, count)
    return {name: mean_metrics(found) for name, found in scores.items()}


def add_depth(page: Page, results: DepthResults, metrics_csv: Path | None) -> None:
    """Add metrics beside rivals, pictures, the images' errors, curves and a point cloud.

    Args:
        metrics_csv: of the training, or None.
    """
    protocol, scores = results.protocol, results.scores
    columns = {"network": mean_metrics(scores)}
    columns |= rival_metrics(len(scores), results.target, protocol)
    note = "All are scaled by medians, image by image." if protocol.median else ""
    page.table("Metrics", columns, HIGHER, f"{KNOWS_THE_ANSWERS} {note}".strip())
    errors = [score.metrics["abs_rel"] for score in scores]
    chosen, middle = worth_a_look(errors, results.names, "abs rel", _COUNT)
    pictures = [(caption, results.picture(number)) for caption, number in chosen]
    note = "The images with the largest and with the smallest errors, as nearness: near is bright."
    page.pictures("Worst and best images", pictures, note)
    page.histograms("Errors of the images", {"abs rel": errors})
    page.curves(metrics_csv)
    rgb = read_rgb(results.images[middle])
    size = rgb.shape[:2]
    camera = results.camera(middle, size)
    place = camera.fx, camera.fy, camera.cx, camera.cy
    text = f"Predicted depth of the image with the median error, {results.names[middle]}, "
    points = back_project(results.depth(middle, size), rgb, place)
    page.cloud("Point cloud", *points, f"{text}by the frame's camera.")


def straight_path(count: int) -> np.ndarray:
    """world_from_camera (count, 4, 4) of a camera that drives straight on, 1 per frame."""
    path = np.tile(np.eye(4), (count, 1, 1))
    path[:, 2, 3] = range(count)
    return path


def add_motion(
    page: Page,
    columns: Mapping[str, Mapping[str, float]],
    ates: Sequence[float],
    plot: Path | None,
    metrics_csv: Path | None,
) -> None:
    """Add errors of motion beside a rival's, the path from above, the snippets' errors, curves.

    Args:
        columns: {rival: {metric: value}}.
        ates: of the snippets, metres.
        plot: PNG of the paths, or None.
        metrics_csv: of the training, or None.
    """
    text = "Straight on: a camera that never turns and keeps its speed; scale is fitted to all."
    page.table("Metrics", columns, note=text if STRAIGHT in columns else "")
    if plot:
        page.drawing("Path from above", read_rgb(plot), "After the best alignment.")
    page.histograms("Errors of the snippets", {"ATE in metres": ates})
    page.curves(metrics_csv)

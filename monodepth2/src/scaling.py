"""Metres per unit of depth, from what is known of a scene.

Conventions
    Camera frame: x right, y down, z ahead. Pixels: (0, 0) is the centre of the top left pixel.
    Disparity (H, W) is the inverse of depth along z, in the network's own unit; a scale is metres
    per such unit. Places (N, 3) are where a camera was, in any frame that does not move.
"""

from __future__ import annotations

import numpy as np

from .model_utils.errors import InputError
from .sfm_utils.intrinsics import Intrinsics

_AROUND = 2  # pixels to each side of a known point, whose median counts
_GROUND = (0.6, 0.97), (0.3, 0.7)  # rows and columns, as parts, where the ground is looked for
_TRIALS = 300
_NEAR = 0.03  # by which disparity on the ground may differ, as a part of its median
_LEAST_GROUND = 0.4  # part of the pixels looked at that must be ground
_LEAST_UPRIGHT = 0.9  # cosine between the ground's normal and the image's vertical
_SPAN = 10.0  # metres of way that a ratio of ways is taken over, where there are as many
_EARTH = 6378137.0  # metres


def scale_from_points(disparity: np.ndarray, points: np.ndarray) -> float:
    """The scale at points whose distance was measured; the median of several.

    Args:
        disparity: (H, W).
        points: (N, 3): u, v in pixels, metres ahead of the camera (along z).
    Raises:
        InputError: a point outside of the image, or a distance that is not above 0.
    """
    height, width = disparity.shape
    scales = []
    for u, v, metres in points:
        row, column = round(v), round(u)
        if not (0 <= row < height and 0 <= column < width and metres > 0):
            where = f"{u:g} {v:g} {metres:g} in an image of {width}x{height}"
            raise InputError(f"known_distance {where}; give u v in it, and metres above 0")
        rows = slice(max(0, row - _AROUND), row + _AROUND + 1)
        columns = slice(max(0, column - _AROUND), column + _AROUND + 1)
        scales.append(metres * np.median(disparity[rows, columns]))
    return float(np.median(scales))


def camera_height_units(disparity: np.ndarray, camera: Intrinsics) -> float | None:
    """The camera's height above flat ground in the network's unit; None without ground.

    On a plane disparity is linear in the pixel: 1 / z = (a, b, c) . (x / z, y / z, 1), and the
    plane is 1 / |(a, b, c)| away. That is fitted, robustly, to the lower middle of the image.

    Args:
        disparity: (H, W).
        camera: of images of that size.
    Raises:
        InputError: the camera holds for another size.
    """
    camera.check_size(*disparity.shape, "camera_height")
    rays, values = _lower_middle(disparity, camera)
    near = _NEAR * float(np.median(values))
    rng, best = np.random.default_rng(0), np.zeros(len(values), bool)
    for chosen in rng.integers(0, len(values), (_TRIALS, 3)):
        plane = np.linalg.lstsq(rays[chosen], values[chosen], rcond=None)[0]
        inside = np.abs(rays @ plane - values) < near
        best = inside if inside.sum() > best.sum() else best
    if best.mean() < _LEAST_GROUND:
        return None
    plane = np.linalg.lstsq(rays[best], values[best], rcond=None)[0]
    length = float(np.linalg.norm(plane))
    return 1 / length if plane[1] > _LEAST_UPRIGHT * length else None


def _lower_middle(disparity, camera):
    """Rays (N, 3), z 1, and disparity (N,) of at most some thousand pixels of that part."""
    rows, columns = (
        np.unique(np.linspace(first * size, last * size, 64).astype(int))
        for (first, last), size in zip(_GROUND, disparity.shape)
    )
    v, u = (axis.ravel() for axis in np.meshgrid(rows, columns, indexing="ij"))
    x, y = (u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy
    return np.stack([x, y, np.ones(len(x))], 1), np.float64(disparity[v, u])


def scale_from_ground(disparities, camera: Intrinsics, camera_height: float) -> float:
    """The scale from the camera's height; the median of several images.

    Args:
        disparities: iterable of (H, W).
        camera: of images of that size.
        camera_height: metres above the ground.
    Raises:
        InputError: no image shows flat ground in its lower middle.
    """
    heights = [camera_height_units(disparity, camera) for disparity in disparities]
    known = [height for height in heights if height is not None]
    if not known:
        text = f"none of {len(heights)} images shows flat ground in its lower middle"
        raise InputError(f"camera_height: {text}; give known_distance or gps")
    return float(camera_height / np.median(known))


def scale_from_path(true_places: np.ndarray, predicted_places: np.ndarray) -> float:
    """The scale from where a camera was: the median ratio of the ways of some metres.

    Args:
        true_places: (N, 3), metres.
        predicted_places: (N, 3), of the same frames, in the network's unit.
    Raises:
        InputError: the camera does not move, or by prediction it does not.
    """
    steps = np.linalg.norm(np.diff(true_places, axis=0), axis=1)
    if not steps.sum() > 0:
        raise InputError("gps: its places do not move, which tells no scale")
    count = int(np.clip(np.ceil(_SPAN / steps.mean()), 1, len(steps)))
    true, predicted = (
        np.linalg.norm(places[count:] - places[:-count], axis=1)
        for places in (true_places, predicted_places)
    )
    moving = true >= 0.5 * np.median(true)
    if not (predicted[moving] > 0).all():
        raise InputError("gps: the predicted path stands still where the true one moves")
    return float(np.median(true[moving] / predicted[moving]))


def places_on_earth(degrees: np.ndarray) -> np.ndarray:
    """Places (N, 3) in metres, east, north and up, around the first of some (lat, lon, metres)."""
    first = np.radians(degrees[0])
    turned = np.radians(degrees[:, :2]) - first[:2]
    east = _EARTH * np.cos(first[0]) * turned[:, 1]
    return np.stack([east, _EARTH * turned[:, 0], degrees[:, 2] - degrees[0, 2]], 1)

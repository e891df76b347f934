"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

A top view of trajectories as a PNG.

Conventions
    The plane of X (to the right of the image) and Z (up in the image), one scale for both axes;
    metres.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np

from ..model_utils.images import write_png

_COLORS = ((40, 40, 40), (220, 60, 30), (30, 100, 210), (30, 150, 60), (160, 60, 170))
_GREY, _BLACK = (225, 225, 225), (0, 0, 0)
_SIDE, _MARGIN = 640, 56  # pixels


def draw_trajectories(path: str | Path, trajectories: Mapping[str, np.ndarray]) -> None:
    """Draw the paths of cameras seen from above.

    Args:
        path: PNG to write, (640, 640).
        trajectories: {label: world_from_camera (N, 4, 4)}, ground truth first.
    """
    places = {label: np.asarray(poses)[:, [0, 2], 3] for label, poses in trajectories.items()}
    every = np.concatenate(list(places.values()))
    every = every[np.isfinite(every).all(1)]
    low, high = (every.min(0), every.max(0)) if len(every) else (np.zeros(2), np.ones(2))
    span = max(float((high - low).max()), 1e-6)
    corner = (low + high) / 2 - span / 2
    image = np.full((_SIDE, _SIDE, 3), 255, np.uint8)

    def pixels(xz):
        unit = (np.atleast_2d(xz) - corner) / span
        inner = _SIDE - 2 * _MARGIN
        return np.int32(np.rint(unit * [inner, -inner] + [_MARGIN, _SIDE - _MARGIN]))

    _draw_grid(image, pixels, corner, span)
    for number, (label, xz) in enumerate(places.items()):
        color = _COLORS[number % len(_COLORS)]
        good = xz[np.isfinite(xz).all(1)]
        if len(good):
            cv2.polylines(image, [pixels(good)], False, color, 2, cv2.LINE_AA)
            cv2.circle(image, pixels(good[0])[0].tolist(), 5, color, -1, cv2.LINE_AA)
        _write(image, label, (_MARGIN + 8, 20 + 16 * number), color)
    write_png(path, image)


def _draw_grid(image, pixels, corner, span):
    """Lines at round numbers of metres, with their numbers."""
    step = _round_step(span)
    end = _SIDE - _MARGIN
    for axis in (0, 1):
        first, last = np.ceil(corner[axis] / step), np.floor((corner[axis] + span) / step)
        for value in np.arange(first, last + 1) * step:
            point = np.where(np.arange(2) == axis, value, corner)
            x, y = pixels(point)[0].tolist()
            text = f"{value + 0.0:g}"  # -0 is 0
            if axis == 0:
                cv2.line(image, (x, _MARGIN), (x, end), _GREY, 1)
                _write(image, text, (x - 4 * len(text), end + 16))
            else:
                cv2.line(image, (_MARGIN, y), (end, y), _GREY, 1)
                _write(image, text, (4, y + 4))
    _write(image, "x, m", (end - 20, end + 34))
    _write(image, "z, m", (4, _MARGIN - 12))


def _round_step(span):
    """1, 2 or 5 times a power of ten, so that the span has three to eight of them."""
    power = 10.0 ** np.floor(np.log10(span / 3))
    return next(power * factor for factor in (5, 2, 1) if power * factor <= span / 3)


def _write(image, text, place, color=_BLACK):
    cv2.putText(image, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.42, color, 1, cv2.LINE_AA)

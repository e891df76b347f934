"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Optical flow in files: Middlebury's .flo, KITTI's 16-bit PNG, and colours.

Conventions
    A flow (H, W, 2) float32 holds, at each pixel of the first image, by how many pixels its point
    moves: x to the right, then y down.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..model_utils.errors import InputError
from ..model_utils.files import is_file, write_bytes
from ..model_utils.images import read_any, write_png

_TAG = 202021.25  # the first bytes of a .flo, "PIEH"
_HEADER = 12  # bytes: tag, width, height
_MOST_PIXELS = 1 << 26
_UNKNOWN = 1e7  # pixels; a larger flow means that there is none
_STEPS, _ZERO = 64, 32768  # of KITTI's PNG: stored = 64 flow + 2^15
# Middlebury's wheel: from each of these colours to the next in so many steps.
_WHEEL = (
    ((255, 0, 0), 15),
    ((255, 255, 0), 6),
    ((0, 255, 0), 4),
    ((0, 255, 255), 11),
    ((0, 0, 255), 13),
    ((255, 0, 255), 6),
)


def read_flo(path: str | Path) -> np.ndarray:
    """A .flo file as (H, W, 2) float32.

    Raises:
        InputError: missing, no .flo file, cut short or too long.
    """
    path = Path(path)
    if not is_file(path):
        raise InputError(f"{path} is missing")
    size = path.stat().st_size
    header = np.fromfile(path, "<f4", 1)
    width, height = np.fromfile(path, "<i4", 2, offset=4).tolist() if size >= _HEADER else (0, 0)
    if header.tolist() != [_TAG] or width < 1 or height < 1 or width * height > _MOST_PIXELS:
        raise InputError(f"{path} is no .flo file, or its header is damaged")
    expected = _HEADER + 8 * width * height
    if size != expected:
        raise InputError(f"{path} has {size} bytes, expected {expected} ({width}x{height} flow)")
    return np.fromfile(path, "<f4", offset=_HEADER).reshape(height, width, 2)


def write_flo(path: str | Path, flow: np.ndarray) -> None:
    """Write a .flo file: (H, W, 2)."""
    height, width = flow.shape[:2]
    header = np.array(_TAG, "<f4").tobytes() + np.array([width, height], "<i4").tobytes()
    write_bytes(path, header + np.ascontiguousarray(flow, "<f4").tobytes())


def read_flow_png(path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """KITTI's 16-bit PNG.

    Returns:
        flow (H, W, 2) float32, in steps of 1/64 pixel, 0 where it is not known; valid (H, W) bool:
        where it is known.
    Raises:
        InputError: missing, or not a PNG of three channels with 16 bits.
    """
    image = read_any(path)
    if image.dtype != np.uint16 or image.ndim != 3 or image.shape[2] != 3:
        raise InputError(f"{path}: expected a flow, a PNG of 3 channels with 16 bits")
    valid, v, u = image[..., 0] > 0, image[..., 1], image[..., 2]  # OpenCV's order is B, G, R
    flow = (np.stack([u, v], -1).astype(np.float32) - _ZERO) / _STEPS
    return flow * valid[..., None], valid


def write_flow_png(path: str | Path, flow: np.ndarray, valid: np.ndarray | None = None) -> None:
    """Write KITTI's 16-bit PNG; steps of 1/64 pixel are truncated, as in GeoNet.

    Args:
        path: the PNG.
        flow: (H, W, 2).
        valid: (H, W) where the flow is known; everywhere unless it is given. A flow that is not
            finite is unknown, one beyond +-512 pixels is cut there.
    """
    flow = np.asarray(flow, np.float32)
    known = np.isfinite(flow).all(-1)
    # In float32, as the original computes: its rounding decides what is truncated.
    stored = np.where(known[..., None], flow, 0) * np.float32(_STEPS) + np.float32(_ZERO)
    stored = np.clip(stored, 0, 65535).astype(np.uint16)
    mask = known if valid is None else known & (np.asarray(valid) != 0)
    write_png(path, np.dstack([stored, mask.astype(np.uint16)]))


def color_wheel() -> np.ndarray:
    """Middlebury's colours by direction: (55, 3) float64, 0..255, RGB."""
    ends = [color for color, _ in _WHEEL[1:]] + [_WHEEL[0][0]]
    parts = []
    for (color, count), end in zip(_WHEEL, ends):
        # The channel that rises is truncated, the one that falls is its complement.
        part = np.floor(255 * np.arange(count) / count)[:, None]
        change = np.sign(np.subtract(end, color))
        parts.append(np.array(color) + change * part)
    return np.concatenate(parts)


def flow_colors(flow: np.ndarray, longest: float | None = None) -> np.ndarray:
    """Colours of a flow: direction as hue, length as saturation.

    Args:
        flow: (H, W, 2) pixels. Black where it is not finite or above 1e7.
        longest: length in pixels at full saturation, beyond which colours darken; the image's own
            longest flow unless it is given.
    Returns:
        (H, W, 3) uint8, RGB.
    """
    flow = np.asarray(flow, np.float32)
    with np.errstate(invalid="ignore"):
        known = (np.abs(flow) <= _UNKNOWN).all(-1)
    # Lengths in float32 and hues in float64 from it: what GeoNet's evaluation computes.
    u, v = np.where(known[..., None], flow, 0).transpose(2, 0, 1)
    if longest is None:
        longest = np.sqrt(u**2 + v**2).max(initial=0)
    longest = np.float32(longest + np.finfo(np.float64).eps)
    u, v = u / longest, v / longest
    length = np.sqrt(u**2 + v**2)[..., None].astype(np.float64)

    wheel = color_wheel() / 255
    turn = np.arctan2(-v.astype(np.float64), -u.astype(np.float64)) / np.pi
    place = (turn + 1) / 2 * (len(wheel) - 1)
    before = np.floor(place).astype(np.int64)
    share = (place - before)[..., None]
    color = (1 - share) * wheel[before] + share * wheel[(before + 1) % len(wheel)]
    color = np.where(length <= 1, 1 - length * (1 - color), color * 0.75)
    return np.uint8(np.floor(255 * color) * known[..., None])


def write_flow_colors(path: str | Path, flow: np.ndarray, longest: float | None = None) -> None:
    """Write the colours of a flow as a PNG; see `flow_colors`."""
    write_png(path, flow_colors(flow, longest))

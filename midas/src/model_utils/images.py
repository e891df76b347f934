"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Image and depth files: errors name the file, writers replace a file in one step.
"""

import io
import os
from pathlib import Path

import cv2
import numpy as np

from .config import InputError


def _decode(path, flags):
    try:
        data = np.fromfile(path, np.uint8)
    except OSError as err:
        raise InputError(f"{path}: {err.strerror or 'cannot be read'}") from None
    image = cv2.imdecode(data, flags) if data.size else None
    if image is None:
        raise InputError(f"{path}: truncated, or not an image that OpenCV can read")
    return image


def read_rgb(path):
    """Colour image as (H, W, 3) uint8, RGB; InputError names a bad file."""
    return cv2.cvtColor(_decode(path, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def read_png(path, bits):
    """Single-channel PNG of exactly `bits` (8 or 16) as (H, W) uint8 or uint16; InputError else."""
    image = _decode(path, cv2.IMREAD_UNCHANGED)
    channels, got = 1 if image.ndim == 2 else image.shape[2], image.dtype.itemsize * 8
    if (channels, got) != (1, bits):
        raise InputError(f"{path}: expected {bits} bits x 1 channel, got {got} x {channels}")
    return image


def read_pfm(path):
    """Single-channel PFM as (H, W) float32, top row first; InputError names a bad file."""
    image = _decode(path, cv2.IMREAD_UNCHANGED)
    if image.ndim != 2 or image.dtype != np.float32:
        raise InputError(f"{path}: expected a single-channel PFM")
    return image


def write_bytes(path, data):
    """Write a file under a temporary name and rename it; the folder is made when missing."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_png(path, image):
    """Write (H, W) uint8 / uint16, or (H, W, 3) uint8 RGB."""
    image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image
    write_bytes(path, cv2.imencode(".png", image)[1].tobytes())


def write_pfm(path, values):
    """Write (H, W) float as a little-endian PFM, bottom row first."""
    height, width = values.shape
    header = f"Pf\n{width} {height}\n-1.000000\n".encode()
    write_bytes(path, header + values[::-1].astype("<f4").tobytes())


def write_npy(path, values):
    """Write an array as .npy."""
    buffer = io.BytesIO()
    np.save(buffer, values)
    write_bytes(path, buffer.getvalue())


def value_range(values, percent=2):
    """(low, high): the percentiles `percent` and 100 - percent of the finite values."""
    finite = values[np.isfinite(values)]
    low, high = np.percentile(finite, (percent, 100 - percent)) if finite.size else (0.0, 1.0)
    return float(low), float(max(high, low + 1e-6))


def colorize(values, low, high):
    """(H, W) float to (H, W, 3) uint8 RGB, inferno from `low` (dark) to `high`; NaN is black."""
    scaled = np.clip(
        (np.nan_to_num(values, nan=low, posinf=low, neginf=low) - low) / (high - low), 0, 1
    )
    colors = cv2.applyColorMap(np.uint8(np.rint(scaled * 255)), cv2.COLORMAP_INFERNO)
    colors[~np.isfinite(values)] = 0
    return cv2.cvtColor(colors, cv2.COLOR_BGR2RGB)


def enlarge(image, height, width):
    """Picture stretched to a size with hard pixels, so that its resolution stays visible."""
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_NEAREST)


def panel(tiles, low, high, unit):
    """Titled RGB pictures of one size side by side, with a colour legend from low to high below.

    Args:
        tiles: list of (title, (H, W, 3) uint8 RGB).
        low, high: values at the two ends of the legend; `unit` is written behind them.
    Returns:
        (H', W', 3) uint8 RGB.
    """
    columns = []
    for title, image in tiles:
        bar = np.full((24, image.shape[1], 3), 255, np.uint8)
        columns.append(np.vstack([_text(bar, title, 6), image]))
    top = np.hstack(columns)
    ramp = np.tile(np.linspace(low, high, top.shape[1] - 200), (14, 1))
    legend = np.full((24, top.shape[1], 3), 255, np.uint8)
    legend[5:19, 100:-100] = colorize(ramp, low, high)
    _text(legend, f"{low:.2f} {unit}", 6)
    return np.vstack([top, _text(legend, f"{high:.2f} {unit}", top.shape[1] - 94)])


def _text(image, text, x):
    return cv2.putText(
        image, text, (x, 17), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1, cv2.LINE_AA
    )

"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Image and depth files: errors name the file, writers replace a file in one step, and bad files are
found before they are needed.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from .errors import InputError, one_line
from .files import is_file, write_bytes

# The last bytes of an intact file. Cameras append data to a JPEG, so its end is looked for.
_ENDINGS = {"JPEG": b"\xff\xd9", "PNG": b"IEND\xaeB`\x82"}
_TAIL = 65536
_MOST_PIXELS = 1 << 26  # of an image; as float32 RGB, twice, these are 1.6 GB
INVERSE_KINDS = ("inverse_depth", "disparity")


def _decode(path, flags):
    try:
        data = np.fromfile(path, np.uint8)
    except OSError as err:
        raise InputError(f"{path}: {err.strerror or 'cannot be read'}") from None
    _check_pixels(path)
    bad = InputError(f"{path}: truncated, or not an image that OpenCV can read")
    try:
        image = cv2.imdecode(data, flags) if data.size else None
    except cv2.error:  # sizes that cannot be
        raise bad from None
    if image is None:
        raise bad
    return image


def _check_pixels(path):
    """Refuse a size that would take gigabytes: OpenCV fills all that a damaged JPEG declares."""
    try:
        with Image.open(path) as image:
            is_large = image.width * image.height > _MOST_PIXELS
    except Image.DecompressionBombError:
        is_large = True
    except Exception:  # Pillow raises many kinds for what it does not know; OpenCV decides
        return
    if is_large:
        text = f"more than {_MOST_PIXELS:,} pixels"
        raise InputError(f"{path}: {text}; damaged, or scale it down")


def read_any(path: str | Path) -> np.ndarray:
    """Image of any depth and number of channels (BGR) as it is; InputError names a bad file."""
    return _decode(path, cv2.IMREAD_UNCHANGED)


def read_rgb(path: str | Path) -> np.ndarray:
    """Colour image as (H, W, 3) uint8, RGB; InputError names a bad file."""
    return cv2.cvtColor(_decode(path, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def read_png(path: str | Path, bits: int) -> np.ndarray:
    """Single-channel PNG of exactly `bits` (8 or 16) as (H, W) uint8 or uint16; InputError else."""
    image = read_any(path)
    channels, got = 1 if image.ndim == 2 else image.shape[2], image.dtype.itemsize * 8
    if (channels, got) != (1, bits):
        raise InputError(f"{path}: expected {bits} bits x 1 channel, got {got} x {channels}")
    return image


def read_pfm(path: str | Path) -> np.ndarray:
    """Single-channel PFM as (H, W) float32, top row first; InputError names a bad file."""
    image = read_any(path)
    if image.ndim != 2 or image.dtype != np.float32:
        raise InputError(f"{path}: expected a single-channel PFM")
    return image


def read_floats(path: str | Path, shape: tuple[int, ...], hint: str) -> np.ndarray:
    """Bare float32 values, as the 310 program writes them, as an array of a shape.

    Args:
        hint: what to do when the file is missing.
    Raises:
        InputError: missing, another number of values, or values that are not finite.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path} does not exist; {hint}")
    size, expected = path.stat().st_size, 4 * int(np.prod(shape))
    if size != expected:
        kind = f"{'x'.join(map(str, shape))} float32"
        raise InputError(f"{path} has {size} bytes, expected {expected} ({kind})")
    values = np.fromfile(path, np.float32)
    if not np.isfinite(values).all():
        raise InputError(f"{path} holds values that are not finite; run the 310 program again")
    return values.reshape(shape)


def write_png(path: str | Path, image: np.ndarray) -> None:
    """Write (H, W) uint8 / uint16, or (H, W, 3) uint8 RGB."""
    image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image
    write_bytes(path, cv2.imencode(".png", image)[1].tobytes())


def write_pfm(path: str | Path, values: np.ndarray) -> None:
    """Write (H, W) float as a little-endian PFM, bottom row first."""
    height, width = values.shape
    header = f"Pf\n{width} {height}\n-1.000000\n".encode()
    write_bytes(path, header + values[::-1].astype("<f4").tobytes())


def write_npy(path: str | Path, values: np.ndarray) -> None:
    """Write an array as .npy."""
    buffer = io.BytesIO()
    np.save(buffer, values)
    write_bytes(path, buffer.getvalue())


def value_range(values: np.ndarray, percent: float = 2) -> tuple[float, float]:
    """(low, high): the percentiles `percent` and 100 - percent of the finite values."""
    finite = values[np.isfinite(values)]
    low, high = np.percentile(finite, (percent, 100 - percent)) if finite.size else (0.0, 1.0)
    return float(low), float(max(high, low + 1e-6))


def colorize(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """(H, W) float to (H, W, 3) uint8 RGB, inferno from `low` (dark) to `high`; NaN is black."""
    scaled = np.clip(
        (np.nan_to_num(values, nan=low, posinf=low, neginf=low) - low) / (high - low), 0, 1
    )
    colors = cv2.applyColorMap(np.uint8(np.rint(scaled * 255)), cv2.COLORMAP_INFERNO)
    colors[~np.isfinite(values)] = 0
    return cv2.cvtColor(colors, cv2.COLOR_BGR2RGB)


def to_png16(values: np.ndarray, kind: str) -> np.ndarray:
    """(H, W) map as a 16-bit image: millimetres, or MiDaS's full-range scaling (truncated)."""
    if kind not in INVERSE_KINDS:
        return np.uint16(np.clip(np.rint(values * 1000), 0, 65535))
    values = np.float32(values)
    low, high = values.min(), values.max()
    if high - low <= np.finfo(np.float32).eps:
        return np.zeros(values.shape, np.uint16)
    return (np.float32(65535) * (values - low) / (high - low)).astype(np.uint16)


def nearness(values: np.ndarray, kind: str) -> np.ndarray:
    """Map whose large values are near, for colours."""
    return values if kind in INVERSE_KINDS else 1 / np.maximum(values, 1e-6)


def write_outputs(
    stem: str | Path, values: np.ndarray, kind: str, formats: Collection[str]
) -> None:
    """Write <stem>.png, .pfm, .npy and <stem>_color.png, as `formats` asks (png pfm npy color)."""
    stem = str(stem)
    if "png" in formats:
        write_png(f"{stem}.png", to_png16(values, kind))
    if "pfm" in formats:
        write_pfm(f"{stem}.pfm", values)
    if "npy" in formats:
        write_npy(f"{stem}.npy", np.float32(values))
    if "color" in formats:
        near = nearness(values, kind)
        write_png(f"{stem}_color.png", colorize(near, *value_range(near)))


def enlarge(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """An image enlarged by repeating its pixels, so that its resolution stays visible."""
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_NEAREST)


@dataclass(frozen=True)
class ImageHeader:
    """What the first bytes of an image file tell: (height, width) and Pillow's mode."""

    size: tuple[int, int]
    mode: str


def image_header(path: str | Path, checksums: bool = False) -> ImageHeader:
    """Look at the header and the last bytes of an image, without decoding it.

    Args:
        path: the file.
        checksums: also those inside a PNG, which reads all of it.
    Raises:
        InputError: the file is missing, truncated, or broken; the line names it.
    """
    path = Path(path)
    if not is_file(path):
        raise InputError(f"{path} is missing")
    try:
        with Image.open(path) as image:
            header, kind = ImageHeader(image.size[::-1], image.mode), image.format
            if kind == "PNG" and checksums:
                image.verify()
        with path.open("rb") as file:
            file.seek(-min(_TAIL, path.stat().st_size), os.SEEK_END)
            end = file.read()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as err:
        reason = "" if isinstance(err, Image.UnidentifiedImageError) else f" ({one_line(err)})"
        raise InputError(f"{path} is empty, broken or not an image{reason}") from None
    if kind in _ENDINGS and _ENDINGS[kind] not in end:
        raise InputError(f"{path} is truncated")
    return header


def good_samples(
    samples: Sequence[Any], check: Callable[[Any], None], skip_bad: bool, place: str
) -> list[Any]:
    """Check every sample and print the bad ones.

    Args:
        samples: whatever `check` takes.
        check: raises InputError for a bad sample.
        skip_bad: leave bad samples out; otherwise they are an error.
        place: what the samples belong to, for messages.
    Returns:
        The good samples.
    Raises:
        InputError: bad samples without skip_bad, or none is good.
    """
    good, faults = [], []
    for sample in samples:
        try:
            check(sample)
            good.append(sample)
        except InputError as err:
            faults.append(str(err))
            print(f"bad sample: {err}", flush=True)
    count = f"{len(faults)} of {len(samples)} samples in {place} are bad"
    if faults and not (skip_bad and good):
        hint = "" if skip_bad else "; repair them or add --skip_bad_samples True"
        raise InputError(f"{count}, first: {faults[0]}{hint}")
    if faults:
        print(f"left out {len(faults)} bad samples of {len(samples)} in {place}", flush=True)
    return good

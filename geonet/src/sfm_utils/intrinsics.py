"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

The intrinsics of a pinhole camera, the small file that holds them, and what a camera writes into
its images: how it was held, and the focal length.

Conventions
    Camera frame: x right, y down, z forward. Pixels: (0, 0) is the centre of the top left pixel,
    u to the right, v down; u = fx x / z + cx, v = fy y / z + cy.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ..model_utils.errors import InputError, shown
from ..model_utils.files import write_bytes
from ..model_utils.images import image_header
from .text_files import parse_numbers, read_lines

_NEEDED = {  # of an intrinsics file
    "fx": "pixels",
    "fy": "pixels",
    "cx": "pixels",
    "cy": "pixels",
    "width": "of the images, in pixels",
    "height": "of the images, in pixels",
}
_ORIENTATION, _DETAILS, _FOCAL_35 = 0x0112, 0x8769, 0xA405
_SIDEWAYS = (5, 6, 7, 8)  # orientations that swap height and width
_DIAGONAL_35 = math.hypot(36, 24)  # millimetres


@dataclass(frozen=True)
class Intrinsics:
    """A pinhole camera without distortion, in pixels of images of one size."""

    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int

    def __post_init__(self):
        if min(self.fx, self.fy, self.width, self.height) <= 0:
            raise InputError(f"{self}: fx, fy, width and height must be above 0")

    @property
    def matrix(self) -> np.ndarray:
        """K, (3, 3) float64: (u, v, 1) ~ K (x, y, z)."""
        return np.array([[self.fx, 0, self.cx], [0, self.fy, self.cy], [0, 0, 1]], np.float64)

    def resized(self, height: int, width: int) -> Intrinsics:
        """The camera of the images after resizing, as both originals scale it (f and c alike)."""
        x, y = width / self.width, height / self.height
        return Intrinsics(self.fx * x, self.fy * y, self.cx * x, self.cy * y, width, height)

    def check_size(self, height: int, width: int, where: str) -> None:
        """InputError when the images of `where` have another size than these hold for."""
        if (height, width) != (self.height, self.width):
            raise InputError(
                f"{where}: the images are {width}x{height}, but the intrinsics hold for "
                f"{self.width}x{self.height}; give those of {width}x{height}"
            )


def intrinsics_of(projection: np.ndarray, height: int, width: int) -> Intrinsics:
    """The camera whose (3, 4) projection a calibration file holds, for images of that size."""
    (fx, _, cx), (_, fy, cy) = projection[:2, :3].tolist()
    return Intrinsics(fx, fy, cx, cy, width, height)


def intrinsics_from_view(degrees: float, height: int, width: int) -> Intrinsics:
    """A camera with square pixels and a centred axis from its horizontal field of view.

    Raises:
        InputError: an angle outside 1 to 170 degrees.
    """
    if not 1 <= degrees <= 170:
        raise InputError(f"field of view {degrees} degrees; expected 1 to 170")
    focal = width / 2 / np.tan(np.radians(degrees) / 2)
    return Intrinsics(focal, focal, (width - 1) / 2, (height - 1) / 2, width, height)


def intrinsics_from_numbers(
    numbers: Sequence[float], size: tuple[int, int] | None = None
) -> Intrinsics:
    """A camera from a command line: fx fy cx cy, or these and width and height.

    Args:
        numbers: four, which hold for images of `size`, or six.
        size: (height, width) of the images.
    Raises:
        InputError: another count, or a value that cannot be.
    """
    values = [float(number) for number in numbers]
    if len(values) == 4 and size is not None:
        values += [size[1], size[0]]
    if len(values) != len(_NEEDED) or not np.isfinite(values).all():
        raise InputError(f"intrinsics {values}: expected fx fy cx cy, or these and width height")
    *camera, width, height = values
    return Intrinsics(*camera, int(width), int(height))


def read_intrinsics(path: str | Path) -> Intrinsics:
    """Intrinsics from a file: JSON with fx, fy, cx, cy, width, height, or those six in one line.

    Raises:
        InputError: missing, damaged, a key is missing or a value cannot be.
    """
    lines = read_lines(path)
    text = "\n".join(lines)
    if text.lstrip().startswith("{"):
        values = _json_numbers(text, path)
    else:
        lines = [line for line in lines if not line.startswith("#")]
        keys = " ".join(_NEEDED)
        if len(lines) != 1:
            raise InputError(f"{path}: expected one line '{keys}', or JSON with these keys")
        numbers = parse_numbers(lines[0], len(_NEEDED), f"{path} ({keys})")
        values = dict(zip(_NEEDED, numbers.tolist()))
    for key in ("width", "height"):
        if values[key] != int(values[key]):
            raise InputError(f"{path}: {key} {values[key]}; expected a whole number")
        values[key] = int(values[key])
    try:
        return Intrinsics(**values)
    except InputError as err:
        raise InputError(f"{path}: {err}") from None


def _json_numbers(text, path):
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise InputError(f"{path} is damaged: not JSON") from None
    for key, unit in _NEEDED.items():
        if key not in found:
            raise InputError(f"{path} has no {key} ({unit}); it needs {', '.join(_NEEDED)}")
        value = found[key]
        good = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not good or not abs(value) < 1e9:
            raise InputError(f"{path}: {key} {shown(value)}; expected a number ({unit})")
    return {key: float(found[key]) for key in _NEEDED}


def write_intrinsics(path: str | Path, camera: Intrinsics) -> None:
    """Write the JSON that `read_intrinsics` reads."""
    write_bytes(path, (json.dumps(vars(camera), indent=2) + "\n").encode())


def shown_size(path: str | Path) -> tuple[int, int]:
    """(height, width) of an image as `read_rgb` gives it, turned upright by its EXIF data.

    Raises:
        InputError: the image is missing, truncated, or broken.
    """
    size = image_header(path).size
    tags, _ = _exif(path)
    return size[::-1] if tags.get(_ORIENTATION) in _SIDEWAYS else size


def read_exif_intrinsics(path: str | Path) -> Intrinsics:
    """The camera of a photo, from the focal length that its EXIF data give for a 35 mm film.

    The pixels are taken as square and the axis as centred. A video has no such data.

    Raises:
        InputError: a broken image, or one without that number.
    """
    height, width = shown_size(path)
    millimetres = _exif(path)[1].get(_FOCAL_35)
    if not isinstance(millimetres, int) or not 1 <= millimetres <= 5000:
        raise InputError(
            f"{path} tells no focal length (EXIF FocalLengthIn35mmFilm); give fx fy cx cy or a "
            "field of view"
        )
    focal = millimetres * math.hypot(height, width) / _DIAGONAL_35
    return Intrinsics(focal, focal, (width - 1) / 2, (height - 1) / 2, width, height)


def _exif(path):
    """The tags of an image and of its EXIF details; empty where there are none."""
    try:
        with Image.open(path) as image:
            tags = image.getexif()
            return dict(tags), dict(tags.get_ifd(_DETAILS))
    except Exception:  # Pillow raises many kinds for damaged tags; without them an image is upright
        return {}, {}

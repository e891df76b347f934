"""Images on their way to the networks: reading, pyramid, colour jitter, all in uint8 with Pillow.

The numbers are those of the original's torchvision transforms on Pillow images, to the last bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from .model_utils.errors import InputError
from .model_utils.files import is_file

_MOST_PIXELS = 1 << 26  # of an image, as in model_utils/images.py
_UPRIGHT = (None, 1)  # values of EXIF's orientation that leave an image as it is
_ORIENTATION = 0x0112
_RAMP = Image.frombytes("L", (256, 1), bytes(range(256)))
_FACTORS, _HUE = (0.8, 1.2), (-0.1, 0.1)  # ranges of the jitter, section 4 of the paper


def read_image(path: str | Path) -> Image.Image:
    """An image as RGB, turned upright by its EXIF data.

    Raises:
        InputError: missing, truncated, or broken; the line names it.
    """
    if not is_file(path):
        raise InputError(f"{path} is missing")
    try:
        with Image.open(path) as image:
            if image.width * image.height > _MOST_PIXELS:
                raise InputError(f"{path}: more than {_MOST_PIXELS:,} pixels; scale it down")
            if image.getexif().get(_ORIENTATION) not in _UPRIGHT:
                image = ImageOps.exif_transpose(image)  # noqa: PLW2901
            return image.convert("RGB")
    except InputError:
        raise
    except Exception as err:  # Pillow raises many kinds for what is damaged
        raise InputError(f"{path} is empty, broken or not an image; get it again") from err


def mirrored(image: Image.Image) -> Image.Image:
    """Left and right exchanged."""
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def pyramid(image: Image.Image, height: int, width: int, count: int) -> list[Image.Image]:
    """Scales 0 to count - 1 of an image, each from the one before by Lanczos.

    Args:
        image: of any size; only scale 0 is made from it.
        height, width: pixels of scale 0; scale s has height // 2^s x width // 2^s.
        count: how many scales.
    """
    levels = []
    for scale in range(count):
        size = width >> scale, height >> scale
        image = image.resize(size, Image.Resampling.LANCZOS)
        levels.append(image)
    return levels


def to_planes(image: Image.Image) -> np.ndarray:
    """(3, H, W) uint8 of an RGB image."""
    planes = np.empty((3, image.height, image.width), np.uint8)
    cv2.split(np.asarray(image), list(planes))
    return planes


def network_input(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """An (H, W, 3) uint8 RGB image as the networks see it: (3, height, width) uint8."""
    return to_planes(pyramid(Image.fromarray(image), height, width, 1)[0])


def resize_nearest(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """(H, W) depth at another size; pixel x comes from floor((x + 0.5) W / width)."""
    rows = ((np.arange(height) + 0.5) * (values.shape[0] / height)).astype(np.int64)
    columns = ((np.arange(width) + 0.5) * (values.shape[1] / width)).astype(np.int64)
    return values[rows[:, None], columns]


@dataclass(frozen=True)
class Jitter:
    """One change of colours, the same for every frame of a sample.

    Attributes:
        brightness, contrast, saturation: factors, 1 changes nothing.
        hue: shift as a part of the circle of hues, -0.5 to 0.5.
        order: the four in the order in which they act, by their names.
    """

    brightness: float
    contrast: float
    saturation: float
    hue: float
    order: Sequence[str] = ("brightness", "contrast", "saturation", "hue")

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Jitter:
        """Factors from 0.8 to 1.2, a shift from -0.1 to 0.1, and their order."""
        factors, hue = rng.uniform(*_FACTORS, 3).tolist(), float(rng.uniform(*_HUE))
        return cls(*factors, hue, [cls.order[place] for place in rng.permutation(4)])

    def __call__(self, image: Image.Image) -> Image.Image:
        """The image with its colours changed."""
        for name in self.order:
            image = _CHANGES[name](image, getattr(self, name))
        return image


def _blended_with(image, grey, factor):
    """Image.blend of one grey value and the image, by a table that Image.blend itself makes."""
    table = Image.blend(Image.new("L", (256, 1), grey), _RAMP, factor)
    return image.point(table.tobytes() * 3)


def adjust_brightness(image: Image.Image, factor: float) -> Image.Image:
    """The image times a factor."""
    return _blended_with(image, 0, factor)


def adjust_contrast(image: Image.Image, factor: float) -> Image.Image:
    """The distance of each value from the image's mean brightness times a factor."""
    counts = image.convert("L").histogram()
    mean = sum(value * count for value, count in enumerate(counts)) / sum(counts)
    return _blended_with(image, int(mean + 0.5), factor)


def adjust_saturation(image: Image.Image, factor: float) -> Image.Image:
    """The distance of each pixel from its own grey times a factor."""
    return ImageEnhance.Color(image).enhance(factor)


def adjust_hue(image: Image.Image, shift: float) -> Image.Image:
    """Every hue turned by a part of the circle, whole 255ths of it."""
    turned = (np.arange(256) + int(shift * 255)) & 255
    unchanged = bytes(range(256))
    return image.convert("HSV").point(bytes(turned.tolist()) + 2 * unchanged).convert("RGB")


_CHANGES = {
    "brightness": adjust_brightness,
    "contrast": adjust_contrast,
    "saturation": adjust_saturation,
    "hue": adjust_hue,
}

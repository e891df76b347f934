"""A strip on its way to the networks: split into frames, enlarged, cropped, its colours changed.

The numbers are those of the original's TensorFlow operations on a CPU, to the last bit: float32,
multiplied and added in their order. A stack is (3 L, H, W) uint8, RGB: the target, then the
sources in the order of time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

_SCALE, _GAMMA, _BRIGHTNESS, _COLOR = (1, 1.15), (0.8, 1.2), (0.5, 2.0), (0.8, 1.2)  # ranges
_COLORED_ABOVE = 0.5  # of a draw from 0 to 1
_DRAWS = 7  # before those of the channels


def split_strip(strip: np.ndarray, seq_length: int) -> np.ndarray:
    """The frames of a strip as a stack.

    Args:
        strip: (H, W L, 3) uint8, the frames side by side in the order of time.
        seq_length: L, odd; the frame in the middle is the target.
    Returns:
        (3 L, H, W) uint8.
    """
    height, width = strip.shape[0], strip.shape[1] // seq_length
    middle = seq_length // 2
    stack = np.empty((seq_length, 3, height, width), np.uint8)
    for planes, place in zip(stack, sorted(range(seq_length), key=lambda n: (n != middle, n))):
        cv2.split(strip[:, place * width : (place + 1) * width], list(planes))
    return stack.reshape(-1, height, width)


@dataclass(frozen=True)
class ScaleCrop:
    """Images enlarged, and a window of their previous size cut out.

    Attributes:
        scale: (x, y), float32; the intrinsics are multiplied by it.
        size: (height, width) of the enlarged image, whole pixels.
        offset: (y, x), the window's first row and column.
    """

    scale: tuple[np.float32, np.float32]
    size: tuple[int, int]
    offset: tuple[int, int]

    @classmethod
    def of(cls, units: np.ndarray, height: int, width: int) -> ScaleCrop:
        """The one that four draws from 0 to 1 choose: x scale, y scale, first row, first column."""
        x, y = (_between(_SCALE, unit) for unit in units[:2])
        size = int(np.float32(height) * y), int(np.float32(width) * x)
        spare = size[0] - height, size[1] - width
        offset = (int(unit * (most + 1)) for unit, most in zip(units[2:4].tolist(), spare))
        return cls((x, y), size, tuple(offset))

    def image(self, stack: np.ndarray) -> np.ndarray:
        """(C, H, W) uint8 -> the same; of the enlarged image only the window is worked out."""
        height, width = stack.shape[1:]
        rows = _area_line(height, self.size[0], self.offset[0], height)
        columns = _area_line(width, self.size[1], self.offset[1], width)
        share = np.float32(1 / float(rows.step * columns.step))
        window = np.empty_like(stack)
        for plane, result in zip(stack, window):  # one at a time stays in the processor's cache
            values = _weighted_sum(np.float32(plane), columns, axis=1)
            values = _weighted_sum(values, rows, axis=0)
            result[:] = np.multiply(values, share, out=values)  # truncated
        return window

    def camera(self, K: np.ndarray) -> np.ndarray:
        """K, (3, 3) float32, of the window."""
        (x, y), (top, left) = self.scale, self.offset
        scaled = K * np.array([[x], [y], [1]], np.float32)
        return scaled - np.array([[0, 0, left], [0, 0, top], [0, 0, 0]], np.float32)


def color_tables(units: np.ndarray) -> np.ndarray:
    """What a change of colours makes of each value.

    Args:
        units: draws from 0 to 1: gamma, brightness, a factor for each channel of the stack.
    Returns:
        (channels, 256) uint8.
    """
    gamma, brightness = _between(_GAMMA, units[0]), _between(_BRIGHTNESS, units[1])
    factors = _between(_COLOR, units[2:])
    values = np.arange(256, dtype=np.float32) * np.float32(1 / 255)
    # The power in float64, rounded once: float32's depends on the processor.
    values = np.float32(np.power(np.float64(values), np.float64(gamma))) * brightness
    values = np.clip(values * factors[:, None], 0, 1)
    return (values * np.float32(255.5)).astype(np.uint8)  # truncated


@dataclass(frozen=True)
class Augmentation:
    """What is done to every sample of a batch alike.

    Attributes:
        scale_crop: None leaves size and camera as they are.
        tables: (3 L, 256) uint8 of `color_tables`; None leaves the colours as they are.
    """

    scale_crop: ScaleCrop | None
    tables: np.ndarray | None

    @staticmethod
    def draws(seq_length: int) -> int:
        """How many draws `of` takes."""
        return _DRAWS + 3 * seq_length

    @classmethod
    def of(
        cls,
        units: np.ndarray,
        height: int,
        width: int,
        *,
        random_scale_crop: bool = True,
        random_color: bool = True,
    ) -> Augmentation:
        """The one that draws from 0 to 1 choose, in the original's order.

        Args:
            units: for x scale, y scale, first row, first column, whether the colours change (above
                0.5), gamma, brightness, a factor for each channel.
            height, width: of a frame, pixels.
            random_scale_crop, random_color: False leaves that part out.
        """
        is_colored = random_color and units[4] > _COLORED_ABOVE
        return cls(
            ScaleCrop.of(units[:4], height, width) if random_scale_crop else None,
            color_tables(units[5:]) if is_colored else None,
        )

    def image(self, stack: np.ndarray) -> np.ndarray:
        """(3 L, H, W) uint8 -> the same, changed."""
        if self.scale_crop is not None:
            stack = self.scale_crop.image(stack)
        if self.tables is None:
            return stack
        colored = np.empty_like(stack)
        for plane, table, changed in zip(stack, self.tables, colored):
            cv2.LUT(plane, table, changed)
        return colored

    def camera(self, K: np.ndarray) -> np.ndarray:
        """K, (3, 3) float32, that belongs to the changed images."""
        return K if self.scale_crop is None else self.scale_crop.camera(K)


def _between(limits, unit):
    """Where draws from 0 to 1 lie between two limits, float32."""
    low, high = np.float32(limits)
    return low + (high - low) * np.float32(unit)


class _Line(NamedTuple):
    """Output pixels as weighted sums of input pixels.

    Attributes:
        step: width of an output pixel in input pixels; the weights of one add up to it.
        pixels, weights: lists of arrays, the first summand of each output pixel, the second ...
    """

    step: np.float32
    pixels: list[np.ndarray]
    weights: list[np.ndarray]


def _area_line(in_size, out_size, start, count):
    """Area resizing of a line, for output pixels start to start + count - 1.

    Output pixel i covers the input from i * step to (i + 1) * step. As in the original these ends
    are rounded to float32 and are not made to agree with the step.
    """
    step = np.float32(in_size) / np.float32(out_size)
    ends = np.arange(start, start + count + 1, dtype=np.float32) * step
    low, high = ends[:-1], ends[1:]
    first = np.floor(low)
    pixels, weights = [], []
    for place in range(int((np.ceil(high) - first).max())):
        pixel = first + np.float32(place)
        covered = np.minimum(high, pixel + 1) - np.maximum(low, pixel)
        is_inside = (low > pixel) & (high < pixel + 1)
        weights.append(np.where(is_inside, step, covered).clip(0))
        pixels.append(pixel.astype(np.intp).clip(0, in_size - 1))
    return _Line(step, pixels, weights)


def _weighted_sum(values, line, axis):
    """A line's weighted sums along an axis of (H, W) float32, the first summand first."""
    total = None
    for pixels, weights in zip(line.pixels, line.weights):
        part = values.take(pixels, axis=axis)
        part *= weights if axis else weights[:, None]
        total = part if total is None else np.add(total, part, out=total)
    return total

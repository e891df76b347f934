"""Images on their way to the networks: read by threads ahead of time, cut into batches."""

from __future__ import annotations

import collections
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..model_utils.batches import after
from ..model_utils.images import read_rgb

LANCZOS, BILINEAR = Image.Resampling.LANCZOS, Image.Resampling.BILINEAR


def read_planes(path: str | Path, height: int, width: int, resampling: int) -> np.ndarray:
    """An image at the networks' size.

    Args:
        path: of an image; a grey one gets three equal channels.
        height, width: pixels.
        resampling: LANCZOS, as the original's depth test, or BILINEAR, as its pose test.
    Returns:
        (3, height, width) uint8, RGB.
    Raises:
        InputError: missing or broken; the line names it.
    """
    return resized_planes(read_rgb(path), height, width, resampling)


def resized_planes(rgb: np.ndarray, height: int, width: int, resampling: int) -> np.ndarray:
    """An image (H, W, 3) uint8, RGB, at the networks' size; see `read_planes`."""
    image = Image.fromarray(rgb).resize((width, height), resampling)
    return np.ascontiguousarray(np.asarray(image).transpose(2, 0, 1))


def read_ahead(read: Callable[[Any], Any], items: Iterable[Any], workers: int) -> Iterator[Any]:
    """read(item) of each item, in order; threads work on those that come next.

    Args:
        read: function of an item.
        items: its arguments.
        workers: threads, at most twice as many as there are cores.
    """
    workers = min(workers, 2 * (os.cpu_count() or 1))
    return after(items, read, 2 * workers, workers)


def windows(frames: Iterable[np.ndarray], length: int) -> Iterator[np.ndarray]:
    """Each `length` neighbouring frames as the pose network sees them.

    Args:
        frames: (3, h, w) in the order of time.
        length: an odd number; the middle frame is the target.
    Returns:
        (3 length, h, w): the target, then the sources in the order of time.
    """
    seen = collections.deque(maxlen=length)
    for frame in frames:
        seen.append(frame)
        if len(seen) == length:
            yield np.concatenate(target_first(list(seen)))


def target_first(frames: Sequence[Any]) -> list[Any]:
    """Frames in the order of time -> the middle one, then the others."""
    middle = len(frames) // 2
    return [frames[middle], *frames[:middle], *frames[middle + 1 :]]

"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Images together with their neighbours in a sequence, for networks that see several frames.

Conventions
    A sequence is the images of one folder in the order of their names, or a video. Offset -1 is
    the frame before, 1 the one after; results belong to frame 0.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from ..model_utils.errors import InputError
from ..model_utils.media import VIDEOS, Frame


def frame_order(files: Sequence[Path]) -> list[Path]:
    """Files so that each folder's follow each other; names that are numbers by their value.

    Args:
        files: images or videos, sorted by name.
    """
    folders: dict[Path, list[Path]] = {}
    for file in files:
        folders.setdefault(file.parent, []).append(file)
    ordered = []
    for members in folders.values():
        if all(file.stem.isascii() and file.stem.isdecimal() for file in members):
            members.sort(key=lambda file: (int(file.stem), file.name))
        ordered += members
    return ordered


def check_length(files: Sequence[Path], offsets: Sequence[int]) -> None:
    """Answer images without a single result before anything starts.

    Args:
        files: images and videos; how long a video is shows only in its turn.
        offsets: of the images around frame 0.
    Raises:
        InputError: no folder holds as many images as one result needs, and there is no video.
    """
    first, last = min(0, *offsets), max(0, *offsets)
    lengths = Counter(file.parent for file in files)
    if max(lengths.values()) > last - first or any(f.suffix.lower() in VIDEOS for f in files):
        return
    where = ", ".join(map(str, list(lengths)[:3]))
    needs = f"the network sees frames {first} to {last} of a sequence"
    raise InputError(f"{where}: {needs}, and no folder holds {last - first + 1}; give more images")


def with_neighbours(
    frames: Iterable[Frame], offsets: Sequence[int]
) -> Iterator[tuple[Frame, tuple[np.ndarray, ...]]]:
    """Each frame that has all its neighbours, with the images at the offsets.

    Args:
        frames: of one sequence after the other; a bad one has no image, and takes its neighbours'
            results with it.
        offsets: of the images, in the order in which they are wanted.
    """
    first, last = min(0, *offsets), max(0, *offsets)
    window: deque[Frame] = deque(maxlen=last - first + 1)
    for frame in frames:
        if window and frame.sequence != window[-1].sequence:
            window.clear()
        window.append(frame)
        if len(window) < last - first + 1:
            continue
        target, images = window[-first], [window[offset - first].image for offset in offsets]
        if target.image is not None and all(image is not None for image in images):
            yield target, tuple(images)

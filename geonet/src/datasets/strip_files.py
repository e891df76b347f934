"""The files of prepared training data, looked at before a training begins.

train.txt, val.txt        lines `folder frame`
<folder>/<frame>.jpg      seq_length frames side by side in the order of time
<folder>/<frame>_cam.txt  one line: fx,0,cx,0,fy,cy,0,0,1 in pixels of a frame
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from ..model_utils.errors import InputError, shown
from ..model_utils.files import is_file
from ..model_utils.images import image_header
from ..sfm_utils.lists import read_fields
from ..sfm_utils.text_files import parse_numbers, read_lines

_ENDS = 4096  # bytes; a strip's size stands in the first ones, its end in the last ones
_FRAME_HEADERS = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # JPEG's SOF0 to SOF15
_FIXED = np.array([[1, 0, 1], [0, 1, 1], [0, 0, 0]], bool), [0, 0, 0, 0, 1]
_LARGEST = 1e6  # pixels, of fx, fy, cx, cy
_NAMED = 4  # bad strips that an error names
_PART = 64  # strips that a thread looks at in a row


@dataclass(frozen=True)
class StripSize:
    """What the frames of a strip must be.

    Attributes:
        height, width: of a frame, pixels.
        length: frames in a strip, an odd number.
    """

    height: int
    width: int
    length: int

    def check(self, height: int, width: int, path: str) -> None:
        """InputError when an image of that size is no such strip; the line says what fits it."""
        if (height, width) == (self.height, self.width * self.length):
            return
        frames = f"{self.length} frames of {self.width}x{self.height}"
        raise InputError(
            f"{path} is {width}x{height}, expected {self.width * self.length}x{self.height} "
            f"({frames}); {self._way_out(height, width)}"
        )

    def _way_out(self, height, width):
        count, rest = divmod(width, self.width)
        if height == self.height and not rest and count % 2 and count > 1:
            return (
                f"it was made with --seq_length {count}: give that here, or prepare the data anew"
            )
        if height and width and not width % self.length:
            size = f"--img_height {height} --img_width {width // self.length}"
            return f"if it was made with {size}, give that here; else prepare the data anew"
        return "its width does not divide into such frames: prepare the data anew"


@dataclass(frozen=True)
class StripFiles:
    """The strips of a list.

    Attributes:
        paths: of the images, in the order of the list.
        cameras: (N, 3, 3) float32, K of each.
    """

    paths: list[str]
    cameras: np.ndarray


def find_strips(path: str | Path, size: StripSize, workers: int = 8) -> StripFiles:
    """The strips of a list, each looked at without decoding it.

    Of an image the header and the end are read: a file that is missing, empty, truncated, no
    image, or of another size is found; damage in between shows when it is loaded.

    Args:
        path: the list; the strips are in its folder.
        size: what each must be.
        workers: files that are looked at at the same time.
    Raises:
        InputError: a malformed line, or strips that cannot be used: how many and the first ones.
    """
    stems = _read_stems(path)
    parts = [stems[start : start + _PART] for start in range(0, len(stems), _PART)]
    with ThreadPoolExecutor(workers) as pool:
        found = [one for part in pool.map(partial(_cameras, size=size), parts) for one in part]
    faults = [(stem, one) for stem, one in zip(stems, found) if isinstance(one, InputError)]
    if faults:
        others = ", ".join(stem for stem, _ in faults[1:_NAMED])
        raise InputError(
            f"{len(faults)} of {len(stems)} strips of {path} cannot be used, first: "
            f"{faults[0][1]}{f'; also {others}' if others else ''}"
        )
    return StripFiles([f"{stem}.jpg" for stem in stems], np.stack(found))


def _read_stems(path):
    """The paths of a list's strips without their endings."""
    root, stems = Path(path).parent, []
    for number, row in enumerate(read_fields(path, "folder frame"), 1):
        if any(word.startswith("/") or ".." in word.split("/") or "\0" in word for word in row):
            text = shown(" ".join(row))
            raise InputError(f"{path} line {number}: {text} does not lie below {root}")
        stems.append(f"{root}/{row[0]}/{row[1]}")
    return stems


def _cameras(stems, size):
    """The camera of each strip, or what is wrong with it."""
    found = []
    for stem in stems:
        try:
            size.check(*strip_size(f"{stem}.jpg"), f"{stem}.jpg")
            found.append(read_camera(f"{stem}_cam.txt"))
        except InputError as err:
            found.append(err)
    return found


def strip_size(path: str) -> tuple[int, int]:
    """(height, width) of an image whose header and end are intact.

    Raises:
        InputError: missing, empty, truncated, or not an image.
    """
    try:
        head, end = _read_ends(path)
    except OSError:
        head = end = b""
    size = _jpeg_size(head)
    if size is None or b"\xff\xd9" not in end:
        return image_header(path).size  # slower, knows every case, and says what is wrong
    return size


def _read_ends(path):
    """The first and the last bytes of a file."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        size = os.fstat(descriptor).st_size
        ends = os.pread(descriptor, _ENDS, 0), os.pread(descriptor, _ENDS, max(0, size - _ENDS))
    finally:
        os.close(descriptor)
    return ends


def _jpeg_size(head):
    """(height, width) by a JPEG's first bytes; None if they do not tell."""
    place = 2 if head.startswith(b"\xff\xd8") else len(head)
    while place + 9 <= len(head) and head[place] == 0xFF:
        length = int.from_bytes(head[place + 2 : place + 4], "big")
        if head[place + 1] in _FRAME_HEADERS:
            height, width = head[place + 5 : place + 7], head[place + 7 : place + 9]
            return int.from_bytes(height, "big"), int.from_bytes(width, "big")
        place += 2 + length
    return None


def read_camera(path: str | Path) -> np.ndarray:
    """The camera of a strip: K, (3, 3) float32, in pixels of a frame.

    Raises:
        InputError: missing, not nine numbers in a line, or not a camera's.
    """
    lines = read_lines(path)
    if len(lines) != 1:
        raise InputError(f"{path} has {len(lines)} lines; expected one of nine numbers")
    K = parse_numbers(lines[0], 9, str(path), ",").reshape(3, 3)
    free, fixed = _FIXED
    focal, center = K[[0, 1], [0, 1]], np.abs(K[:2, 2])
    possible = focal.min() >= 1 and max(focal.max(), center.max()) <= _LARGEST
    if K[~free].tolist() != fixed or not possible:
        expected = "fx,0,cx,0,fy,cy,0,0,1 in pixels, fx and fy at least 1"
        raise InputError(f"{path}: expected {expected}, got {shown(lines[0])}")
    return K.astype(np.float32)


def has_lines(path: str | Path) -> bool:
    """Whether a list is there and not empty."""
    return is_file(path) and bool(read_lines(path))

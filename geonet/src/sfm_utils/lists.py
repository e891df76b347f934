"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Lists of frames in both originals' formats.

Monodepth2   `folder frame side`, such as `2011_09_26/2011_09_26_drive_0001_sync 5 l`; the
             benchmark's test list lacks the side.
GeoNet       a path a line (test lists), `date drive frame` (static frames), `folder frame` (its
             prepared training data), a scene a line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ..model_utils.errors import InputError, shown
from .text_files import read_lines

SIDES = {"l": 2, "r": 3}  # KITTI's numbers of the colour cameras
_RAW_PATH = re.compile(
    r"(?P<folder>.+)/image_0(?P<camera>[23])/data/(?P<frame>\d{1,10})\.\w+", re.A
)


@dataclass(frozen=True)
class Frame:
    """One image of a drive.

    Attributes:
        folder: the drive below the data set's root; the number of an odometry sequence.
        index: number of the frame.
        side: "l" or "r", the camera.
    """

    folder: str
    index: int
    side: str

    @property
    def camera(self) -> int:
        """KITTI's number of the camera, 2 (left) or 3 (right)."""
        return SIDES[self.side]

    def shifted(self, offset: int) -> Frame:
        """The frame of the same camera `offset` frames later."""
        return Frame(self.folder, self.index + offset, self.side)

    @property
    def other(self) -> Frame:
        """The frame of the other camera at the same time."""
        return Frame(self.folder, self.index, "r" if self.side == "l" else "l")


def read_fields(path: str | Path, form: str) -> list[list[str]]:
    """The words of each line of a list.

    Args:
        path: the list.
        form: names of the words, such as "folder frame side".
    Returns:
        A list of words for each line, as many as `form` has.
    Raises:
        InputError: missing or empty file, a blank line, or another number of words; the line is
            named.
    """
    rows = [line.split() for line in read_lines(path)]
    expected = f"'{form}'" if " " in form else f"one {form}"
    for number, row in enumerate(rows, 1):
        if len(row) != len(form.split()):
            got = shown(" ".join(row)) if row else "a blank line"
            raise InputError(f"{path} line {number}: expected {expected}, got {got}")
    if not rows:
        raise InputError(f"{path} is empty; expected lines with {expected}")
    return rows


def read_split(path: str | Path) -> list[Frame]:
    """Monodepth2's list of frames; where no line has a side, the left camera is meant.

    Raises:
        InputError: a blank or malformed line; the line is named.
    """
    lines = read_lines(path)
    form = "folder frame" if lines and len(lines[0].split()) == 2 else "folder frame side"
    frames = []
    for number, row in enumerate(read_fields(path, form), 1):
        folder, frame, side = [*row, "l"][:3]
        if side not in SIDES:
            raise InputError(f"{path} line {number}: side {shown(side)}; expected l or r")
        frames.append(Frame(_folder(folder, path, number), _number(frame, path, number), side))
    return frames


def read_image_list(path: str | Path) -> list[Frame]:
    """GeoNet's list of images of KITTI raw, a path below the data set's root in each line.

    Raises:
        InputError: a blank or malformed line; the line is named.
    """
    frames = []
    for number, (text,) in enumerate(read_fields(path, "path"), 1):
        match = _RAW_PATH.fullmatch(text)
        if match is None:
            form = "date/drive/image_02/data/0000000000.png"
            raise InputError(f"{path} line {number}: expected {form}, got {shown(text)}")
        side = "l" if match["camera"] == "2" else "r"
        frames.append(Frame(_folder(match["folder"], path, number), int(match["frame"]), side))
    return frames


def read_static_frames(path: str | Path) -> set[tuple[str, int]]:
    """GeoNet's static frames, {(drive, frame)}; empty lines are allowed, as in the original.

    Raises:
        InputError: a malformed line; the line is named.
    """
    frames = set()
    for number, line in enumerate(read_lines(path), 1):
        words = line.split()
        if words and len(words) != 3:
            raise InputError(
                f"{path} line {number}: expected 'date drive frame', got {shown(line)}"
            )
        if words:
            frames.add((words[1], _number(words[2], path, number)))
    return frames


def _number(text, path, number):
    """A frame's number; `isdecimal` alone would admit other scripts' digits."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 10):
        raise InputError(f"{path} line {number}: frame {shown(text)}; expected a whole number")
    return int(text)


def _folder(text, path, number):
    """A folder below the data set's root: a list from elsewhere must not lead out of it."""
    if text.startswith("/") or ".." in text.split("/") or "\0" in text:
        raise InputError(
            f"{path} line {number}: {shown(text)} is no folder below the data set's root"
        )
    return text

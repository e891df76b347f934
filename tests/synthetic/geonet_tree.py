"""The trees of GeoNet: image strips to train on, and snippets of true poses.

StripTree     <folder>/<frame>.jpg, the frames side by side, <frame>_cam.txt; train.txt, val.txt
SnippetTree   <folder>/<first frame>.txt, lines `time tx ty tz qx qy qz qw` from the first frame on
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from tests.synthetic import kitti_text
from tests.synthetic.files import write_text

STRIP_SIZE = (128, 416)  # pixels, height and width of each image in a strip
VAL_EVERY = 10  # one strip in so many is for validation


class StripTree:
    """One drive as GeoNet's training data, made as its preparation makes it.

    Args:
        out: folder with the lists.
        folder: name of the drive's folder.
        length: frames side by side, an odd number.
        size: height and width of each, pixels.
    """

    cameras = (2,)

    def __init__(self, out, folder, length=3, size=STRIP_SIZE):
        self.out, self.folder, self.length, self.size = Path(out), folder, length, size
        self.images = []

    def add(self, view):
        """Keep one moment's image, and write the strip that it completes."""
        self.images.append(_resized(view.frames[2].rgb, self.size))
        if len(self.images) < self.length:
            return 0
        name = f"{view.number - self.length // 2:06d}"
        strip = Image.fromarray(np.hstack(self.images))
        self.images.pop(0)
        data = io.BytesIO()
        strip.save(data, "JPEG", quality=75)
        write_text(self.out / self.folder / f"{name}_cam.txt", camera_line(view.rig, self.size))
        (self.out / self.folder / f"{name}.jpg").write_bytes(data.getvalue())
        return 2

    def finish(self):
        """Nothing is left to write."""
        return 0


def _resized(rgb, size):
    return np.asarray(Image.fromarray(rgb).resize(size[::-1], Image.Resampling.BILINEAR))


def camera_line(rig, size):
    """The camera file of a strip.

    Args:
        rig: Rig.
        size: height and width of each image in the strip, pixels.

    Returns:
        str, nine numbers.
    """
    x, y = size[1] / rig.width, size[0] / rig.height
    K = rig.K
    return f"{K[0, 0] * x:f},0.,{K[0, 2] * x:f},0.,{K[1, 1] * y:f},{K[1, 2] * y:f},0.,0.,1."


def write_strip_lists(out, folders, frames, length=3):
    """Write train.txt and val.txt.

    Args:
        out: folder.
        folders: names of the drives' folders.
        frames: of each drive.
        length: frames in a strip.

    Returns:
        2, the number of files.
    """
    half = length // 2
    lines = [f"{folder} {n:06d}\n" for folder in folders for n in range(half, frames - half)]
    validated = lines[VAL_EVERY - 1 :: VAL_EVERY]
    trained = [line for line in lines if line not in set(validated)]
    for name, part in (("train", trained), ("val", validated)):
        write_text(Path(out) / f"{name}.txt", "".join(part))
    return 2


class SnippetTree:
    """The true poses of each few frames of a drive, relative to the first of them.

    Args:
        folder: where the files go.
        length: frames of a snippet, an odd number.
    """

    cameras = ()

    def __init__(self, folder, length=3):
        self.folder, self.length = Path(folder), length
        self.poses = []

    def add(self, view):
        """Write the snippet that this moment completes."""
        self.poses.append(view.world_from_rect[1])
        if len(self.poses) < self.length:
            return 0
        snippet = np.stack(self.poses[-self.length :])
        first = view.number - self.length + 1
        seconds = [kitti_text.SECONDS * (first + step) for step in range(self.length)]
        lines = kitti_text.tum_lines(np.linalg.inv(snippet[0]) @ snippet, seconds, "%f")
        return write_text(self.folder / f"{first:06d}.txt", lines)

    def finish(self):
        """Nothing is left to write."""
        return 0

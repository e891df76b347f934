"""Cityscapes: its sequences of 30 frames at 17 per second, and the samples that they make."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np

from ..model_utils.errors import InputError, shown
from ..sfm_utils.text_files import read_lines
from .frames import Strip, names_in, windows

SPLIT = "train"
GAP = 2  # every second frame, which is near KITTI's 10 frames per second
ROWS = 171  # to which images are resized ...
KEPT = 0.75  # ... and the part that is kept of them: below is the camera's own car
_ENDING = "_leftImg8bit"
_IMAGE = re.compile(rf"(?P<stem>[^_]+_\d+)_(?P<frame>\d{{1,9}}){_ENDING}\.(png|jpg|jpeg)", re.A)
_CAMERA = re.compile(r"(?P<stem>[^_]+_\d+)_(?P<frame>\d{1,9})_camera\.json", re.A)
_NAMES = ("fx", "fy", "u0", "v0")  # of the intrinsics in a camera file


def city_strips(root: Path, length: int) -> list[Strip]:
    """The samples of the split train.

    Args:
        root: holds leftImg8bit_sequence/train/<city>/<city>_<sequence>_<frame>_leftImg8bit.png and
            camera/train/<city>/<city>_<sequence>_<frame>_camera.json.
        length: frames of a sample, odd.
    Raises:
        InputError: no images, or a camera is missing or damaged.
    """
    images = root / "leftImg8bit_sequence" / SPLIT
    found = {city: _sequences(images / city) for city in names_in(images)}
    count = sum(len(files) for city in found.values() for files in city.values())
    if not count:
        raise InputError(f"{images} holds no images of a city; check --dataset_dir")
    print(f"Total frames collected: {count}", flush=True)
    strips = []
    for city, of_city in found.items():
        cameras = _Cameras(root / "camera" / SPLIT / city)
        for stem, files in of_city.items():
            for run in windows(files, length, GAP):
                target = run[length // 2]
                name = files[target].stem.removesuffix(_ENDING)
                paths = tuple(files[number] for number in run)
                strips.append(Strip(city, name, paths, cameras.of(stem, target)))
    return strips


def _sequences(folder):
    """{<city>_<sequence>: {frame: file}} of a city."""
    found: dict[str, dict[int, Path]] = {}
    for match in filter(None, map(_IMAGE.fullmatch, names_in(folder))):
        found.setdefault(match["stem"], {})[int(match["frame"])] = folder / match[0]
    return found


class _Cameras:
    """The camera files of a city, each read once.

    Some cities have one number for all their sequences: then the file of the nearest frame counts.
    """

    def __init__(self, folder):
        self.folder, self.files, self.read = folder, {}, {}
        for match in filter(None, map(_CAMERA.fullmatch, names_in(folder))):
            self.files.setdefault(match["stem"], {})[int(match["frame"])] = match[0]

    def of(self, stem, frame):
        """K (3, 3) of a frame of a sequence."""
        files = self.files.get(stem)
        if not files:
            raise InputError(f"{self.folder}/{stem}_*_camera.json is missing; unpack the cameras")
        path = self.folder / files[min(files, key=lambda number: abs(number - frame))]
        if path not in self.read:
            self.read[path] = read_city_camera(path)
        return self.read[path]


def read_city_camera(path: Path) -> np.ndarray:
    """K, (3, 3) float64, pixels, of a camera file.

    Raises:
        InputError: missing, not JSON, or without fx, fy, u0, v0 as numbers above 0.
    """
    try:
        found = json.loads("\n".join(read_lines(path)))
    except (ValueError, RecursionError) as err:
        if isinstance(err, InputError):
            raise
        raise InputError(f"{path} is damaged: not JSON") from None
    values = found.get("intrinsic") if isinstance(found, dict) else None
    if not isinstance(values, dict) or not all(name in values for name in _NAMES):
        raise InputError(f"{path} has no intrinsic with {', '.join(_NAMES)}; unpack it again")
    for name in _NAMES:
        value = values[name]
        good = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not (good and 0 < value < 1e6):
            raise InputError(f"{path}: {name} {shown(value)}; expected pixels, above 0")
    fx, fy, cx, cy = (values[name] for name in _NAMES)
    return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]], np.float64)

"""KITTI raw and KITTI odometry: the drives that are there, and the samples that they make."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..model_utils.errors import InputError
from ..sfm_utils.calibration import CAM_TO_CAM, calibration_array, read_calibration, rectified_size
from .frames import Strip, numbered_images, windows

CAMERAS = (2, 3)  # the colour cameras; raw samples are made of both
TRAIN_SEQUENCES = range(9)  # of odometry; 09 and 10 are for tests
SEQUENCE_CAMERAS = ("image_0", "image_1", "image_2", "image_3")


@dataclass(frozen=True)
class Drive:
    """A drive of KITTI raw, or a sequence of odometry.

    Attributes:
        folder: of the drive.
        images: {name of its samples' folder: {number: file}}, one entry for each camera.
    """

    folder: Path
    images: dict[str, dict[int, Path]]

    @property
    def name(self) -> str:
        """That of the folder."""
        return self.folder.name


def raw_drives(root: Path, left_out: Collection[str]) -> tuple[list[Drive], int]:
    """The drives of KITTI raw, sorted by name, and how many were left out.

    Args:
        root: holds <date>/<drive>_sync/image_02/data/0000000000.png, image_03 or both.
        left_out: names of drives.
    Raises:
        InputError: there is no drive with images to train on.
    """
    found = sorted((path for path in root.glob("*/*_sync") if path.is_dir()), key=lambda p: p.name)
    drives = []
    for folder in found:
        if folder.name not in left_out:
            images = {
                f"{folder.name}_0{camera}": numbered_images(folder / f"image_0{camera}" / "data")
                for camera in CAMERAS
            }
            drives.append(Drive(folder, {name: files for name, files in images.items() if files}))
    drives = [drive for drive in drives if drive.images]
    tested = sum(folder.name in left_out for folder in found)
    if not drives:
        also = f" but in {tested} test drives" if tested else ""
        raise InputError(
            f"{root} holds no <date>/<drive>_sync/image_02/data with images{also}; check "
            "--dataset_dir"
        )
    return drives, tested


def raw_strips(
    drives: Collection[Drive], static: Mapping[str, Collection[int]], length: int
) -> list[Strip]:
    """The samples of KITTI raw: frames that follow each other, none of which is static.

    Args:
        drives: from `raw_drives`.
        static: {name of a drive: numbers of its frames without motion}.
        length: frames of a sample, odd.
    Raises:
        InputError: the calibration of a day is missing or damaged.
    """
    cameras, strips = {}, []
    for drive in drives:
        day, still = drive.folder.parent, static.get(drive.name, ())
        for name, files in drive.images.items():
            key = day, int(name[-1])
            if key not in cameras:
                cameras[key] = raw_camera(day / CAM_TO_CAM, key[1])
            numbers = [number for number in files if number not in still]
            strips += _strips(name, files, numbers, length, *cameras[key])
    return strips


def _strips(folder, files, numbers, length, projection, size=None):
    """The samples of one camera whose frames are among `numbers`."""
    runs = [tuple(files[number] for number in run) for run in windows(numbers, length)]
    return [Strip(folder, run[length // 2].stem, run, projection, size) for run in runs]


def raw_camera(path: Path, camera: int) -> tuple[np.ndarray, tuple[int, int] | None]:
    """P (3, 4) of a camera and the (height, width) of its images, None where the file lacks it.

    Args:
        path: calib_cam_to_cam.txt of a day of KITTI raw, or of a scene of KITTI 2015.
        camera: 2 or 3.
    Raises:
        InputError: the file or one of its numbers is missing or damaged.
    """
    found = read_calibration(path)
    projection = _projection(found, f"P_rect_0{camera}", path)
    return projection, rectified_size(found, path, camera)


def _projection(found, key, path):
    """P (3, 4) of a calibration file's lines."""
    projection = calibration_array(found, key, (3, 4), path)
    if min(projection[0, 0], projection[1, 1]) <= 0:
        raise InputError(f"{path}: {key} has no focal length above 0; take the file from KITTI")
    return projection


def sequences(root: Path, camera: str) -> list[Drive]:
    """The sequences of KITTI odometry to train on, 00 to 08.

    Args:
        root: holds sequences/00/image_2/000000.png and calib.txt.
        camera: image_2, or one of the others.
    Raises:
        InputError: none of them has images.
    """
    drives = []
    for number in TRAIN_SEQUENCES:
        folder = root / "sequences" / f"{number:02d}"
        if files := numbered_images(folder / camera):
            drives.append(Drive(folder, {folder.name: files}))
    if not drives:
        raise InputError(
            f"{root} holds no sequences/00 to 08/{camera} with images; check --dataset_dir"
        )
    return drives


def sequence_strips(drives: Collection[Drive], camera: str, length: int) -> list[Strip]:
    """The samples of KITTI odometry.

    Args:
        drives: from `sequences`.
        camera: whose images they hold.
        length: frames of a sample, odd.
    Raises:
        InputError: a calib.txt is missing or damaged.
    """
    strips = []
    for drive in drives:
        path = drive.folder / "calib.txt"
        projection = _projection(read_calibration(path), f"P{camera[-1]}", path)
        for name, files in drive.images.items():
            strips += _strips(name, files, files, length, projection)
    return strips

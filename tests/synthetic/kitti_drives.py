"""Rendered drives of KITTI's car, and the trees that one rendering can be written to.

A tree takes one View after the other by add(view), and writes its text files by finish(); both
return how many files that made.

RawTree        <date>/<drive>/{image_02,image_03,velodyne_points,oxts}/..., and where asked for
               <date>/<drive>/proj_depth/groundtruth/{image_02,image_03}/*.png
OdometryTree   sequences/<NN>/{image_0,image_2,image_3}/*.png, calib.txt, times.txt; poses/<NN>.txt
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from tests.synthetic import kitti_text
from tests.synthetic.drives import drive
from tests.synthetic.files import quantized, write_image, write_text
from tests.synthetic.render import render
from tests.synthetic.scanner import scan
from tests.synthetic.sensors import laser

METRES = 1.05  # the most that a frame drives, on average, at the usual speed


@dataclass(frozen=True)
class View:
    """What the car's sensors see at one moment.

    Attributes:
        number: of the frame.
        rig: Rig.
        scene: Scene, placed at that moment.
        world_from_rect: three (4, 4) poses of rectified camera 0: a frame earlier, now, later.
        cameras: Camera by number.
        frames: Frame by the camera's number.
    """

    number: int
    rig: object
    scene: object
    world_from_rect: tuple
    cameras: dict
    frames: dict


def views(seed, rig, numbers, cameras=(2, 3), speed=1.0):
    """Render a drive.

    Args:
        seed: whole number or sequence of them.
        rig: Rig.
        numbers: frame numbers, from 0.
        cameras: which of the rig's cameras.
        speed: as drive() takes it.

    Yields:
        View.
    """
    scene, ego = drive(seed, speed * METRES * (max(numbers) + 1), speed)
    for number in numbers:
        poses = tuple(ego.pose(max(number + shift, 0)) for shift in (-1, 0, 1))
        seen = {index: rig.camera(index, poses[1]) for index in cameras}
        frames = {index: render(scene, camera, time=number) for index, camera in seen.items()}
        yield View(number, rig, scene.at(number), poses, seen, frames)


def write_drive(seed, rig, frames, trees, speed=1.0):
    """Render a drive once, for all trees.

    Args:
        seed: whole number or sequence of them.
        rig: Rig.
        frames: how many.
        trees: RawTree and the like.
        speed: as drive() takes it.

    Returns:
        Number of files written.
    """
    cameras = sorted({index for tree in trees for index in tree.cameras})
    seen = views(seed, rig, range(frames), cameras, speed)
    written = sum(tree.add(view) for view in seen for tree in trees)
    return written + sum(tree.finish() for tree in trees)


class RawTree:
    """One drive of the raw data.

    Args:
        out: folder above the dates.
        name: of the drive, `<date>_drive_<NNNN>_sync`.
        extension: "png" or "jpg".
        laser: rays of a beam in one turn; 0 leaves the scanner out.
        annotated: numbers of the frames that get depth maps as the depth benchmark's.
    """

    cameras = (2, 3)

    def __init__(self, out, name, extension, laser, annotated=()):
        self.date = name.partition("_drive")[0]
        self.folder = Path(out) / self.date / name
        self.extension, self.laser, self.annotated = extension, laser, annotated
        self.count = 0

    def add(self, view):
        """Write one moment's images, cloud, oxts record and depth maps."""
        stem = f"data/{view.number:010d}"
        for index in self.cameras:
            path = self.folder / f"image_{index:02d}" / f"{stem}.{self.extension}"
            write_image(path, view.frames[index].rgb)
        imu = [kitti_text.world_from_imu(view.rig, pose) for pose in view.world_from_rect]
        write_text(self.folder / "oxts" / f"{stem}.txt", kitti_text.oxts_line(*imu))
        self.count += 1
        maps = self._annotate(view) if view.number in self.annotated else 0
        if not self.laser:
            return 3 + maps
        pose = view.world_from_rect[1] @ view.rig.rect_from_scanner
        path = self.folder / "velodyne_points" / f"{stem}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(scan(view.scene, pose, self.laser).astype("<f4").tobytes())
        return 4 + maps

    def _annotate(self, view):
        folder = self.folder / "proj_depth" / "groundtruth"
        for index in self.cameras:
            rng = np.random.default_rng((view.number, index))
            depth = quantized(laser(view.frames[index].depth, rng), 256, np.uint16)
            write_image(folder / f"image_{index:02d}" / f"{view.number:010d}.png", depth)
        return len(self.cameras)

    def finish(self):
        """Write each sensor's timestamps."""
        sensors = {"image_02/timestamps": 0.0, "image_03/timestamps": 0.0, "oxts/timestamps": 0.001}
        if self.laser:
            clouds = {"timestamps": 0.0, "timestamps_start": -0.051, "timestamps_end": 0.051}
            sensors.update({f"velodyne_points/{name}": at for name, at in clouds.items()})
        for name, shift in sensors.items():
            lines = kitti_text.timestamp_lines(self.date, self.count, shift)
            write_text(self.folder / f"{name}.txt", lines)
        write_text(self.folder / "oxts" / "dataformat.txt", kitti_text.data_format())
        return len(sensors) + 1


class OdometryTree:
    """One sequence of the odometry benchmark.

    Args:
        out: folder above `sequences` and `poses`.
        sequence: its number.
        cameras: which images: 0 is the grey left one, 2 and 3 the colour pair.
    """

    def __init__(self, out, sequence, cameras=(0, 2, 3)):
        self.out, self.name, self.cameras = Path(out), f"{sequence:02d}", cameras
        self.folder = self.out / "sequences" / self.name
        self.poses = []

    def add(self, view):
        """Write one moment's images."""
        for index in self.cameras:
            rgb = view.frames[index].rgb
            image = rgb if index > 1 else cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
            write_image(self.folder / f"image_{index}" / f"{view.number:06d}.png", image)
        self.poses.append(view.world_from_rect[1])
        self.rig = view.rig
        return len(self.cameras)

    def finish(self):
        """Write calibration, times and poses."""
        write_text(self.folder / "calib.txt", kitti_text.odometry_calibration(self.rig))
        write_text(self.folder / "times.txt", kitti_text.time_lines(len(self.poses)))
        poses = kitti_text.pose_lines(np.stack(self.poses))
        return 2 + write_text(self.out / "poses" / f"{self.name}.txt", poses)

"""What the tests read KITTI's trees with: by other means than those that wrote them."""

import cv2
import numpy as np

from tests.synthetic.drives import drive
from tests.synthetic.kitti_drives import METRES
from tests.synthetic.kitti_rig import rig
from tests.synthetic.render import render

FRAMES, HEIGHT, LASER = 14, 75, 240
SMALL = ["--frames", str(FRAMES), "--height", str(HEIGHT), "--workers", "1"]
FIRST, SECOND = "2011_09_26_drive_0001_sync", "2011_09_28_drive_0002_sync"


def files_below(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def read(path):
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    return image[..., ::-1] if image.ndim == 3 else image


def read_keys(path):
    """A calibration file as arrays by key."""
    pairs = [line.split(": ", 1) for line in path.read_text().splitlines()]
    return {
        key: value if key == "calib_time" else np.array(value.split(), float)
        for key, value in pairs
    }


def transform(keys):
    matrix = np.eye(4)
    matrix[:3] = np.column_stack([keys["R"].reshape(3, 3), keys["T"]])
    return matrix


def seen(seed, camera, frame, date):
    scene, ego = drive(seed, METRES * FRAMES)
    camera = rig(date, HEIGHT).camera(camera, ego.pose(frame))
    return camera, render(scene, camera, time=frame)


def read_poses(path):
    rows = np.loadtxt(path).reshape(-1, 3, 4)
    return np.concatenate([rows, np.tile([[[0, 0, 0, 1]]], (len(rows), 1, 1))], axis=1)

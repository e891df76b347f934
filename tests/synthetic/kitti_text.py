"""KITTI's text files: calibration, oxts, timestamps, and what the odometry benchmark adds."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
from scipy.spatial.transform import Rotation

from tests.synthetic.kitti_rig import ASIDE, RECTIFIED

SECONDS = 0.1036  # between two frames
EARTH = 6378137.0  # metres, radius
ORIGIN = (49.011212804408, 8.4228850417969)  # latitude and longitude of the world's origin, degrees
ALTITUDE = 112.8  # metres
ENU_FROM_WORLD = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])  # east, north, up from x, y, z
# fmt: off
OXTS_FIELDS = (
    "lat", "lon", "alt", "roll", "pitch", "yaw",
    "vn", "ve", "vf", "vl", "vu",
    "ax", "ay", "az", "af", "al", "au",
    "wx", "wy", "wz", "wf", "wl", "wu",
    "pos_accuracy", "vel_accuracy", "navstat", "numsats", "posmode", "velmode", "orimode",
)
# fmt: on


def numbers(values, form="%e"):
    """Numbers as KITTI writes them.

    Args:
        values: array.
        form: of one number.

    Returns:
        str, row by row, divided by blanks.
    """
    return " ".join(form % value for value in np.ravel(values))


def calibration_texts(rig):
    """The three calibration files of a date.

    Args:
        rig: Rig.

    Returns:
        dict of file name to text, with every key of the real files.
    """
    time = f"{datetime.strptime(rig.date, '%Y_%m_%d'):%d-%b-%Y} 13:45:00"
    scanner, imu = rig.camera_from_scanner, rig.scanner_from_imu
    to_camera = [("calib_time", time), ("R", scanner[:3, :3]), ("T", scanner[:3, 3])]
    to_camera += [("delta_f", (0.0, 0.0)), ("delta_c", (0.0, 0.0))]
    to_scanner = [("calib_time", time), ("R", imu[:3, :3]), ("T", imu[:3, 3])]
    return {
        "calib_cam_to_cam.txt": _keyed([("calib_time", time), *_camera_keys(rig)]),
        "calib_velo_to_cam.txt": _keyed(to_camera),
        "calib_imu_to_velo.txt": _keyed(to_scanner),
    }


def _keyed(pairs):
    lines = [(key, value if isinstance(value, str) else numbers(value)) for key, value in pairs]
    return "".join(f"{key}: {value}\n" for key, value in lines)


def _camera_keys(rig):
    """What calib_cam_to_cam.txt says of the distances and of each camera, raw and rectified."""
    yield "corner_dist", [0.0995]
    focal = 1.36 * RECTIFIED[rig.date][2]
    for index in range(4):
        raw = [focal + index, 0, 690 - index, 0, focal + index, 250 - index, 0, 0, 1]
        yield f"S_{index:02d}", (1392, 512)
        yield f"K_{index:02d}", raw
        yield f"D_{index:02d}", (-0.37, 0.2, 0.001, 0.002, -0.07)
        yield f"R_{index:02d}", np.eye(3)
        yield f"T_{index:02d}", (-ASIDE[index], 0.0, 0.0)
        yield f"S_rect_{index:02d}", (rig.width, rig.height)
        # Each camera has its own; what the cloud is projected with is that of camera 0.
        tilt = Rotation.from_euler("y", 0.001 * index).as_matrix()
        yield f"R_rect_{index:02d}", rig.R_rect @ tilt
        yield f"P_rect_{index:02d}", rig.P_rect[index]


def odometry_calibration(rig):
    """calib.txt of a sequence.

    Args:
        rig: Rig.

    Returns:
        str: P0 to P3, and Tr, rectified camera 0 from scanner.
    """
    keys = [(f"P{index}", rig.P_rect[index]) for index in range(4)]
    return _keyed([*keys, ("Tr", rig.rect_from_scanner[:3])])


def pose_lines(world_from_camera):
    """Poses relative to the first one, as poses/NN.txt has them.

    Args:
        world_from_camera: (n, 4, 4) metres.

    Returns:
        str, a line of 12 numbers for each.
    """
    first = np.linalg.inv(world_from_camera[0])
    return "".join(numbers((first @ pose)[:3]) + "\n" for pose in world_from_camera)


def tum_lines(world_from_camera, seconds, form="%.6f"):
    """Poses as the TUM benchmark writes them.

    Args:
        world_from_camera: (n, 4, 4) metres.
        seconds: (n,) time of each.
        form: of one number.

    Returns:
        str, a line `time tx ty tz qx qy qz qw` for each.
    """
    quaternions = Rotation.from_matrix(world_from_camera[:, :3, :3]).as_quat()
    quaternions *= np.where(quaternions[:, 3:] < 0, -1, 1)
    rows = np.column_stack([seconds, world_from_camera[:, :3, 3], quaternions])
    return "".join(numbers(row, form) + "\n" for row in rows)


def time_lines(count):
    """times.txt of a sequence.

    Args:
        count: frames.

    Returns:
        str, seconds since the first frame.
    """
    return "".join(f"{SECONDS * index:e}\n" for index in range(count))


def timestamp_lines(date, count, shift=0.0):
    """timestamps.txt of a sensor.

    Args:
        date: as in the folder names.
        count: frames.
        shift: seconds after the cameras' trigger.

    Returns:
        str, one line per frame, to the nanosecond.
    """
    start = datetime.strptime(date, "%Y_%m_%d") + timedelta(hours=13, minutes=2, seconds=25 + shift)
    moments = (start + timedelta(seconds=SECONDS * index) for index in range(count))
    return "".join(f"{moment:%Y-%m-%d %H:%M:%S.%f}000\n" for moment in moments)


def data_format():
    """dataformat.txt beside the oxts records.

    Returns:
        str, one line per field.
    """
    return "".join(f"{name}:  field {index}\n" for index, name in enumerate(OXTS_FIELDS, start=1))


def oxts_line(before, now, after):
    """One oxts record: where the IMU is, and how it moves.

    Args:
        before: (4, 4) `world_from_imu` one frame earlier.
        now: (4, 4).
        after: (4, 4) one frame later.

    Returns:
        str, 30 numbers.
    """
    east, north, up = ENU_FROM_WORLD @ now[:3, 3]
    # Mercator at the origin's latitude, as KITTI's development kit reads it.
    scale = np.cos(np.radians(ORIGIN[0]))
    lon = ORIGIN[1] + np.degrees(east / (scale * EARTH))
    start = np.log(np.tan(np.radians(90 + ORIGIN[0]) / 2))
    lat = np.degrees(2 * np.arctan(np.exp(start + north / (scale * EARTH)))) - 90
    R = ENU_FROM_WORLD @ now[:3, :3]
    yaw, pitch, roll = Rotation.from_matrix(R).as_euler("ZYX")
    velocity = ENU_FROM_WORLD @ (after - before)[:3, 3] / (2 * SECONDS)
    gain = ENU_FROM_WORLD @ (after - 2 * now + before)[:3, 3] / SECONDS**2 + (0, 0, 9.81)
    rate = Rotation.from_matrix(before[:3, :3].T @ after[:3, :3]).as_rotvec() / (2 * SECONDS)
    body, pull = R.T @ velocity, R.T @ gain
    moving = [velocity[1], velocity[0], *body, *pull, *pull, *rate, *rate]
    values = numbers([lat, lon], "%.13f"), numbers([ALTITUDE + up, roll, pitch, yaw], "%.9f")
    return f"{' '.join(values)} {numbers(moving, '%.9f')} 0.05 0.02 4 10 4 4 6\n"


def world_from_imu(rig, world_from_rect):
    """The IMU's pose.

    Args:
        rig: Rig.
        world_from_rect: (4, 4) pose of rectified camera 0.

    Returns:
        (4, 4) with an exact rotation: the files' seven digits leave it a hair off.
    """
    pose = world_from_rect @ rig.rect_from_imu
    pose[:3, :3] = Rotation.from_matrix(pose[:3, :3]).as_matrix()
    return pose

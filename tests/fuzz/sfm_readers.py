"""What the models of video read: src/sfm_utils, KITTI, trajectories, flow, own footage."""

import functools

import cv2
import numpy as np
from PIL import Image

from monodepth2.src.model_utils import errors, media
from monodepth2.src.sfm_utils import (
    calibration,
    flow_evaluation,
    flow_files,
    footage,
    frame_selection,
    intrinsics,
    lists,
    results,
    rotations,
    snippets,
    trajectories,
    velodyne,
)
from tests.fuzz.children import Reader
from tests.fuzz.image_readers import photo

ERRORS = (errors.InputError, errors.RunError)
_DRIVE = "2011_09_26/2011_09_26_drive_0001_sync"
_CAMERAS = """calib_time: 09-Jan-2012 13:57:47
corner_dist: 9.950000e-02
S_rect_02: 6.000000e+01 2.000000e+01
R_rect_00: 9.999e-01 9.8e-03 -7.4e-03 -9.8e-03 9.999e-01 -4.2e-03 7.4e-03 4.3e-03 9.999e-01
P_rect_02: 4.0e+01 0.0e+00 3.0e+01 4.4e+01 0.0e+00 4.0e+01 1.0e+01 2.1e-01 0.0 0.0 1.0 2.7e-03
P_rect_03: 4.0e+01 0.0e+00 3.0e+01 -3.3e+02 0.0e+00 4.0e+01 1.0e+01 2.1e-01 0.0 0.0 1.0 2.7e-03
"""
_VELODYNE = """calib_time: 15-Mar-2012 11:37:16
R: 7.5e-03 -9.999e-01 -6.1e-04 1.4e-02 7.2e-04 -9.998e-01 9.998e-01 7.5e-03 1.4e-02
T: -4.069766e-03 -7.631618e-02 -2.717806e-01
"""
_ODOMETRY = "".join(
    f"{key}: 7.18e+02 0.0e+00 6.07e+02 -3.8e+02 0.0 7.18e+02 1.85e+02 0.0 0.0 0.0 1.0 0.0\n"
    for key in ("P0", "P1", "P2", "P3", "Tr")
)


def _write_day(folder):
    (folder / calibration.CAM_TO_CAM).write_text(_CAMERAS)
    (folder / calibration.VELO_TO_CAM).write_text(_VELODYNE)
    points = np.random.default_rng(0).random((200, 4), np.float32)
    (points * (40, 20, 4, 1) - (4, 10, 2, 0)).astype("<f4").tofile(folder / "scan.bin")


def _depth_map(folder, file):
    day = calibration.read_raw_calibration(folder)
    for depth in velodyne.DEPTHS:
        velodyne.velodyne_depth_map(day, folder / "scan.bin", 2, depth)


def _write_lists(folder):
    lines = "".join(f"{_DRIVE} {index} {side}\n" for index in range(9) for side in "lr")
    (folder / "split.txt").write_text(lines)
    (folder / "images.txt").write_text(f"{_DRIVE}/image_02/data/0000000069.png\n" * 9)
    (folder / "static.txt").write_text("2011_09_26 2011_09_26_drive_0009_sync 0000000386\n" * 9)


def _path(count=6):
    """world_from_camera of a drive that turns."""
    steps = np.tile([0.1, 0, 1.0, 0, 0.1, 0], (count - 1, 1))
    return rotations.cumulative_poses(rotations.pose_from_vector(steps))


def _write_poses(folder):
    trajectories.write_kitti_poses(folder / "09.txt", _path())
    (folder / "times.txt").write_text("".join(f"{index / 10:e}\n" for index in range(6)))
    times = np.arange(6) / 10
    trajectories.write_tum(folder / "tum.txt", trajectories.Trajectory(times, _path()))


def _score(folder, file):
    truth = trajectories.read_kitti_poses(folder / "09.txt", 6)
    trajectories.read_times(folder / "times.txt", 6)
    found = trajectories.read_tum(folder / "tum.txt").world_from_camera
    if len(found) == len(truth):
        trajectories.score_trajectory(truth, found)


def _write_snippets(folder):
    for name in ("target", "predicted"):
        snippets.write_snippet(folder / name / "000000.txt", np.arange(5) / 10, _path(5))


def _write_flow(folder):
    flow = np.float32(photo()[..., :2]) / 8 - 10
    flow_files.write_flo(folder / "flow.flo", flow)
    flow_files.write_flow_png(folder / "flow.png", flow)


def _read_flow(folder, file):
    if file.suffix == ".png":
        flow, valid = flow_files.read_flow_png(file)
    else:
        flow = flow_files.read_flo(file)
        valid = np.ones(flow.shape[:2], bool)
    flow_files.flow_colors(flow)
    flow_evaluation.score_flow(np.zeros((4, 4, 2)), flow, valid, file.name)


def _write_intrinsics(folder):
    camera = intrinsics.Intrinsics(60.0, 60.0, 27.5, 19.5, 56, 40)
    intrinsics.write_intrinsics(folder / "camera.json", camera)
    (folder / "camera.txt").write_text("60.0 60.0 27.5 19.5 56 40\n")


def _write_photos(folder):
    for index in range(4):
        image = Image.fromarray(np.roll(photo(), 2 * index, 1))
        tags = image.getexif()
        tags[0x0112] = 1
        tags.get_ifd(0x8769)[0xA405] = 27
        image.save(folder / f"{index:06}.jpg", exif=tags)


def _write_videos(folder):
    for name, code in (("clip.avi", "MJPG"), ("clip.mp4", "mp4v")):
        writer = cv2.VideoWriter(str(folder / name), cv2.VideoWriter_fourcc(*code), 10, (56, 40))
        for index in range(6):
            writer.write(np.roll(photo(), 2 * index, 1))
        writer.release()


def _select(path):
    frames = footage.Footage(path).frames()
    frame_selection.select_frames(frames, name=path.name)


def _folder_of_photos(folder, file):
    try:
        _select(folder)
    except errors.InputError as err:
        # A folder may have lost an image; then no single file is to blame.
        raise errors.InputError(f"{file.name}: {err}") from None


class _Predictor:
    """Brightness in place of a network."""

    batch_size = 2

    def batch(self, images):
        return [image.mean(2, dtype=np.float32) + 1 for image in images]


def _write_photos_and_videos(folder):
    _write_photos(folder)
    _write_videos(folder)


def _points(folder, file):
    camera = intrinsics.Intrinsics(60.0, 60.0, 27.5, 19.5, 56, 40)
    media.predict_all(
        _Predictor(),
        kind="depth",
        input_path=str(file),
        output_path=folder / "out",
        formats=["ply"],
        make_job=functools.partial(results.DepthJob, camera=camera),
    )


def _reader(write, targets, read):
    return Reader(write, targets, read, ERRORS)


READERS = {
    "calibration of KITTI raw": _reader(_write_day, ("calib_*.txt",), _depth_map),
    "laser scan": _reader(_write_day, ("scan.bin",), _depth_map),
    "calibration of KITTI odometry": _reader(
        lambda folder: (folder / "calib.txt").write_text(_ODOMETRY) and None,
        ("calib.txt",),
        lambda folder, file: calibration.read_odometry_calibration(file),
    ),
    "split list": _reader(
        _write_lists, ("split.txt",), lambda folder, file: lists.read_split(file)
    ),
    "list of images": _reader(
        _write_lists, ("images.txt",), lambda folder, file: lists.read_image_list(file)
    ),
    "list of static frames": _reader(
        _write_lists, ("static.txt",), lambda folder, file: lists.read_static_frames(file)
    ),
    "poses and times": _reader(_write_poses, ("*.txt",), _score),
    "snippets": _reader(
        _write_snippets,
        ("*/*.txt",),
        lambda folder, file: snippets.evaluate_snippet_files(
            folder / "target", folder / "predicted"
        ),
    ),
    "flow": _reader(_write_flow, ("*",), _read_flow),
    "intrinsics": _reader(
        _write_intrinsics, ("*",), lambda folder, file: intrinsics.read_intrinsics(file)
    ),
    "intrinsics of a photo": _reader(
        _write_photos, ("000000.jpg",), lambda folder, file: intrinsics.read_exif_intrinsics(file)
    ),
    "folder of frames": _reader(_write_photos, ("*.jpg",), _folder_of_photos),
    "points of photos and videos": _reader(
        _write_photos_and_videos, ("000000.jpg", "clip.*"), _points
    ),
    "video of frames": _reader(_write_videos, ("*",), lambda folder, file: _select(file)),
}

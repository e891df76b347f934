"""KITTI's scene flow benchmark of 2015 with its multi-view extension.

data_scene_flow/training/{image_2,image_3}/<n>_{10,11}.png
data_scene_flow/training/{disp_noc_0,disp_occ_0,disp_noc_1,disp_occ_1,flow_noc,flow_occ,obj_map}/
data_scene_flow_multiview/training/{image_2,image_3}/<n>_{00..20}.png
data_scene_flow_calib/training/{calib_cam_to_cam,calib_velo_to_cam,calib_imu_to_velo}/<n>.txt
lists/test_files_stereo.txt                                        GeoNet's

The truth is that of frame 10 and its motion to frame 11: noc holds what is seen in the other image
too, occ also what is hidden there or out of sight. Unlike the real one it is dense.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.synthetic import kitti_text
from tests.synthetic.files import Plan, quantized, write_image, write_text
from tests.synthetic.kitti_drives import views
from tests.synthetic.kitti_rig import rig
from tests.synthetic.motion import disparity, flow_between, moved_points, object_map

LAST = 20  # of the multi-view frames
REFERENCE = 10  # the frame with ground truth
BEGIN = (24, 2)  # of odd and even scenes in the drive: the camera drives, the camera waits
DATES = ("2011_09_26", "2011_09_28", "2011_09_29", "2011_10_03")  # those of the benchmark
FOLDERS = ("data_scene_flow", "data_scene_flow_multiview", "data_scene_flow_calib", "lists")


def plan_scene_flow(out, seed, scenes, height, speed):
    """Plan KITTI's scene flow benchmark of 2015, with the multi-view extension.

    Args:
        out: folder.
        seed: whole number.
        scenes: how many.
        height: pixels of the first date's images.
        speed: percent of the usual one.

    Returns:
        Plan.
    """
    jobs = [(_write_scene, (out, seed, index, height, speed / 100)) for index in range(scenes)]
    lines = "".join(f"training/image_2/{index:06d}_10.png\n" for index in range(scenes))
    jobs.append((write_text, (Path(out) / "lists" / "test_files_stereo.txt", lines)))
    return Plan(FOLDERS, jobs)


def scene_views(seed, index, height, speed=1.0):
    """Render the frames of one scene.

    Args:
        seed: whole number.
        index: of the scene.
        height: pixels of the first date's images.
        speed: as drives.drive() takes it.

    Returns:
        Iterator of View.
    """
    begin = BEGIN[index % len(BEGIN)]
    calibration = rig(DATES[index % len(DATES)], height)
    numbers = range(begin, begin + LAST + 1)
    return views((seed, 35, index), calibration, numbers, speed=speed)


def _write_scene(out, seed, index, height, speed):
    flow, multiview, calib, _ = (Path(out) / name for name in FOLDERS)
    pair = []
    for number, view in enumerate(scene_views(seed, index, height, speed)):
        name = f"{index:06d}_{number:02d}.png"
        for camera in (2, 3):
            path = f"training/image_{camera}/{name}"
            write_image(multiview / path, view.frames[camera].rgb)
            if number in (REFERENCE, REFERENCE + 1):
                write_image(flow / path, view.frames[camera].rgb)
        if number in (REFERENCE, REFERENCE + 1):
            pair.append(view)
    maps = truth(*pair)
    for kind, image in maps.items():
        write_image(flow / "training" / kind / f"{index:06d}_10.png", image)
    texts = kitti_text.calibration_texts(pair[0].rig)
    for file, text in texts.items():
        write_text(calib / "training" / Path(file).stem / f"{index:06d}.txt", text)
    return 2 * (LAST + 1) + 4 + len(maps) + len(texts)


def truth(here, there):
    """The benchmark's maps of one moment and the motion to the next.

    Args:
        here: View.
        there: View, the next one.

    Returns:
        dict of folder to image: disparity uint16, 256 per pixel, 0 for none; flow (H, W, 3) uint16
        as KITTI's PNG files hold it; obj_map uint8, 0 for what is fixed.
    """
    rig, eye = here.rig, (here.cameras[2], here.frames[2])
    depth = here.frames[2].depth
    points = moved_points(*eye, there.cameras[2], there.frames[2])
    known = depth > 0
    ahead = known & (points[2] > 0.1)
    later = np.where(ahead, points[2], 0)
    flow, landed = _flow(here.cameras[2], points, ahead)
    _, _, seen = flow_between(*eye, there.cameras[2], there.frames[2])
    _, _, by_right = flow_between(*eye, here.cameras[3], here.frames[3])
    _, _, by_right_later = flow_between(*eye, there.cameras[3], there.frames[3])
    disparities = [disparity(z, rig.K[0, 0], rig.baseline) for z in (depth, later)]
    stored = [quantized(values, 256, np.uint16) for values in disparities]
    return {
        "disp_occ_0": stored[0],
        "disp_noc_0": np.where(by_right, stored[0], 0).astype(np.uint16),
        "disp_occ_1": stored[1],
        "disp_noc_1": np.where(seen & by_right_later, stored[1], 0).astype(np.uint16),
        "flow_occ": flow_image(flow, landed),
        "flow_noc": flow_image(flow, landed & seen),
        "obj_map": (object_map(here.frames[2]) + 1).astype(np.uint8),
    }


def _flow(camera, points, ahead):
    """Flow (H, W, 2) to the places that points (3, H, W) take in a camera, and where it is known.

    Unlike flow_between's it is known outside the image too, as far as KITTI's files can say.
    """
    x, y, z = np.tensordot(camera.K, points, 1)
    v, u = np.mgrid[: camera.height, : camera.width]
    z = np.where(ahead, z, 1)
    flow = np.stack([x / z - u, y / z - v], axis=-1)
    return flow, ahead & (np.abs(flow) < 511).all(axis=-1)


def flow_image(flow, valid):
    """Flow as KITTI's PNG files hold it.

    Args:
        flow: (H, W, 2) pixels.
        valid: (H, W) bool.

    Returns:
        (H, W, 3) uint16: u and v times 64 plus 2 ** 15, and 1; all 0 where not valid.
    """
    stored = quantized(flow + 2.0**9, 64, np.uint16)
    return np.where(
        valid[..., None], np.dstack([stored, np.ones_like(valid, np.uint16)]), 0
    ).astype(np.uint16)

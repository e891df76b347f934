"""The files that the original's evaluation read, written to disk from the goldens."""

import json

import numpy as np
from PIL import Image

from tests.golden_files import golden_dir

ARRAYS = golden_dir("geonet") / "kitti_eval.npz"
EXPECTED = json.loads((golden_dir("geonet") / "kitti_eval.json").read_text())
SCENES = range(3)


def arrays(*names):
    """Arrays of the goldens."""
    with np.load(ARRAYS) as golden:
        return [golden[name] for name in names]


def _write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())


def write_eigen(folder):
    """KITTI raw of two test frames, kitti/; the list, lists/test_files_eigen.txt; pred.npy."""
    expected, names = EXPECTED["depth_eigen"], EXPECTED["depth_eigen"]["test_files"]
    for number, name in enumerate(names):
        image = folder / "kitti" / name
        image.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", expected["image_size_hw"][::-1], (60, 90, 30 + number)).save(image)
        scan = image.parents[2] / "velodyne_points" / "data" / f"{image.stem}.bin"
        _write(scan, arrays(f"depth_velo{number}")[0].astype("<f4").tobytes())
    for kind in ("cam2cam", "velo2cam"):
        name = {"cam2cam": "calib_cam_to_cam.txt", "velo2cam": "calib_velo_to_cam.txt"}[kind]
        _write(folder / "kitti" / "2011_09_26" / name, expected[f"{kind}_txt"])
    _write(folder / "lists" / "test_files_eigen.txt", "".join(f"{name}\n" for name in names))
    np.save(folder / "pred.npy", arrays("depth_pred")[0])
    return folder


def write_stereo(folder):
    """The stereo data of three scenes, kitti/training/disp_noc_0; pred.npy."""
    for scene in SCENES:
        png = arrays(f"stereo_gt_png{scene}")[0].tobytes()
        _write(folder / "kitti" / "training" / "disp_noc_0" / f"{scene:06d}_10.png", png)
    np.save(folder / "pred.npy", arrays("stereo_pred")[0])
    return folder


def write_flow(folder):
    """True flow of three scenes, kitti/training/flow_*; predictions, pred/png."""
    for scene in SCENES:
        for kind in ("noc", "occ"):
            path = folder / "kitti" / "training" / f"flow_{kind}" / f"{scene:06d}_10.png"
            _write(path, arrays(f"flow_gt_{kind}_png{scene}")[0].tobytes())
        path = folder / "pred" / "png" / f"{scene:06d}.png"
        _write(path, arrays(f"flow_pred_png{scene}")[0].tobytes())
    return folder


def write_snippets(true_folder, predicted_folder, length):
    """True and predicted snippets."""
    for name, text in EXPECTED["odom"]["snippets"][str(length)].items():
        _write(true_folder / name, text)
    for name, text in EXPECTED["ate"][str(length)]["pred_snippets"].items():
        _write(predicted_folder / name, text)


def write_odometry(folder):
    """Poses and times of sequence 09, without images."""
    _write(folder / "poses" / "09.txt", EXPECTED["odom"]["poses_txt"])
    _write(folder / "sequences" / "09" / "times.txt", EXPECTED["odom"]["times_txt"])
    return folder

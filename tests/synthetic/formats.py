"""The data sets that the command line can write, with their options."""

from __future__ import annotations

from pathlib import Path

from tests.synthetic import writers_midas, writers_nyu, writers_video
from tests.synthetic.files import Plan


def _size(height, width):
    return {"height": (8, height, "pixels"), "width": (8, width, "pixels")}


def plan_midas(out, seed, train, test, height, width):
    """Plan all that MiDaS needs, in the tree of its config.yaml: ReDWeb and six data sets in data/.

    Args:
        out: folder; `train_data_dir` for MiDaS.
        seed: whole number.
        train: ReDWeb pictures.
        test: pictures of each data set for evaluation.
        height: pixels, of all pictures.
        width: pixels, of all pictures.

    Returns:
        Plan.
    """
    size = (height, width)
    data = Path(out) / "data"
    scenes = min(test, 2)
    frames = -(-test // max(scenes, 1))
    plans = [
        writers_midas.plan_redweb(out, seed, train, *size),
        writers_video.plan_tum(data / "TUM", seed, scenes, frames, *size),
        writers_video.plan_sintel(data / "sintel" / "sintel-data", seed, scenes, frames, *size),
        writers_video.plan_kitti(data / "Kitti_raw_data", seed, scenes, frames, *size),
        writers_midas.plan_eth3d(data / "ETH3D" / "ETH3D-data", seed, scenes, frames, *size),
        writers_midas.plan_diw(data / "DIW", seed, test, *size),
        writers_midas.plan_nyu_mat(data / "NYU", seed, test, test, *size),
    ]
    return Plan((*plans[0].entries, "data"), [job for plan in plans for job in plan.jobs])


# name -> planner, its options: smallest value, default, meaning
FORMATS = {
    "nyu": (
        writers_nyu.plan,
        {
            "train": (0, 48, "training pictures"),
            "test": (0, 12, "test pictures"),
            "per_scene": (1, 2, "training pictures in a room"),
            **_size(480, 640),
        },
    ),
    "midas": (
        plan_midas,
        {
            "train": (1, 32, "ReDWeb pictures"),
            "test": (1, 4, "pictures of each data set for evaluation"),
            **_size(240, 320),
        },
    ),
    "redweb": (writers_midas.plan_redweb, {"images": (1, 32, "pictures"), **_size(384, 512)}),
    "sintel": (
        writers_video.plan_sintel,
        {
            "scenes": (1, 2, "scenes"),
            "frames": (1, 4, "pictures a scene"),
            **_size(436, 1024),
        },
    ),
    "tum": (
        writers_video.plan_tum,
        {
            "sequences": (1, 2, "sequences"),
            "frames": (1, 4, "pictures with depth a sequence"),
            **_size(480, 640),
        },
    ),
    "kitti": (
        writers_video.plan_kitti,
        {
            "drives": (1, 2, "drives"),
            "frames": (1, 4, "pictures a drive"),
            **_size(375, 1242),
        },
    ),
    "kitti_raw": (
        writers_video.plan_kitti_raw,
        {
            "drives": (1, 2, "drives"),
            "frames": (1, 4, "pictures with depth a drive"),
            **_size(375, 1242),
        },
    ),
    "diw": (writers_midas.plan_diw, {"images": (1, 8, "pictures"), **_size(320, 480)}),
    "eth3d": (
        writers_midas.plan_eth3d,
        {
            "scenes": (1, 2, "scenes"),
            "images": (1, 2, "pictures a scene"),
            **_size(672, 1008),
        },
    ),
    "nyu_mat": (
        writers_midas.plan_nyu_mat,
        {
            "images": (1, 8, "pictures"),
            "test": (0, 4, "how many of them are test pictures"),
            **_size(480, 640),
        },
    ),
}

"""The data sets that the command line can write, with their options."""

from __future__ import annotations

from pathlib import Path

from tests.synthetic import (
    writers_flow,
    writers_footage,
    writers_geonet,
    writers_kitti,
    writers_midas,
    writers_nyu,
    writers_video,
)
from tests.synthetic.files import Plan


def _size(height, width):
    return {"height": (8, height, "pixels"), "width": (8, width, "pixels")}


def plan_midas(out, seed, train, test, height, width, scenes="all"):
    """Plan all that MiDaS needs, in the tree of its config.yaml: ReDWeb and six data sets in data/.

    With streets alone there are two data sets, Kitti and ETH3D, each image of another street.

    Args:
        out: folder; `train_data_dir` for MiDaS.
        seed: whole number.
        train: ReDWeb images.
        test: images of each data set for evaluation.
        height: pixels, of all images.
        width: pixels, of all images.
        scenes: "all" or "streets".

    Returns:
        Plan.
    """
    size = (height, width)
    data = Path(out) / "data"
    if scenes == "streets":
        streets = ("street",)
        plans = [
            writers_midas.plan_redweb(out, seed, train, *size, kinds=streets),
            writers_video.plan_kitti(data / "Kitti_raw_data", seed, test, 1, *size),
            writers_midas.plan_eth3d(
                data / "ETH3D" / "ETH3D-data", seed, test, 1, *size, kinds=streets
            ),
        ]
        return Plan((*plans[0].entries, "data"), [job for plan in plans for job in plan.jobs])
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


_FRAMES = (3, 30, "frames of each, 10 per second")
_HEIGHT = (
    16,
    375,
    "pixels of the images of 2011_09_26; the other dates differ as the real ones do",
)
_SPEED = {"speed": (1, 100, "percent of the usual speed, 7.5 to 10 metres per second")}
_SEQUENCES = {
    "sequences": (1, 2, "sequences to train on, 00 to at most 08"),
    "test": (0, 1, "sequences to test on: 09, then 10"),
    "frames": _FRAMES,
    "height": _HEIGHT,
}
_DRIVES = {
    "drives": (1, 5, "drives to train on, on five dates in turn"),
    "test": (0, 2, "drives to test on"),
    "frames": _FRAMES,
    "height": _HEIGHT,
    "laser": (0, 1800, "rays of a beam in one turn; 0: no laser scans"),
    "images": (("png", "jpg"), "png", "format of the images"),
    "annotated": (0, 0, "1: the depth benchmark's maps in <drive>/proj_depth/ too"),
}

# name -> planner, its options: smallest value or choices, default, meaning
FORMATS = {
    "nyu": (
        writers_nyu.plan,
        {
            "train": (0, 48, "training images"),
            "test": (0, 12, "test images"),
            "per_scene": (1, 2, "training images in a room"),
            **_size(480, 640),
        },
    ),
    "midas": (
        plan_midas,
        {
            "train": (1, 32, "ReDWeb images"),
            "test": (1, 4, "images of each data set for evaluation"),
            **_size(240, 320),
            "scenes": (("all", "streets"), "all", "what is rendered"),
        },
    ),
    "redweb": (writers_midas.plan_redweb, {"images": (1, 32, "how many"), **_size(384, 512)}),
    "sintel": (
        writers_video.plan_sintel,
        {
            "scenes": (1, 2, "scenes"),
            "frames": (1, 4, "images per scene"),
            **_size(436, 1024),
        },
    ),
    "tum": (
        writers_video.plan_tum,
        {
            "sequences": (1, 2, "sequences"),
            "frames": (1, 4, "images with depth per sequence"),
            **_size(480, 640),
        },
    ),
    "kitti": (
        writers_video.plan_kitti,
        {
            "drives": (1, 2, "drives"),
            "frames": (1, 4, "images per drive"),
            **_size(375, 1242),
        },
    ),
    "kitti_raw": (
        writers_video.plan_kitti_raw,
        {
            "drives": (1, 2, "drives"),
            "frames": (1, 4, "images with depth per drive"),
            **_size(375, 1242),
        },
    ),
    "diw": (writers_midas.plan_diw, {"images": (1, 8, "how many"), **_size(320, 480)}),
    "eth3d": (
        writers_midas.plan_eth3d,
        {
            "scenes": (1, 2, "scenes"),
            "images": (1, 2, "images per scene"),
            **_size(672, 1008),
        },
    ),
    "nyu_mat": (
        writers_midas.plan_nyu_mat,
        {
            "images": (1, 8, "how many"),
            "test": (0, 4, "how many of them are test images"),
            **_size(480, 640),
        },
    ),
    "kitti_drives": (writers_kitti.plan_kitti_drives, {**_DRIVES, **_SPEED}),
    "kitti_odom": (writers_kitti.plan_kitti_odom, {**_SEQUENCES, **_SPEED}),
    "kitti_video": (writers_geonet.plan_kitti_video, _DRIVES),
    "geonet": (
        writers_geonet.plan_geonet,
        {
            **_SEQUENCES,
            "length": (3, 3, "frames in a strip and in a snippet, an odd number"),
            "nested": (0, 0, "1: the snippets lie in 09_snippets/09/"),
        },
    ),
    "scene_flow": (
        writers_flow.plan_scene_flow,
        {"scenes": (1, 4, "scenes, of 21 stereo pairs each"), "height": _HEIGHT, **_SPEED},
    ),
    "cityscapes": (
        writers_footage.plan_cityscapes,
        {
            "train": (0, 3, "sequences in the split train"),
            "val": (0, 1, "sequences in the split val"),
            "frames": (3, 30, "frames of each, 17 per second"),
            "height": (16, 1024, "pixels; images are twice as wide"),
        },
    ),
    "footage": (
        writers_footage.plan_footage,
        {
            "videos": (1, 2, "videos, each as a folder of images too"),
            "frames": (2, 60, "frames of each, 10 per second"),
            **_size(480, 640),
            "world": (("drive", "room"), "drive", "what is filmed"),
        },
    ),
}

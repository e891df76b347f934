"""What GeoNet reads."""

import json
import types

import numpy as np
from PIL import Image

from geonet.src.datasets import open_strips
from geonet.src.model_utils import errors
from geonet.src.preparation import dump_root, multiview, pose_snippets, train_data
from geonet.src.preparation.static_frames import listed_frames
from tests.fuzz.children import Reader
from tests.fuzz.image_readers import photo
from tests.fuzz.monodepth2_readers import _write_kitti
from tests.fuzz.sfm_readers import _CAMERAS, _ODOMETRY, _write_lists, _write_poses

ERRORS = (errors.InputError, errors.RunError)


def _write_strips(folder):
    """Two strips to train on and one to validate on."""
    (folder / "00").mkdir()
    for number in range(3):
        strip = np.concatenate([photo(number + place) for place in range(3)], axis=1)
        Image.fromarray(strip).save(folder / "00" / f"{number:06d}.jpg")
        text = "60.5,0.,27.25,0.,61.,19.5,0.,0.,1."
        (folder / "00" / f"{number:06d}_cam.txt").write_text(text)
    (folder / "train.txt").write_text("00 000000\n00 000001\n")
    (folder / "val.txt").write_text("00 000002\n")


def _train(folder, file):
    height, width = photo(0).shape[:2]
    size = {"img_height": height, "img_width": width, "seq_length": 3}
    train, val = open_strips(folder, **size, workers=1)
    rng = np.random.default_rng(0)
    for index in range(len(train)):
        train.load(index, rng, train.draw_batch(rng))
    for index in range(len(val or ())):
        val.load(index)


def _write_sequence(folder):
    """A sequence of odometry of three frames, and its true poses."""
    images = folder / "sequences" / "00" / "image_2"
    images.mkdir(parents=True)
    for number in range(3):
        Image.fromarray(photo(number)).save(images / f"{number:06d}.png")
    (folder / "sequences" / "00" / "calib.txt").write_text(_ODOMETRY)
    (folder / "poses").mkdir()
    _write_poses(folder)
    (folder / "09.txt").rename(folder / "poses" / "00.txt")
    (folder / "times.txt").rename(folder / "sequences" / "00" / "times.txt")


def _write_city(folder):
    images = folder / "leftImg8bit_sequence" / "train" / "jena"
    cameras = folder / "camera" / "train" / "jena"
    images.mkdir(parents=True)
    cameras.mkdir(parents=True)
    for number in range(5):
        Image.fromarray(photo(number)).save(images / f"jena_000000_{number:06d}_leftImg8bit.png")
    camera = {"intrinsic": {"fx": 60.5, "fy": 61.0, "u0": 27.25, "v0": 19.5}}
    (cameras / "jena_000000_000019_camera.json").write_text(json.dumps(camera))


def _prepare(dataset_name):
    """A reader that prepares strips of a data set."""

    def read(folder, file):
        root = folder / "strips"
        options = types.SimpleNamespace(
            dataset_dir=folder,
            dataset_name=dataset_name,
            dump_root=root,
            seq_length=3,
            img_height=40,
            img_width=56,
            num_threads=1,
            remove_static=dataset_name.startswith("kitti_raw"),
            static_frames=None,
            min_speed=0.5,
            camera="image_2",
        )
        for path in root.glob("*/*"):
            path.unlink()
        try:
            train_data.prepare(options)
        except errors.InputError as err:
            if "no 3 frames follow each other" not in str(err):
                raise
            # A record of oxts may say that the car stands; then no single file is to blame.
            raise errors.InputError(f"{file.name}: {err}") from None

    return read


def _write_scene(folder):
    images = folder / "training" / "image_2"
    calibration = folder / "training" / "calib_cam_to_cam"
    images.mkdir(parents=True)
    calibration.mkdir()
    for number in (9, 10, 11):
        Image.fromarray(photo(number)).save(images / f"000000_{number:02d}.png")
    (calibration / "000000.txt").write_text(_CAMERAS)


def _read_scene(folder, file):
    root = {"dataset_dir": folder, "calib_dir": folder, "dump_root": folder / "strips"}
    size = {"cam_id": "02", "seq_length": 3, "img_height": 40, "img_width": 56}
    multiview.generate(types.SimpleNamespace(**root, **size))


def _read_snippets(folder, file):
    options = {"dataset_dir": folder, "output_dir": folder / "out", "seq_id": 0, "seq_length": 3}
    pose_snippets.generate(types.SimpleNamespace(**options))


READERS = {
    "drives to prepare": Reader(
        _write_kitti,
        ("2*/2*/image_0*/data/*.jpg", "2*/calib_cam_to_cam.txt", "2*/2*/oxts/data/*.txt"),
        _prepare("kitti_raw_eigen"),
        ERRORS,
    ),
    "sequences to prepare": Reader(
        _write_sequence,
        ("sequences/00/image_2/*.png", "sequences/00/calib.txt"),
        _prepare("kitti_odom"),
        ERRORS,
    ),
    "cities to prepare": Reader(
        _write_city,
        ("leftImg8bit_sequence/*/*/*.png", "camera/*/*/*.json"),
        _prepare("cityscapes"),
        ERRORS,
    ),
    "scenes to prepare": Reader(_write_scene, ("training/*/*",), _read_scene, ERRORS),
    "poses to cut": Reader(
        _write_sequence, ("poses/00.txt", "sequences/00/times.txt"), _read_snippets, ERRORS
    ),
    "record of prepared strips": Reader(
        lambda folder: dump_root.write_record(folder, {"seq_length": 3}),
        (dump_root.RECORD,),
        lambda folder, file: dump_root.check_record(folder, {"seq_length": 3}),
        ERRORS,
    ),
    "static frames to leave out": Reader(
        _write_lists, ("static.txt",), lambda folder, file: listed_frames(file), ERRORS
    ),
    "strips to train on": Reader(
        _write_strips, ("*.txt", "00/*.jpg", "00/*_cam.txt"), _train, ERRORS
    ),
}

"""What GeoNet reads."""

import json
import types

import numpy as np
from PIL import Image

from geonet.src import ascend310, exporting, prediction
from geonet.src.datasets import open_strips
from geonet.src.evaluation import depth, flow, flow_scoring, places_of, pose
from geonet.src.model_utils import errors
from geonet.src.preparation import dump_root, multiview, pose_snippets, train_data
from geonet.src.preparation.scenes import listed_drives
from geonet.src.preparation.static_frames import listed_frames
from geonet.src.sfm_utils.intrinsics import Intrinsics, write_intrinsics
from tests.fuzz.children import Reader
from tests.fuzz.image_readers import depth_16, photo
from tests.fuzz.monodepth2_readers import _write_kitti
from tests.fuzz.sfm_readers import (
    _CAMERAS,
    _ODOMETRY,
    _write_flow,
    _write_lists,
    _write_photos,
    _write_poses,
    _write_videos,
)
from tests.geonet.predicted import Stub

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
            test_scenes=None,
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


_DRIVE = "2011_09_26/2011_09_26_drive_0001_sync"
_LIMITS = 1e-3, 80.0


def _write_test_frames(folder):
    """A test frame of KITTI raw and one of the stereo data, with their ground truth and lists."""
    _write_kitti(folder)
    name = f"{_DRIVE}/image_02/data/0000000001"
    Image.fromarray(photo(1)).save(folder / f"{name}.png")
    (folder / "test_files_eigen.txt").write_text(f"{name}.png\n")
    for kind, image in (("image_2", photo(1)), ("disp_noc_0", np.tile(depth_16(), (1, 40)))):
        (folder / "training" / kind).mkdir(parents=True)
        image = image if kind == "image_2" else image[:, :1242]
        Image.fromarray(image).save(folder / "training" / kind / "000000_10.png")
    (folder / "test_files_stereo.txt").write_text("training/image_2/000000_10.png\n")


def _test_depth(folder, file):
    """The test set to which the damaged file belongs."""
    split = "stereo" if "training" in file.parts or "stereo" in file.name else "eigen"
    places = places_of("test_depth", folder / "out", "", "", "")
    test_set = split, folder, *_LIMITS
    depth.test(Stub(), folder, folder, test_set, places, 1, (1, folder / "panels"))


def _write_test_sequence(folder):
    _write_sequence(folder)
    for number in range(3, 6):  # as many as there are times
        path = folder / "sequences" / "00" / "image_2" / f"{number:06d}.png"
        Image.fromarray(photo(number)).save(path)


def _test_pose(folder, file):
    places = places_of("test_pose", folder / "out", "", "", "")
    pose.test(Stub(), folder, 0, "auto", "", places, 1)


def _write_flow_strips(folder):
    _write_strips(folder)
    (folder / "train.txt").rename(folder / "test_flow.txt")


def _test_flow(folder, file):
    model = Stub(photo(0).shape[:2])
    flow.test(model, folder, "", False, places_of("test_flow", folder, "", "", ""), 1, (0, ""))


def _write_scored_flow(folder):
    _write_flow(folder)
    for kind, name in (("noc", "000000_10"), ("occ", "000000_10"), ("", "000000")):
        target = folder / (f"training/flow_{kind}" if kind else "png") / f"{name}.png"
        target.parent.mkdir(parents=True)
        target.write_bytes((folder / "flow.png").read_bytes())


def _score_flow(folder, file):
    places = places_of("eval_flow", folder / "out", "", "", "")
    flow_scoring.evaluate_files(folder, folder, places, (0, ""))


def _write_depths(folder):
    np.save(folder / "depths.npy", np.full((2, 4, 6), 0.5, np.float32))


def _write_sidecar(folder):
    facts = Stub((32, 64)).facts
    (folder / "depth.json").write_text(json.dumps(exporting.sidecar("depth", 1, facts)))


def _write_310(folder):
    _write_test_frames(folder)
    result = folder / "results" / _DRIVE / "image_02" / "data" / "0000000001_0.bin"
    result.parent.mkdir(parents=True)
    np.linspace(1, 20, 32 * 64, dtype=np.float32).tofile(result)


def _score_310(folder, file):
    test = ascend310.open_data(folder, "eigen", folder, _LIMITS)
    size = ascend310.GraphSize(32, 64)
    ascend310.score_results(test, folder / "results", size, folder / "val.json")


def _write_310_images(folder):
    """A test frame with an image alone."""
    _write_test_frames(folder)
    for path in (folder / _DRIVE / "velodyne_points" / "data").iterdir():
        path.unlink()


def _prepare_310(folder, file):
    test = ascend310.open_data(folder, "eigen", folder)
    ascend310.write_inputs(test, folder / "bins", (32, 64))


def _write_drive(folder):
    """A folder of photos and a video, and the file that holds their camera."""
    (folder / "drive").mkdir()
    _write_photos(folder / "drive")
    _write_videos(folder / "drive")
    camera = Intrinsics(60.0, 60.0, 27.5, 19.5, 56, 40)
    write_intrinsics(folder / "intrinsics.json", camera)


def _predict(folder, file):
    """The flow of what the damaged file belongs to: of the photos, or of the video."""
    path = file if file.suffix == ".mp4" else folder / "drive" / "*.jpg"
    files = {"input_path": str(path), "output_path": folder / "out", "skip_bad": False}
    prediction.predict(Stub(), "flow", ("flo", "png"), prediction.Camera(), 1.0, files)


READERS = {
    "sidecar of GeoNet": Reader(
        _write_sidecar, ("depth.json",), lambda folder, file: ascend310.graph_size(file), ERRORS
    ),
    "GeoNet 310 results": Reader(
        _write_310,
        ("results/*/*/*/*/*.bin", f"{_DRIVE}/velodyne_points/data/*"),
        _score_310,
        ERRORS,
    ),
    "images for the 310": Reader(
        _write_310_images, (f"{_DRIVE}/image_02/data/*.png",), _prepare_310, ERRORS
    ),
    "drive to predict": Reader(
        _write_drive, ("drive/*.jpg", "drive/*.mp4", "intrinsics.json"), _predict, ERRORS
    ),
    "depth to test": Reader(
        _write_test_frames,
        (f"{_DRIVE}/image_02/data/0000000001.png", f"{_DRIVE}/velodyne_points/data/*.bin")
        + ("2*/calib_*.txt", "training/*/*.png"),
        _test_depth,
        ERRORS,
    ),
    "depths to score": Reader(
        _write_depths, ("*.npy",), lambda folder, file: depth.read_depths(file), ERRORS
    ),
    "sequence to test": Reader(
        _write_test_sequence,
        ("sequences/00/image_2/*.png", "sequences/00/times.txt", "poses/00.txt"),
        _test_pose,
        ERRORS,
    ),
    "strips to test": Reader(
        _write_flow_strips, ("test_flow.txt", "00/*.jpg", "00/*_cam.txt"), _test_flow, ERRORS
    ),
    "flow to score": Reader(
        _write_scored_flow, ("training/*/*.png", "png/*.png"), _score_flow, ERRORS
    ),
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
    "drives to leave out": Reader(
        lambda folder: (folder / "scenes.txt").write_text("2011_09_26_drive_0117\n" * 9) and None,
        ("scenes.txt",),
        lambda folder, file: listed_drives(file),
        ERRORS,
    ),
    "strips to train on": Reader(
        _write_strips, ("*.txt", "00/*.jpg", "00/*_cam.txt"), _train, ERRORS
    ),
}

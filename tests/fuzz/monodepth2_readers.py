"""What Monodepth2 reads."""

import argparse
import contextlib
import json
import pickle

import numpy as np
from PIL import Image

from monodepth2.prepare import make_splits
from monodepth2.src import ascend310, exporting, gps, numpy_pickles
from monodepth2.src.datasets import Camera, gt_depths, open_samples
from monodepth2.src.evaluation import external, predicting
from monodepth2.src.model_utils import errors
from monodepth2.src.sfm_utils import eigen
from tests.fuzz.children import Reader
from tests.fuzz.image_readers import depth_16, photo
from tests.fuzz.sfm_readers import _write_day, _write_photos, _write_videos

ERRORS = (errors.InputError, errors.RunError)
_DRIVE = "2011_09_26/2011_09_26_drive_0001_sync"
_OPTIONS = {"split_dir": "", "split": "", "height": 32, "width": 64, "sources": [-1, 1, "s"]}


def _write_kitti(folder):
    """A drive of three frames, with everything that a training reads of it."""
    drive = folder / _DRIVE
    for camera in (2, 3):
        images = drive / f"image_0{camera}" / "data"
        images.mkdir(parents=True)
        for number in range(3):
            Image.fromarray(photo(number)).save(images / f"{number:010d}.jpg")
    (folder / "2011_09_26").mkdir(exist_ok=True)
    _write_day(folder / "2011_09_26")
    (drive / "velodyne_points" / "data").mkdir(parents=True)
    scan = folder / "2011_09_26" / "scan.bin"
    scan.rename(drive / "velodyne_points" / "data" / "0000000001.bin")
    truth = drive / "proj_depth" / "groundtruth" / "image_02"
    truth.mkdir(parents=True)
    Image.fromarray(depth_16()).save(truth / "0000000001.png")
    (drive / "oxts" / "data").mkdir(parents=True)
    speeds = " ".join(str(float(number)) for number in range(30))
    for number in range(3):
        (drive / "oxts" / "data" / f"{number:010d}.txt").write_text(speeds)
    for name in ("train", "val", "test"):
        (folder / f"{name}_files.txt").write_text(f"{_DRIVE} 1 l\n")


def _train(folder, file):
    for dataset in ("kitti", "kitti_depth"):
        options = {**_OPTIONS, "split_dir": folder.parent, "split": folder.name}
        samples = open_samples(folder, dataset=dataset, **options)
        for part in (samples.train, samples.monitor):
            part.load(0, np.random.default_rng(0))


def _evaluate(folder, file):
    for split in eigen.SPLITS:
        frames = eigen.eigen_frames(folder.parent, folder.name)
        list(gt_depths.ground_truth(folder, frames, split))


def _make_splits(folder, file):
    options = {"dataset": "kitti", "min_speed": 0.5, "val_share": 0.5, "val_by": "frame"}
    output = {"data": folder, "output": folder / "lists", "seed": 0, "overwrite": True}
    try:
        make_splits.make(argparse.Namespace(**options, **output))
    except ValueError as err:
        raise errors.InputError(str(err)) from None


def _write_maps(folder):
    maps = [np.float32(depth_16()) / 256, np.float32([[0, 1, 2]])]
    gt_depths.write_gt_depths(folder / "gt_depths.npz", maps)
    np.savez(folder / "stored.npz", data=np.float32(np.ones((2, 8, 9))))


def _write_parameters(folder):
    values = {"conv.weight": np.ones((4, 3, 3, 3), np.float32), "height": 192, "scale": 1.5}
    for protocol in (2, 4, 5):
        (folder / f"{protocol}.pdparams").write_bytes(pickle.dumps(values, protocol))


def _read_parameters(folder, file):
    with file.open("rb") as opened:
        numpy_pickles.load_arrays(opened, file)


def _learn_from(folder, cache):
    samples = open_samples(
        folder,
        dataset="folder",
        camera=Camera((60, 60, 27.5, 19.5)),
        cache=cache,
        frame_step=1,
        **{**_OPTIONS, "sources": [-1, 1]},
    )
    for part in (samples.train, samples.val):
        part.load(0, np.random.default_rng(0))


def _write_footage(folder):
    (folder / "photos").mkdir()
    _write_photos(folder / "photos")
    _write_videos(folder)
    (folder / "clip.avi").unlink()


def _write_kept_frames(folder):
    """A video from which the frames were taken out by an earlier training."""
    (folder / "videos").mkdir()
    _write_videos(folder / "videos")
    (folder / "videos" / "clip.avi").unlink()
    with contextlib.redirect_stdout(None):
        _learn_from(folder / "videos", folder / "cache")


def _read_footage(folder, file):
    _learn_from(folder, folder / "cache")


def _read_kept_frames(folder, file):
    _learn_from(folder / "videos", folder / "cache")


def _write_places(folder):
    """KITTI's records, a TUM file, lines of degrees, of three frames each."""
    (folder / "oxts" / "data").mkdir(parents=True)
    for number in range(3):
        values = [49 + number / 1e5, 8.4, 110.0, *range(27)]
        record = " ".join(map(str, values))
        (folder / "oxts" / "data" / f"{number:010d}.txt").write_text(record)
    tum = "".join(f"{number / 10} {number} 0.5 2.0 0 0 0 1\n" for number in range(3))
    (folder / "tum.txt").write_text(tum)
    degrees = "".join(f"{number / 10},{49 + number / 1e5},8.4\n" for number in range(3))
    (folder / "degrees.csv").write_text(degrees)


def _read_places(folder, file):
    try:
        gps.read_places(folder / "oxts" if file.parent.name == "data" else file, 3)
    except errors.InputError as err:
        # A folder may have lost a record; then no single file is to blame.
        raise errors.InputError(f"{file.name}: {err}") from None


def _write_sidecar(folder):
    sidecar = exporting.sidecar("depth", 1, 32, 64, 5.4)
    (folder / "depth.json").write_text(json.dumps(sidecar))


def _write_310(folder):
    _write_kitti(folder)
    test = folder / "splits" / "eigen"
    test.mkdir(parents=True)
    (test / "test_files.txt").write_text(f"{_DRIVE} 1 l\n")
    gt_depths.write_gt_depths(test / "gt_depths.npz", [np.full((375, 1242), 9, np.float32)])
    result = folder / "results" / _DRIVE / "0000000001_0.bin"
    result.parent.mkdir(parents=True)
    np.linspace(0.1, 1, 32 * 64, dtype=np.float32).tofile(result)


def _score_310(folder, file):
    facts = ascend310.GraphFacts(32, 64, 5.4)
    test = ascend310.open_test_set("eigen", folder / "splits", folder, True)
    ascend310.score_results(test, folder / "results", facts, folder / "val.json")


def _write_disparities(folder):
    for split in eigen.SPLITS:
        (folder / split).mkdir()
        (folder / split / "test_files.txt").write_text(f"{_DRIVE} 1 l\n{_DRIVE} 2 l\n")
    (folder / "benchmark").mkdir()
    np.save(folder / "benchmark" / "eigen_to_benchmark_ids.npy", [0, 1])
    np.save(folder / "disparities.npy", np.full((2, 4, 6), 0.5, np.float32))


def _read_disparities(folder, file):
    external.read_disparities(folder / "disparities.npy", "eigen_benchmark", folder, True)


def _reader(write, targets, read, skips=False):
    return Reader(write, targets, read, ERRORS, skips)


READERS = {
    "drives to train on": _reader(
        _write_kitti,
        ("*_files.txt", f"{_DRIVE}/*/data/*.jpg", f"{_DRIVE}/*/data/*.bin", "*/calib_*.txt"),
        _train,
    ),
    "drives to evaluate on": _reader(
        _write_kitti,
        (f"{_DRIVE}/*/data/*.bin", f"{_DRIVE}/*/*/*/*.png", "*/calib_*.txt"),
        _evaluate,
    ),
    "list of a test set": _reader(
        _write_kitti,
        ("test_files.txt",),
        lambda folder, file: eigen.eigen_frames(folder.parent, folder.name),
    ),
    "drives to list": _reader(_write_kitti, (f"{_DRIVE}/oxts/data/*.txt",), _make_splits),
    "depth maps of a test set": _reader(
        _write_maps, ("*.npz",), lambda folder, file: gt_depths.read_gt_depths(file)
    ),
    "disparities of another program": _reader(
        _write_disparities, ("disparities.npy", "benchmark/*.npy"), _read_disparities
    ),
    "footage to train on": _reader(_write_footage, ("photos/*.jpg", "clip.mp4"), _read_footage),
    "frames taken out of a video": _reader(
        _write_kept_frames,
        ("cache/*/*.json", "cache/*/frames/*.json", "cache/*/frames/*.jpg"),
        _read_kept_frames,
    ),
    "images to evaluate on": _reader(
        _write_photos, ("*.jpg",), lambda folder, file: predicting.read_planes(file, 32, 64)
    ),
    "Monodepth2 310 results": _reader(_write_310, ("results/*/*/*.bin",), _score_310),
    "parameters of Paddle": _reader(_write_parameters, ("*.pdparams",), _read_parameters),
    "places of a camera": _reader(
        _write_places, ("oxts/data/*.txt", "*.txt", "*.csv"), _read_places
    ),
    "sidecar of Monodepth2": _reader(
        _write_sidecar, ("depth.json",), lambda folder, file: ascend310.graph_facts(file)
    ),
}

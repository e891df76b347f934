"""What DepthNet reads."""

import json

import cv2
import numpy as np

from depthnet.src import ascend310, prediction
from depthnet.src.datasets import NyuTest, NyuTrain
from depthnet.src.model_utils import errors
from depthnet.src.transforms import DEPTH_SIZE
from tests.fuzz.children import Reader
from tests.fuzz.image_readers import depth_16, photo
from tests.fuzz.shared_readers import write_graph

ERRORS = (errors.InputError, errors.RunError)
_SIZE = 480, 640


def _write_nyu(folder):
    scene, test = folder / "Train" / "room_0001_out", folder / "Test"
    for path in (scene, test):
        path.mkdir(parents=True)
    for number in (1, 2):
        cv2.imwrite(str(scene / f"{number}.jpg"), photo(number, *_SIZE))
        cv2.imwrite(str(scene / f"{number}.png"), photo(number, *_SIZE)[..., 0])
        cv2.imwrite(str(test / f"0000{number}_colors.png"), photo(number, *_SIZE))
        cv2.imwrite(str(test / f"0000{number}_depth.png"), depth_16(number, *_SIZE))


def _read_all(data):
    for index in range(len(data)):
        data.load(index, np.random.default_rng(index))


def _write_results(folder):
    rng = np.random.default_rng(0)
    for name in ("results", "labels"):
        (folder / name).mkdir()
    for index in range(2):
        values = rng.random(DEPTH_SIZE, np.float32)
        values.tofile(folder / "results" / f"nyu_{index}_0.bin")
        (values + 1).tofile(folder / "labels" / f"nyu_{index}.bin")


def _write_graph(folder):
    write_graph(folder)
    sidecar = json.loads((folder / "net.json").read_text())
    sidecar |= {"model": "depthnet", "graph": "coarse"}
    (folder / "net.json").write_text(json.dumps(sidecar))


READERS = {
    "sidecar of DepthNet": Reader(
        _write_graph,
        ("net.json",),
        lambda folder, file: prediction.Predictor([folder / "net.mindir"]),
        ERRORS,
    ),
    "NYU training pairs": Reader(
        _write_nyu,
        ("Train/*/1.*",),
        lambda folder, file: _read_all(NyuTrain(folder, mask_invalid=True)),
        ERRORS,
    ),
    "NYU training pairs, bad ones left out": Reader(
        _write_nyu,
        ("Train/*/1.*",),
        lambda folder, file: _read_all(NyuTrain(folder, skip_bad=True)),
        ERRORS,
        skips=True,
    ),
    "NYU test pairs": Reader(
        _write_nyu,
        ("Test/00001*",),
        lambda folder, file: _read_all(NyuTest(folder / "Test")),
        ERRORS,
    ),
    "DepthNet 310 results": Reader(
        _write_results,
        ("*/nyu_0*.bin",),
        lambda folder, file: ascend310.score_results(
            folder / "results", folder / "labels", mask_invalid=True
        ),
        ERRORS,
    ),
}

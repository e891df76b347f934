"""What MiDaS reads."""

import json
import struct

import cv2
import h5py
import numpy as np
import scipy.io

from midas.src import ascend310
from midas.src.datasets.training import MixedPairs, read_target, training_pairs
from midas.src.datasets.zero_shot import DATASETS, PROTOCOLS
from midas.src.evaluation.evaluator import Evaluator
from midas.src.evaluation.onnx import onnx_predict
from midas.src.model_utils import errors
from midas.src.prediction import graph_predictor
from tests.fuzz.children import Reader
from tests.fuzz.image_readers import depth_16, photo
from tests.fuzz.shared_readers import write_graph

ERRORS = (errors.InputError, errors.RunError)
_MEAN_STD = {"mean": (0.5, 0.5, 0.5), "std": (0.25, 0.25, 0.25)}


def _image(path, seed=0, values=None):
    """Write a JPEG or PNG, whatever the file is called."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = path.suffix if path.suffix in (".png", ".jpg") else ".jpg"
    values = photo(seed) if values is None else values
    path.write_bytes(cv2.imencode(kind, values)[1].tobytes())


def _write_redweb(folder):
    for index in range(2):
        _image(folder / "A" / "Imgs" / f"im{index}.jpg", index)
        _image(folder / "A" / "RDs" / f"im{index}.png", values=photo(index)[..., 0])
    _image(folder / "B" / "Imgs" / "b.jpg")
    _image(folder / "B" / "RDs" / "b.png", values=depth_16())
    mix = {"img": {"A": "/A/Imgs/*", "B": "/B/Imgs/*"}, "depth": {"A": "/A/RDs/*", "B": "/B/RDs/*"}}
    (folder / "mixdata.json").write_text(json.dumps(mix, indent=4))
    lines = [f"A/Imgs/im{index}.jpg A/RDs/im{index}.png" for index in range(2)]
    (folder / "list.txt").write_text(
        "\n".join(["# image depth", *lines, "B/Imgs/b.jpg\tB/RDs/b.png"])
    )


def _train(folder, **options):
    pairs = training_pairs(folder, mixdata="mixdata.json", **options)
    rules = {"mask_invalid": True, "flip_probability": 0.5}
    data = MixedPairs(pairs, size=(32, 32), **_MEAN_STD, **rules)
    for index in range(len(data)):
        data.load(index, np.random.default_rng(index))


def _write_kitti(folder):
    for frame in ("05", "06"):
        _image(folder / "drive_sync" / "image" / f"00{frame}.png")
        _image(folder / "drive_sync" / "depth" / f"00{frame}.png", values=depth_16())


def _write_tum(folder):
    scene, lines = folder / "desk_with_person", []
    for stamp in ("1.1", "2.1"):
        _image(scene / "rgb" / f"{stamp}.png")
        _image(scene / "depth" / f"{stamp}.png", values=depth_16())
        lines.append(f"rgb/{stamp}.png depth/{stamp}.png\n")
    (scene / "associate.txt").write_text("".join(lines))


def _write_sintel(folder):
    for frame in ("frame_0001", "frame_0002"):
        _image(folder / "final_left" / "alley" / f"{frame}.png")
        _image(
            folder / "occlusions" / "alley" / f"{frame}.png", values=photo()[..., 0] // 128 * 255
        )
        path = folder / "depth" / "alley" / f"{frame}.dpt"
        path.parent.mkdir(parents=True, exist_ok=True)
        depth = np.float32(depth_16()) / 1000
        path.write_bytes(struct.pack("<fii", 202021.25, 56, 40) + depth.astype("<f4").tobytes())


def _write_eth3d(folder):
    _image(folder / "yard" / "images" / "dslr_images" / "DSC_1.JPG")
    path = folder / "yard" / "ground_truth_depth" / "dslr_images" / "DSC_1.JPG"
    path.parent.mkdir(parents=True)
    depth = np.float32(depth_16()) / 1000
    path.write_bytes(np.where(depth > 0, depth, np.inf).astype("<f4").tobytes())


def _write_diw(folder):
    lines = []
    for index in range(3):
        _image(folder / "DIW_test" / f"im{index}.thumb", index)
        lines += [f"./DIW_test/im{index}.thumb", "3,5,20,40,>,56,40"]
    (folder / "DIW_Annotations").mkdir()
    (folder / "DIW_Annotations" / "DIW_test.csv").write_text("\n".join(lines) + "\n")


def _write_nyu(folder):
    with h5py.File(folder / "nyu.mat", "w") as file:
        # Chunks with a filter, as MATLAB writes them.
        options = {"compression": "gzip", "chunks": True}
        picture = np.stack([photo(index).T for index in range(3)])
        depth = np.stack([np.float32(depth_16(index).T) / 1000 for index in range(3)])
        file.create_dataset("images", data=picture, **options)
        file.create_dataset("rawDepths", data=depth, **options)
    numbers = {"testNdxs": np.uint16([[1], [3]]), "trainNdxs": np.uint16([[2]])}
    scipy.io.savemat(folder / "splits.mat", numbers, do_compression=True)


def _write_plain_nyu(folder):
    """The same without compression: every byte of the files means something."""
    _write_nyu(folder)
    with h5py.File(folder / "nyu.mat", "r") as file:
        arrays = {key: file[key][:] for key in ("images", "rawDepths")}
    with h5py.File(folder / "nyu.mat", "w") as file:
        for key, values in arrays.items():
            file.create_dataset(key, data=values)
    numbers = {"testNdxs": np.uint16([[1], [3]]), "trainNdxs": np.uint16([[2]])}
    scipy.io.savemat(folder / "splits.mat", numbers)


def _evaluate(name, root):
    """The evaluation with brightness in place of the network's prediction."""
    for protocol in PROTOCOLS.values():
        dataset = DATASETS[name](root, protocol)
        evaluator = Evaluator(protocol, size=(32, 32), batch_size=2, **_MEAN_STD)
        evaluator.predict = lambda inputs: inputs.mean(1)
        evaluator.run(dataset)


def _evaluation(name, write, *targets):
    return Reader(write, targets, lambda folder, file: _evaluate(name, folder), ERRORS)


def _nyu_evaluation(write, target):
    def read(folder, file):
        _evaluate("NYU", (folder / "nyu.mat", folder / "splits.mat"))

    return Reader(write, (target,), read, ERRORS)


def _write_310(folder):
    _write_kitti(folder / "data")
    for frame in ("0005", "0006"):
        path = folder / "results" / "drive_sync" / f"{frame}_0.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.random.default_rng(0).random((32, 32), np.float32).tofile(path)


def _score_310(folder, file):
    dataset = DATASETS["Kitti"](folder / "data", PROTOCOLS["standard"])
    ascend310.score_results(dataset, folder / "results", (32, 32))


def _write_onnx(folder):
    from onnx import TensorProto, helper, save

    shape = [1, 3, 16, 16]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)
    depth = helper.make_tensor_value_info("depth", TensorProto.FLOAT, [1, 16, 16])
    kernel = helper.make_tensor("kernel", TensorProto.FLOAT, [3, 3, 3, 3], [0.1] * 81)
    nodes = [
        helper.make_node("Conv", ["image", "kernel"], ["features"], pads=[1, 1, 1, 1]),
        helper.make_node("ReduceMean", ["features"], ["depth"], axes=[1], keepdims=0),
    ]
    graph = helper.make_graph(nodes, "midas", [image], [depth], [kernel])
    opset = [helper.make_opsetid("", 13)]
    save(helper.make_model(graph, opset_imports=opset, ir_version=8), folder / "midas.onnx")


def _predict_onnx(folder, file):
    onnx_predict(str(file))(np.zeros((1, 3, 16, 16), np.float32))


def _predict_graph(folder, file):
    graph_predictor(folder / "net.mindir", 1).batch([photo()])


READERS = {
    "ONNX graph": Reader(_write_onnx, ("*.onnx",), _predict_onnx, ERRORS),
    "graph of MiDaS": Reader(write_graph, ("net.mindir",), _predict_graph, ERRORS),
    "sidecar of MiDaS": Reader(write_graph, ("net.json",), _predict_graph, ERRORS),
    "target of a training pair": Reader(
        _write_redweb, ("*/RDs/*.png",), lambda folder, file: read_target(file), ERRORS
    ),
    "mixdata.json": Reader(
        _write_redweb, ("mixdata.json",), lambda folder, file: _train(folder), ERRORS
    ),
    "train_list": Reader(
        _write_redweb,
        ("list.txt",),
        lambda folder, file: _train(folder, train_list="list.txt"),
        ERRORS,
    ),
    "training pairs": Reader(
        _write_redweb, ("*/*/*",), lambda folder, file: _train(folder), ERRORS
    ),
    "training pairs, bad ones left out": Reader(
        _write_redweb,
        ("A/*/im0.*",),
        lambda folder, file: _train(folder, skip_bad=True),
        ERRORS,
        skips=True,
    ),
    "Kitti": _evaluation("Kitti", _write_kitti, "*/image/*05.png", "*/depth/*05.png"),
    "TUM images": _evaluation("TUM", _write_tum, "*/*/1.1.png"),
    "TUM associate.txt": _evaluation("TUM", _write_tum, "*/associate.txt"),
    "Sintel": _evaluation("Sintel", _write_sintel, "*/alley/frame_0001.*"),
    "Sintel .dpt": _evaluation("Sintel", _write_sintel, "*/alley/frame_0001.dpt"),
    "ETH3D": _evaluation("ETH3D", _write_eth3d, "*/*/*/*.JPG"),
    "DIW table": _evaluation("DIW", _write_diw, "*/DIW_test.csv"),
    "DIW images": _evaluation("DIW", _write_diw, "*/im0.thumb"),
    "nyu.mat": _nyu_evaluation(_write_nyu, "nyu.mat"),
    "nyu.mat without compression": _nyu_evaluation(_write_plain_nyu, "nyu.mat"),
    "splits.mat": _nyu_evaluation(_write_nyu, "splits.mat"),
    "splits.mat without compression": _nyu_evaluation(_write_plain_nyu, "splits.mat"),
    "MiDaS 310 results": Reader(_write_310, ("results/*/0005_0.bin",), _score_310, ERRORS),
}

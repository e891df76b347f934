"""export.py and infer.py as users run them, with a small network."""

import json
import shutil

import cv2
import numpy as np
import pytest

from midas.src.model_utils.images import read_pfm, read_png, read_rgb, to_png16
from midas.src.transforms import prepare_image
from tests.midas.small import SMALL

pytestmark = pytest.mark.slow

SIZE = ["--img_width", 96, "--img_height", 64, "--device_target", "CPU"]


@pytest.fixture(scope="module")
def graph(program, weights, tmp_path_factory):
    """The exported MindIR, what export.py printed."""
    folder = tmp_path_factory.mktemp("graph")
    flags = [*SMALL, *SIZE, "--ckpt_path", weights, "--export_path", folder]
    return folder / "midas.mindir", program("midas").run("export.py", *flags)[0]


@pytest.fixture(scope="module")
def images(midas_data, tmp_path_factory):
    """Images of several sizes, a video, and a file that is neither."""
    folder = tmp_path_factory.mktemp("images")
    for path in sorted((midas_data / "ReDWeb_V1" / "Imgs").iterdir())[:2]:
        shutil.copy(path, folder)
    cv2.imwrite(str(folder / "wide.png"), cv2.resize(read_rgb(path), (200, 50)))
    (folder / "notes.txt").write_text("no image")
    code = cv2.VideoWriter_fourcc(*"mp4v")
    writer = cv2.VideoWriter(str(folder / "clip.mp4"), code, 5, (64, 48))
    for level in range(3):
        writer.write(cv2.resize(read_rgb(path), (64, 48)) // (level + 1))
    writer.release()
    return folder


@pytest.fixture(scope="module")
def predicted(program, weights, images, tmp_path_factory):
    """Folder of what infer.py makes of the images with a checkpoint, what it printed."""
    folder = tmp_path_factory.mktemp("predicted")
    flags = [*SMALL, *SIZE, "--model_weights", weights, "--infer_batch_size", 2]
    flags += ["--formats", "png", "pfm", "npy", "color", "--input_path", images]
    return folder, program("midas").run("infer.py", *flags, "--output_path", folder)[0]


def test_the_graph_computes_what_the_network_does(graph):
    path, out = graph
    assert path.is_file()
    assert float(out.split("maximum difference ")[1].split()[0]) < 1e-3
    assert "input 1x3x64x96" in out


def test_the_sidecar_describes_training_preprocessing(graph):
    sidecar = json.loads(graph[0].with_suffix(".json").read_text())
    assert sidecar["inputs"][0]["shape"] == [1, 3, 64, 96]
    assert sidecar["outputs"][0]["meaning"] == "inverse_depth"
    image = sidecar["image"]
    assert image["resize"]["interpolation"] == "bicubic" and image["crop"] is None
    rgb = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    expected = prepare_image(rgb, (96, 64), image["mean"], image["std"])
    size = image["resize"]["width"], image["resize"]["height"]
    value = cv2.resize(rgb * np.float32(image["scale"]), size, interpolation=cv2.INTER_CUBIC)
    value = ((value - np.float32(image["mean"])) / np.float32(image["std"])).transpose(2, 0, 1)
    np.testing.assert_allclose(value, expected, atol=1e-6)


def test_every_image_gets_its_files(predicted, images):
    folder, out = predicted
    assert "6 images in " in out and " images/s" in out
    for path in images.iterdir():
        if path.suffix not in (".png", ".jpg"):
            continue
        shape = read_rgb(path).shape[:2]
        values = np.load(folder / f"{path.stem}.npy")
        assert values.shape == shape and values.dtype == np.float32
        np.testing.assert_array_equal(read_pfm(folder / f"{path.stem}.pfm"), values)
        png = read_png(folder / f"{path.stem}.png", 16)
        np.testing.assert_array_equal(png, to_png16(values, "inverse_depth"))
        assert png.min() == 0 and png.max() >= 65534  # truncated, in float32
        assert cv2.imread(str(folder / f"{path.stem}_color.png")).shape[:2] == shape
    assert sorted(path.name for path in (folder / "clip").glob("*.npy")) == [
        f"{number:06}.npy" for number in range(3)
    ]
    assert cv2.VideoCapture(str(folder / "clip_color.mp4")).get(cv2.CAP_PROP_FRAME_COUNT) == 3


@pytest.mark.parametrize(("pattern", "count"), [("*.jpg", 2), ("*00000.jpg", 1)])
def test_the_graph_predicts_what_the_checkpoint_does(
    program, graph, predicted, images, tmp_path, pattern, count
):
    """The graph knows its size: --img_width and --img_height are not repeated."""
    flags = ["--model_weights", graph[0], "--device_target", "CPU", "--formats", "npy"]
    flags += ["--input_path", images / pattern, "--output_path", tmp_path]
    program("midas").run("infer.py", *flags)
    files = sorted(tmp_path.glob("*.npy"))
    assert len(files) == count
    for path in files:
        expected = np.load(predicted[0] / path.name)
        np.testing.assert_allclose(np.load(path), expected, rtol=1e-3, atol=1e-3)


def test_onnx_computes_what_the_network_does(program, weights, predicted, images, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    flags = ["--ckpt_path", weights, "--file_format", "ONNX", "--export_path", tmp_path]
    program("midas").run("export.py", *SMALL, *SIZE, *flags)
    session = onnxruntime.InferenceSession(tmp_path / "midas.onnx")
    image = json.loads((tmp_path / "midas.json").read_text())["image"]
    for path in sorted(images.glob("*.jpg")):
        rgb = read_rgb(path)
        array = prepare_image(rgb, (96, 64), image["mean"], image["std"])[None]
        (output,) = session.run(None, {session.get_inputs()[0].name: array})
        expected = np.load(predicted[0] / f"{path.stem}.npy")
        got = cv2.resize(output[0], rgb.shape[1::-1])
        np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-3)


def test_mistakes_are_one_line(warm_midas, weights, graph, images, tmp_path):
    def refuse(script, *flags):
        return warm_midas.refuse(script, *SMALL, *SIZE, *flags)

    air = refuse("export.py", "--model_weights", weights, "--file_format", "AIR")
    assert "AIR needs an Ascend card" in air
    assert "none.ckpt does not exist" in refuse("export.py", "--model_weights", "none.ckpt")
    shutil.copy(graph[0], tmp_path / "lone.mindir")
    given = ["--input_path", images, "--model_weights", tmp_path / "lone.mindir"]
    lone = refuse("infer.py", *given)
    assert "lone.json does not exist" in lone
    nothing = refuse("infer.py", "--model_weights", weights, "--input_path", tmp_path / "none")
    assert "does not exist; give a file, a folder, a glob or a video" in nothing

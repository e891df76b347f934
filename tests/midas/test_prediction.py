"""Predictors: buckets of one shape, sizes, what a graph's sidecar must say."""

import cv2
import mindspore as ms
import numpy as np
import pytest
from mindspore import nn

from midas.src import prediction
from midas.src.model_utils import checkpoint
from midas.src.model_utils.device import Device
from midas.src.model_utils.errors import InputError
from midas.src.prediction import Predictor, graph_predictor, load_predict, weights_file

IMAGE = {"mean": [0.5] * 3, "std": [0.2] * 3}


def landscape_or_portrait(size):
    return (64, 32) if size[0] > size[1] else (32, 64)


def red(arrays):
    return arrays[:, 0]


def images_of(*sizes):
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (*size, 3), dtype=np.uint8) for size in sizes]


@pytest.mark.parametrize("batch", [1, 2, 4])
def test_a_batch_gives_what_single_images_give(batch):
    """Bucketed by shape at the network and filled up, so that each shape is one graph."""
    shapes = []

    def predict(arrays):
        shapes.append(arrays.shape)
        return red(arrays)

    images = images_of((20, 30), (30, 20), (20, 40), (25, 30), (31, 30))
    got = Predictor(predict, landscape_or_portrait, **IMAGE, batch_size=batch).batch(images)
    assert set(shapes) == {(batch, 3, 32, 64), (batch, 3, 64, 32)}
    assert len(shapes) == {1: 5, 2: 3, 4: 2}[batch]
    single = Predictor(red, landscape_or_portrait, **IMAGE)
    for image, values in zip(images, got):
        assert values.shape == image.shape[:2]
        np.testing.assert_array_equal(values, single.batch([image])[0])


def test_a_map_by_hand():
    """Grey 153 is 0.6: (0.6 - 0.5) / 0.2, at the image's own size again."""
    image, shapes = np.full((10, 20, 3), 153, np.uint8), []

    def predict(arrays):
        shapes.append(arrays.shape)
        return red(arrays)

    (values,) = Predictor(predict, landscape_or_portrait, **IMAGE).batch([image])
    assert values.shape == (10, 20) and shapes == [(1, 3, 32, 64)]
    np.testing.assert_allclose(values, 0.5, atol=1e-6)


def test_maps_are_resized_with_half_pixel_centres():
    def predict(_):
        return np.float32([[[0, 1]]])

    (values,) = Predictor(predict, landscape_or_portrait, **IMAGE).batch(images_of((1, 4)))
    np.testing.assert_allclose(values, [[0, 0.25, 0.75, 1]], atol=1e-6)


def sidecar(**changes):
    image = {"mean": [0, 0.25, 0.5], "std": [1, 2, 4]}
    return {"model": "midas", "inputs": [{"shape": [1, 3, 32, 64]}], "image": image, **changes}


def test_a_graph_is_fed_as_its_sidecar_says(monkeypatch):
    for shape, batch in (([1, 3, 32, 64], 1), ([2, 3, 32, 64], 2), ([-1, 3, 32, 64], 4)):
        description = sidecar(inputs=[{"shape": shape}])
        monkeypatch.setattr(prediction, "load_graph", lambda _, found=description: (None, found))
        predictor = graph_predictor("a.mindir", 4)
        assert predictor.batch_size == batch
        assert predictor.size_of((640, 480)) == (64, 32)
        assert (predictor.mean, predictor.std) == ([0, 0.25, 0.5], [1, 2, 4])


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ({}, "its .json is no sidecar of MiDaS; export it again"),
        (sidecar(inputs=[]), "no sidecar of MiDaS"),
        (sidecar(image={"mean": ["red"], "std": [1]}), "no sidecar of MiDaS"),
        (sidecar(inputs=[{"shape": [1, 3, 32]}]), "no sidecar of MiDaS"),
        (sidecar(model="depthnet"), "a graph of depthnet, expected midas"),
        (sidecar(model="x" * 99), f"a graph of {'x' * 80}, expected midas"),
    ],
)
def test_a_sidecar_of_something_else_is_refused(monkeypatch, description, message):
    monkeypatch.setattr(prediction, "load_graph", lambda _: (None, description))
    with pytest.raises(InputError, match=f"a.mindir: .*{message}"):
        graph_predictor("a.mindir", 1)


def refuses(monkeypatch, shape=(1, 3, 32, 64), mean=(0, 0, 0), std=(1, 1, 1)):
    """Whether a sidecar with these numbers is refused."""
    found = sidecar(inputs=[{"shape": list(shape)}], image={"mean": list(mean), "std": list(std)})
    monkeypatch.setattr(prediction, "load_graph", lambda _: (None, found))
    try:
        graph_predictor("a.mindir", 1)
    except InputError:
        return True
    return False


def test_a_sidecar_s_numbers_are_those_of_a_network(monkeypatch):
    """Its pixels fit into memory (2^25 of a batch), and its colours can be divided by."""
    largest, above = (1, 3, 1 << 12, 1 << 13), (1, 3, 1 << 12, (1 << 13) + 1)
    assert not refuses(monkeypatch, largest) and refuses(monkeypatch, above)
    assert not refuses(monkeypatch, (2, 3, 1 << 12, 1 << 12))
    assert refuses(monkeypatch, (4, 3, 1 << 12, 1 << 12))
    assert not refuses(monkeypatch, (-1, 3, 1, 1)) and not refuses(monkeypatch, (1, 3, 1, 1))
    for shape in ((0, 3, 32, 64), (-2, 3, 32, 64), (1, 3, 0, 64), (1, 3, 32, 0), (1, 3, -1, -1)):
        assert refuses(monkeypatch, shape)
    nan, infinite = float("nan"), float("inf")
    for colours in ((0, 0), (0, 0, 0, 0), (0, nan, 0), (0, 0, infinite)):
        assert refuses(monkeypatch, mean=colours)
    for spread in ((1, 1), (1, 1, 0), (1, -1, 1), (infinite, 1, 1)):
        assert refuses(monkeypatch, std=spread)
    assert not refuses(monkeypatch, std=(1e-3, 1, 1), mean=(-1, 0, 2))


@pytest.mark.parametrize("error", [RuntimeError, ValueError, TypeError])
def test_a_graph_predicts_or_is_named_where_its_sidecar_does_not_fit(monkeypatch, error):
    def fail(_):
        raise error("C++ stack")

    def doubled(images):
        return ms.Tensor(2 * images.asnumpy()[:, 0])

    image = images_of((32, 64))
    for graph in (doubled, fail):
        monkeypatch.setattr(prediction, "load_graph", lambda _, graph=graph: (graph, sidecar()))
        predictor = graph_predictor("a.mindir", 1)
        if graph is doubled:
            expected = 2 * (np.float32(image[0][..., 0]) / 255)
            np.testing.assert_allclose(predictor.batch(image)[0], expected, atol=1e-6)
        else:
            with pytest.raises(InputError, match=r"a\.mindir.*1x3x32x64.*export it again"):
                predictor.batch(image)


def test_the_network_predicts_in_evaluation_mode(tmp_path, monkeypatch):
    """BatchNorm takes its moving statistics, mean 0 and variance 1, and not the batch's."""
    network = nn.SequentialCell(nn.BatchNorm2d(3), nn.Conv2d(3, 1, 1))
    checkpoint.save_networks({"midas": network}, tmp_path / "n.ckpt")
    monkeypatch.setattr(prediction, "MidasNet", network.set_train)
    predict = load_predict(tmp_path / "n.ckpt", "O0", Device("CPU"))
    images = np.random.default_rng(0).random((2, 3, 4, 5), np.float32)
    weight = network[1].weight.asnumpy()[0, :, 0, 0] / np.sqrt(1 + 1e-5)
    expected = np.einsum("bchw,c->bhw", images, weight)
    np.testing.assert_allclose(predict(images)[:, 0], expected, atol=1e-5)


def test_the_newest_checkpoint_of_a_folder(tmp_path):
    with pytest.raises(InputError, match="Midas_"):
        weights_file(tmp_path)
    for name in ("Midas_0-1_4.ckpt", "other.ckpt"):
        (tmp_path / name).touch()
    assert weights_file(tmp_path).name == "Midas_0-1_4.ckpt"
    assert weights_file(tmp_path / "a.mindir").name == "a.mindir"
    with pytest.raises(InputError, match="none.ckpt does not exist"):
        weights_file(tmp_path / "none.ckpt")


def test_the_last_short_batch_is_filled_and_cut():
    """Three frames in a batch of four: the third map is that of the third frame."""
    frames = images_of((20, 30), (20, 30), (20, 30))
    maps = Predictor(red, landscape_or_portrait, **IMAGE, batch_size=4).batch(frames)
    assert len(maps) == 3
    scaled = cv2.resize(np.float32(frames[2]) / 255, (64, 32), interpolation=cv2.INTER_CUBIC)
    expected = cv2.resize((scaled[..., 0] - np.float32(0.5)) / np.float32(0.2), (30, 20))
    np.testing.assert_allclose(maps[2], expected, atol=1e-5)

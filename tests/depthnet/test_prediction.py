"""Depth of images of any size: which weights are taken, the crop, and the way back."""

import json
import math

import mindspore as ms
import numpy as np
import pytest

from depthnet.src import prediction
from depthnet.src.model_utils.errors import InputError


def paths(folder):
    return [folder / f"Final{name}.ckpt" for name in ("CoarseNet", "FineNet")]


def predictor(weights, nets, kinds=("coarse", "fine"), cropped=True):
    """A Predictor whose networks are replaced by functions of numpy arrays."""
    made = prediction.Predictor(paths(weights)[:1], cropped=cropped)
    made.nets = [as_net(function) for function in nets]
    made.kinds = list(kinds)
    return made


def as_net(function):
    return lambda *tensors: ms.Tensor(np.float32(function(*(t.asnumpy() for t in tensors))))


def two_metres(*_):
    return np.full((1, 1, 55, 74), math.log(2))


def columns(rgb):
    """Log of the input's red value at each fourth pixel: it ends where the image's crop ends."""
    return np.log(rgb[:, :1, 4:224:4, 4:300:4])


def test_coarse_alone_or_coarse_and_fine(weights, monkeypatch):
    given = []
    monkeypatch.setattr(
        prediction, "with_graph_cache", lambda net, eager: given.append(eager) or net
    )
    assert prediction.Predictor(paths(weights)[:1]).kinds == ["coarse"]
    both = prediction.Predictor(paths(weights))
    assert both.kinds == ["coarse", "fine"] and both.cropped is True and both.batch_size == 1
    expected = ms.load_checkpoint(str(paths(weights)[1]))["conv1.weight"].asnumpy()
    np.testing.assert_array_equal(both.nets[1].conv1.weight.asnumpy(), expected)
    prediction.Predictor(paths(weights), eager=True)
    assert given == [False, False, False, True, True]


def test_wrong_weights_are_answered(weights, tmp_path, monkeypatch):
    coarse, fine = paths(weights)
    for given, message in (
        ([fine], "is of another model"),
        ([coarse, coarse, fine], "expected coarse, coarse and fine, or the graph of both"),
        ([coarse, "no.ckpt"], "no.ckpt does not exist"),
        ([], "expected coarse"),
    ):
        with pytest.raises(InputError, match=message):
            prediction.Predictor(given)
    graph = tmp_path / "fine.mindir"
    monkeypatch.setattr(prediction, "load_graph", lambda path: (None, {"graph": "fine"}))
    with pytest.raises(InputError, match=r"are \['fine'\]: expected coarse"):
        prediction.Predictor([graph])
    assert prediction.Predictor([coarse, graph]).kinds == ["coarse", "fine"]


def test_log_depth_becomes_metres_and_the_graph_of_both_gives_them(weights):
    image = np.zeros((480, 640, 3), np.uint8)
    for nets, kinds, expected in (
        ([two_metres], ["coarse"], 2),
        ([two_metres, lambda rgb, coarse: coarse + math.log(3)], ["coarse", "fine"], 6),
        ([two_metres], ["both"], math.log(2)),
    ):
        (depth,) = predictor(weights, nets, kinds).batch([image])
        assert depth.shape == (480, 640) and depth.dtype == np.float32
        np.testing.assert_allclose(depth, expected, rtol=1e-5)


def test_each_image_keeps_its_size(weights):
    images = [np.zeros((height, width, 3), np.uint8) for height, width in ((90, 320), (33, 21))]
    maps = predictor(weights, [two_metres], ["coarse"]).batch(images)
    assert [values.shape for values in maps] == [(90, 320), (33, 21)]


@pytest.mark.parametrize("batch_size", [1, 2, 4])
def test_images_are_predicted_together_and_short_batches_filled(weights, batch_size):
    sizes = []

    def red(rgb):
        sizes.append(len(rgb))
        return columns(rgb)

    several = predictor(weights, [red], ["coarse"])
    several.batch_size = batch_size
    images = [np.full((60 + level, 80, 3), level, np.uint8) for level in (50, 100, 150)]
    maps = several.batch(images)
    assert sizes == [batch_size] * -(-3 // batch_size)
    for image, values in zip(images, maps, strict=True):
        assert values.shape == image.shape[:2]
        np.testing.assert_allclose(values, image[0, 0, 0] / 255, rtol=1e-4)


def test_a_graph_takes_one_image_at_a_time(weights, tmp_path, monkeypatch):
    assert prediction.Predictor(paths(weights), batch_size=4).batch_size == 4
    monkeypatch.setattr(prediction, "load_graph", lambda path: (None, {"graph": "both"}))
    assert prediction.Predictor([tmp_path / "both.mindir"], batch_size=4).batch_size == 1


def test_the_border_is_cut_off_and_filled_by_the_edge(weights):
    """Of 120x160 pixels the crop leaves 114x152 from (3, 4) on; the border's level is not seen."""
    image = np.full((120, 160, 3), 255, np.uint8)
    image[3:117, 4:156] = 51
    depth = predictor(weights, [columns], ["coarse"]).batch([image])[0]
    np.testing.assert_allclose(depth, 0.2, atol=1e-5)
    image[3:117, 4:156] = np.arange(50, 202)[None, :, None]
    depth = predictor(weights, [columns], ["coarse"]).batch([image])[0]
    assert (np.diff(depth[60, 4:156]) >= -1e-6).all()
    np.testing.assert_array_equal(depth[:, :4], np.repeat(depth[:, 4:5], 4, 1))
    np.testing.assert_array_equal(depth[:, 156:], np.repeat(depth[:, 155:156], 4, 1))
    np.testing.assert_array_equal(depth[:3], np.repeat(depth[3:4], 3, 0))
    np.testing.assert_array_equal(depth[117:], np.repeat(depth[116:117], 3, 0))


def test_without_the_crop_all_of_the_image_counts(weights):
    image = np.full((120, 160, 3), 51, np.uint8)
    image[:, :40] = 255
    depth = predictor(weights, [columns], ["coarse"], cropped=False).batch([image])[0]
    np.testing.assert_allclose(depth[:, :37], 1, atol=1e-5)
    np.testing.assert_allclose(depth[:, 44:], 0.2, atol=1e-5)


def test_a_graph_is_told_by_its_sidecar(tmp_path):
    (tmp_path / "a.mindir").write_bytes(b"broken")
    sidecar = {"graph": "both", "inputs": [{"shape": [1, 3]}]}
    (tmp_path / "a.json").write_text(json.dumps(sidecar))
    with pytest.raises(InputError, match="truncated or not a MindIR"):
        prediction.Predictor([tmp_path / "a.mindir"])

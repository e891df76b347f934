"""The forms of the decoders' convolutions are equal, for every input, border and size."""

import mindspore as ms
import numpy as np
import pytest

from monodepth2.src.model_utils import strips
from monodepth2.src.model_utils.cpu_forms import use_plain_forms
from monodepth2.src.model_utils.strips import StripConvTranspose
from monodepth2.src.sfm_utils import decoder_conv
from monodepth2.src.sfm_utils.decoder_conv import DecoderConv

RNG = np.random.default_rng(0)
SIZES = {"tiles fit": (4, 8), "tiles are cut": (3, 5), "one pixel": (1, 1)}


@pytest.fixture
def small_tiles(monkeypatch):
    """Small maps take tiles too."""
    monkeypatch.setattr(decoder_conv, "_LEAST_PIXELS", 1)


@pytest.fixture
def thin_strips(monkeypatch):
    """Each strip as thin as it may be."""
    monkeypatch.setattr(strips, "_MOST_NUMBERS", 1)


def random(*shape):
    return ms.Tensor(RNG.normal(size=shape).astype(np.float32))


# Of the features, by output channels and training.
FORMS = {
    (5, True): "TurnedConv",
    (5, False): "TurnedConv",
    (9, True): "TurnedConv",
    (9, False): "Conv2D",
    (33, True): "TiledConv",
    (33, False): "Conv2D",
}


@pytest.mark.parametrize(("outputs", "training"), FORMS)
def test_the_form_that_is_fastest_is_taken(outputs, training, monkeypatch, small_tiles):
    taken = []
    for name in ("TurnedConv", "TiledConv", "DoubledConv"):
        form = getattr(decoder_conv, name)

        def construct(self, *given, form=form.construct, name=name):
            taken.append(name)
            return form(self, *given)

        monkeypatch.setattr(form, "construct", construct)
    conv = DecoderConv(3, 2, outputs, "zero").set_train(training)
    conv(random(1, 3, 4, 4), random(1, 2, 8, 8))
    assert taken == ["DoubledConv", *{FORMS[outputs, training]} - {"Conv2D"}]
    conv.cpu_form = False
    conv(random(1, 3, 4, 4), random(1, 2, 8, 8))
    assert len(taken) <= 2


# Channels of the map and of the result, their size, images.
INFERENCE = {
    (128, 128, (16, 56), 1): "TiledConv",
    (128, 128, (13, 13), 4): "TiledConv",  # tiles are cut
    (128, 128, (16, 52), 1): "Conv2D",
    (127, 128, (16, 56), 1): "Conv2D",
    (128, 127, (16, 56), 1): "Conv2D",
    (128, 128, (5, 19), 6): "Conv2D",  # 95 pixels: mostly border
}


@pytest.mark.parametrize(("channels", "outputs", "size", "batch"), INFERENCE)
def test_many_channels_take_tiles_in_inference_too(channels, outputs, size, batch, monkeypatch):
    taken = []
    form = decoder_conv.TiledConv.construct
    monkeypatch.setattr(
        decoder_conv.TiledConv, "construct", lambda *given: taken.append(1) or form(*given)
    )
    conv, x = DecoderConv(0, channels, outputs, "reflect"), random(batch, channels, *size)
    conv.set_train(False)
    fast = conv(None, x).asnumpy()
    assert bool(taken) == (INFERENCE[channels, outputs, size, batch] == "TiledConv")
    conv.cpu_form = False
    plain = conv(None, x).asnumpy()
    np.testing.assert_allclose(fast, plain, atol=2e-5 * np.abs(plain).max())


def test_exported_maps_stay_in_the_layout_of_mindspore_lite(tmp_path):
    """It turns them to another one and back around strided slices and tiles."""
    conv, path = DecoderConv(3, 2, 5, "reflect").set_train(False), tmp_path / "conv.mindir"
    use_plain_forms(conv)
    ms.export(
        conv, random(1, 3, 4, 4), random(1, 2, 8, 8), file_name=str(path), file_format="MINDIR"
    )
    graph = path.read_bytes()
    assert b"ResizeNearestNeighbor" in graph and b"Slice" in graph
    assert b"StridedSlice" not in graph and b"Tile" not in graph


@pytest.mark.parametrize(("outputs", "training"), FORMS)
@pytest.mark.parametrize("border", ["reflect", "zero"])
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize(("small", "channels"), [(3, 2), (3, 0), (0, 2)])
def test_both_forms_and_their_gradients_are_equal(
    outputs, training, border, size, small, channels, small_tiles
):
    height, width = size
    conv = DecoderConv(small, channels, outputs, border, weight_init="normal", bias_init="normal")
    conv.set_train(training)
    conv.weight.set_data(random(outputs, small + channels, 3, 3))
    inputs = [random(2, small, height, width)] if small else []
    inputs += [random(2, channels, 2 * height, 2 * width)] if channels else []
    weights = random(2, outputs, 2 * height, 2 * width)

    def total(*inputs):
        first = inputs[0] if small else None
        y = conv(first, inputs[-1] if channels else None)
        return (y * weights).sum(), y

    gradient = ms.value_and_grad(total, tuple(range(len(inputs))), conv.trainable_params(), True)
    results = []
    for conv.cpu_form in (False, True):
        (_, y), (of_inputs, of_parameters) = gradient(*inputs)
        results.append([array.asnumpy() for array in (y, *of_inputs, *of_parameters)])
    for plain, tiled in zip(*results):
        assert plain.shape == tiled.shape and np.abs(plain).max() > 0.1
        np.testing.assert_allclose(tiled, plain, atol=2e-5 * np.abs(plain).max())


@pytest.mark.parametrize("border", ["reflect", "zero"])
def test_strips_of_large_maps_are_equal(border, thin_strips, monkeypatch):
    """Two of the doubled map, four of the features."""
    taken, construct = [], StripConvTranspose.construct
    monkeypatch.setattr(
        StripConvTranspose, "construct", lambda *given: taken.append(1) or construct(*given)
    )
    test_both_forms_and_their_gradients_are_equal(5, True, border, (8, 6), 3, 2, None)
    assert len(taken) == 2
    DecoderConv(3, 2, 5, border).set_train(False)(random(1, 3, 8, 6), random(1, 2, 16, 12))
    assert len(taken) == 2  # only training pays for the copies


def test_an_unknown_border():
    with pytest.raises(ValueError, match="border 'same': choose one of reflect, zero"):
        DecoderConv(1, 1, 1, "same")

"""Networks: shapes, sizes, names, and which a training has; test_parity_networks has numbers."""

import json

import mindspore as ms
import numpy as np
import pytest
from mindspore import nn, ops

from monodepth2.src.model_utils.errors import InputError
from monodepth2.src.networks import (
    DepthDecoder,
    Motion,
    PoseCNN,
    PoseDecoder,
    ResnetEncoder,
    make_networks,
    source_frames,
)
from tests.golden_files import golden_dir
from tests.monodepth2.golden_networks import torch_name

KEYS = json.loads((golden_dir("monodepth2") / "weights" / "state_dict_keys.json").read_text())
IMAGE = np.random.default_rng(0).random((1, 3, 64, 96), np.float32)


@pytest.fixture(autouse=True)
def pynative():
    ms.set_context(mode=ms.PYNATIVE_MODE)


def networks(**options):
    given = {"num_layers": 18, "scales": [0, 1, 2, 3], "sources": (-1, 1)}
    given |= {"pose_model_type": "separate_resnet", "pose_model_input": "pairs"}
    return make_networks(**{**given, "predictive_mask": False, **options})


# Parameters of torchvision's models without the classifier, buffers not counted.
@pytest.mark.parametrize(
    ("layers", "count"),
    [(18, 11_176_512), (34, 21_284_672), (50, 23_508_032), (101, 42_500_160), (152, 58_143_808)],
)
def test_encoders_have_the_size_of_the_published_ones(layers, count):
    encoder = ResnetEncoder(layers)
    assert sum(parameter.size for parameter in encoder.trainable_params()) == count
    assert encoder.num_ch_enc[-1] == (512 if layers < 50 else 2048)


def test_an_encoder_gives_five_maps():
    features = ResnetEncoder(18).set_train(False)(ms.Tensor(IMAGE))
    shapes = [tuple(values.shape) for values in features]
    sides = [(32, 48), (16, 24), (8, 12), (4, 6), (2, 3)]
    channels = [64, 64, 128, 256, 512]
    assert shapes == [(1, c, *side) for c, side in zip(channels, sides)]


@pytest.mark.parametrize("scales", [[0], [0, 2], [0, 1, 2, 3]])
def test_a_decoder_gives_the_scales_that_are_asked_for(scales):
    features = [
        ms.Tensor(np.ones((1, c, 64 >> level, 96 >> level), np.float32))
        for level, c in enumerate([64, 64, 128, 256, 512], 1)
    ]
    outputs = DepthDecoder([64, 64, 128, 256, 512], scales, 2)(tuple(features))
    assert [tuple(o.shape) for o in outputs] == [(1, 2, 64 >> s, 96 >> s) for s in scales]
    assert all(o.asnumpy().min() >= 0 and o.asnumpy().max() <= 1 for o in outputs)


def expected_keys(run, network):
    return {
        name: tuple(shape)
        for name, shape, _ in KEYS[run][network]
        if not name.endswith("num_batches_tracked") and ".fc." not in name
    }


@pytest.mark.parametrize("layers", [18, 50])
def test_parameters_have_the_published_names_and_shapes(layers):
    found = networks(num_layers=layers, sources=(-1, 1, "s"), predictive_mask=True)
    compared = 0
    for name in set(found) & set(KEYS[f"resnet{layers}"]):
        if name == "predictive_mask":
            continue
        ours = {torch_name(p.name)[0]: tuple(p.shape) for p in found[name].get_parameters()}
        assert ours == expected_keys(f"resnet{layers}", name), name
        compared += 1
    assert compared == 4
    ours = {torch_name(p.name)[0]: tuple(p.shape) for p in PoseCNN(2).get_parameters()}
    assert ours == expected_keys("posecnn_2", "pose")


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({}, "encoder depth pose_encoder pose"),
        ({"sources": ("s",)}, "encoder depth"),
        ({"sources": (-1, 1, "s")}, "encoder depth pose_encoder pose"),
        ({"pose_model_type": "shared"}, "encoder depth pose"),
        ({"pose_model_type": "posecnn"}, "encoder depth pose"),
        ({"predictive_mask": True}, "encoder depth pose_encoder pose predictive_mask"),
    ],
)
def test_a_training_has_the_networks_of_the_original(options, names):
    assert list(networks(**options)) == names.split()


@pytest.mark.parametrize("kind", ["separate_resnet", "shared", "posecnn"])
def test_all_images_at_once_give_a_motion_to_each_neighbour(kind):
    sources = (-2, -1, 1)
    found = networks(sources=sources, pose_model_type=kind, pose_model_input="all")
    for network in found.values():
        network.set_train(False)
    motion = Motion(found, sources, kind, "all")
    assert motion.inverted == (False, False, False)
    images = tuple(ms.Tensor(np.roll(IMAGE, shift, 3)) for shift in range(4))
    last = tuple(found["encoder"](image)[4] for image in images)
    motions = motion(images, last)
    assert [tuple(v.shape for v in pair) for pair in motions] == [((1, 3), (1, 3))] * 3
    assert len({float(axis_angle.asnumpy()[0, 0]) for axis_angle, _ in motions}) == 3


def test_a_mask_has_a_channel_for_each_source():
    found = networks(sources=(-1, 1, "s"), predictive_mask=True)
    assert found["predictive_mask"].decoder[10].conv.weight.shape[0] == 3


@pytest.mark.parametrize(
    ("frame_ids", "use_stereo", "expected"),
    [([0, -1, 1], False, (-1, 1)), ([0, -1, 1], True, (-1, 1, "s")), ([0], True, ("s",))],
)
def test_sources_are_the_neighbours_then_the_other_camera(frame_ids, use_stereo, expected):
    assert source_frames(frame_ids, use_stereo) == expected


@pytest.mark.parametrize(
    ("frame_ids", "text"),
    [([0], "add --use_stereo"), ([-1, 0, 1], "write 0 first"), ([0, 1, 1], "frame_ids 0 1 1")],
)
def test_frames_that_leave_nothing_to_learn_from_are_refused(frame_ids, text):
    with pytest.raises(InputError, match=text):
        source_frames(frame_ids, False)


def test_a_pose_starts_near_the_identity():
    """Outputs are a hundredth of the network's, so that the first warps are small."""
    pose = PoseDecoder([64, 64, 128, 256, 512], 1, 2)
    features = ms.Tensor(np.random.default_rng(1).random((2, 512, 2, 4), np.float32))
    axis_angle, translation = pose((features,))
    assert np.abs(axis_angle.asnumpy()).max() < 0.1 and np.abs(translation.asnumpy()).max() < 0.1


def test_a_step_lowers_the_error_of_a_fixed_image():
    ms.set_seed(0)
    encoder, depth = ResnetEncoder(18), DepthDecoder([64, 64, 128, 256, 512], [0])
    parameters = [*encoder.trainable_params(), *depth.trainable_params()]
    optimizer = nn.Adam(parameters, 1e-4)

    def error(image):
        return ops.square(depth(encoder(image))[0] - 0.2).mean()

    gradients_of = ms.value_and_grad(error, None, parameters)
    first, gradients = gradients_of(ms.Tensor(IMAGE))
    optimizer(gradients)
    assert float(error(ms.Tensor(IMAGE)).asnumpy()) < float(first.asnumpy())

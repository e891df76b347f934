"""What a step computes, compiled as a training compiles it, with every option.

The networks are stand-ins of a few parameters: to compile a ResNet takes most of the time.
"""

import mindspore as ms
import numpy as np
import pytest
from mindspore import nn, ops

from monodepth2.src.datasets.fields import STEREO
from monodepth2.src.forward import Forward, for_training
from monodepth2.src.losses import Reprojection, ViewSynthesisLoss, tie_break_noise
from monodepth2.src.model_utils.checkpoint import prefix_names
from monodepth2.src.model_utils.device import Device
from monodepth2.src.model_utils.step import TrainStep, fields_of
from monodepth2.src.model_utils.validation import EvalStep
from monodepth2.src.networks import Motion
from monodepth2.src.optimizers import Adam

BATCH, HEIGHT, WIDTH = 2, 32, 64
CPU = Device("CPU")


@pytest.fixture(autouse=True)
def graph_mode():
    ms.set_context(mode=ms.GRAPH_MODE)


class Encoder(nn.Cell):
    """Five maps of two channels."""

    def __init__(self, images=1):
        super().__init__()
        self.conv = nn.Conv2d(3 * images, 2, 2, stride=2, pad_mode="valid", has_bias=True)
        self.norm, self.pool = nn.BatchNorm2d(2), nn.AvgPool2d(2, 2)

    def construct(self, image):
        first = self.norm(self.conv(image))
        second = self.pool(first)
        return first, second, second, second, self.pool(second)


class Decoder(nn.Cell):
    """Maps at two scales."""

    def __init__(self, channels=1):
        super().__init__()
        self.convs = nn.CellList([nn.Conv2d(2, channels, 1, has_bias=True) for _ in range(2)])

    def construct(self, features):
        first, second = self.convs[0](features[0]), self.convs[1](features[0])
        full = ops.tile(first.reshape(*first.shape, 1, 1), (1, 1, 1, 1, 2, 2))
        batch, channels, height, width = first.shape
        full = full.transpose(0, 1, 2, 4, 3, 5).reshape(batch, channels, 2 * height, 2 * width)
        return ops.sigmoid(full - 2), ops.sigmoid(second - 2)


class Pose(nn.Cell):
    """Motions from the mean of what it sees."""

    def __init__(self, channels, count, of_features):
        super().__init__()
        self.dense, self.of_features, self.count = nn.Dense(channels, 6 * count), of_features, count

    def construct(self, seen):
        if self.of_features:
            seen = ops.concat(seen, 1) if len(seen) > 1 else seen[0]
        vectors = 0.01 * self.dense(seen.mean((2, 3))).reshape(-1, self.count, 6)
        return vectors[:, :, :3], vectors[:, :, 3:]


def networks_of(sources, kind, given, mask):
    moving = [source for source in sources if source != STEREO]
    frames = 2 if given == "pairs" else 1 + len(moving)
    networks = {"encoder": Encoder(), "depth": Decoder()}
    if moving and kind == "separate_resnet":
        networks["pose_encoder"] = Encoder(frames)
        networks["pose"] = Pose(2, frames - 1, True)
    elif moving:
        channels = 2 * frames if kind == "shared" else 3 * frames
        networks["pose"] = Pose(channels, frames - 1, kind == "shared")
    if mask:
        networks["predictive_mask"] = Decoder(len(sources))
    prefix_names(networks)
    return networks


def forward_of(
    sources=(-1, 1),
    kind="separate_resnet",
    given="pairs",
    mask=False,
    automask=True,
    average=False,
    v1=False,
    **options,
):
    networks = networks_of(sources, kind, given, mask)
    motion = Motion(networks, sources, kind, given)
    shape = BATCH, 1 if average else len(sources), HEIGHT, WIDTH
    noise = tie_break_noise(0, *shape) if automask else None
    loss = ViewSynthesisLoss(
        Reprojection(noise, average=average, **options),
        scales=(0, 1),
        disparity_smoothness=1e-3,
        limits=(0.1, 100),
        inverted=motion.inverted,
        at_each_scale=v1,
        scaled_motion=kind == "posecnn",
    )
    return networks, Forward(networks, motion, loss, sources), (motion, loss)


def batch_of(forward, seed=0):
    rng, arrays = np.random.default_rng(seed), []
    K = np.float32([[40, 0, 32], [0, 40, 16], [0, 0, 1]])
    fixed = {"K": K, "inv_K": np.linalg.inv(K).astype(np.float32)}
    moved = np.eye(4, dtype=np.float32)
    moved[0, 3] = -0.1
    fixed["stereo_T"] = moved
    for name in forward.fields:
        if name in fixed:
            array = np.repeat(fixed[name][None], BATCH, 0)
        else:
            scale = 0 if name.startswith("color_aug") else int(name[-1])
            shape = BATCH, 3, HEIGHT >> scale, WIDTH >> scale
            array = rng.integers(0, 256, shape, np.uint8)
        arrays.append(ms.Tensor(array))
    return tuple(arrays)


OPTIONS = [
    {},
    {"sources": ("s",)},
    {"sources": (-1, 1, "s"), "align_corners": False},
    {"average": True, "use_ssim": False},
    {"v1": True, "sources": (-1, "s")},
    {"mask": True, "automask": False, "sources": (-1, 1, "s")},
    {"v1": True, "mask": True, "automask": False, "average": True},
    {"kind": "shared", "sources": (-1, 1, "s")},
    {"kind": "shared", "given": "all"},
    {"kind": "posecnn"},
    {"kind": "posecnn", "given": "all"},
    {"given": "all"},
]


@pytest.mark.slow
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_steps_with_every_option_are_finite_and_train_every_network(options):
    networks, forward, _ = forward_of(**options)
    parameters = [p for network in networks.values() for p in network.trainable_params()]
    before = {p.name: p.asnumpy().copy() for p in parameters}
    step = TrainStep(forward, networks, Adam(parameters, 1e-3), CPU)
    assert fields_of(forward) == forward.fields
    for number in range(2):
        step(batch_of(forward, number))
    outcome = step.look()
    assert outcome.bad_step is None and np.isfinite(list(outcome.values.values())).all()
    assert ("masked" in outcome.values) == options.get("automask", True)
    assert outcome.values["loss"] == pytest.approx(
        (outcome.values["loss/0"] + outcome.values["loss/1"]) / 2, rel=1e-5
    )
    for name in networks:
        # The bias before a BatchNorm has no effect, hence no gradient.
        moved = [np.any(before[p.name] != p.asnumpy()) for p in networks[name].trainable_params()]
        assert any(moved), name


def test_a_validation_shows_its_images_and_changes_nothing():
    networks, _, (motion, loss) = forward_of(sources=(-1, 1, "s"))
    shown = Forward(networks, motion, loss, (-1, 1, "s"), with_images=True)
    before = [p.asnumpy().copy() for net in networks.values() for p in net.get_parameters()]
    batch = batch_of(shown)
    scalars, maps = EvalStep(shown, networks)(batch)
    assert list(scalars) == ["loss/0", "loss/1", "loss", "masked"]
    assert set(maps) == {"disparity", "target", "error", "automask"} | {
        f"warped_{tag}" for tag in ("m1", "p1", "s")
    }
    target = batch[shown.fields.index("color_0_0")].asnumpy()
    np.testing.assert_allclose(maps["target"], target / 255, atol=1e-6)
    assert maps["error"].shape == maps["disparity"].shape == (BATCH, 1, HEIGHT, WIDTH)
    assert maps["automask"].mean() == pytest.approx(scalars["masked"], abs=1e-5)
    after = [p.asnumpy() for net in networks.values() for p in net.get_parameters()]
    assert all(np.array_equal(one, other) for one, other in zip(before, after))


def test_the_networks_see_the_jittered_images_and_the_loss_the_plain_ones():
    networks, forward, _ = forward_of()
    batch, step = list(batch_of(forward)), EvalStep(forward, networks)
    loss = step(tuple(batch))[0]["loss"]
    for name in ("color_aug_0", "color_aug_p1", "color_0_0", "color_0_1", "color_m1_0"):
        place = forward.fields.index(name)
        other = [*batch]
        other[place] = ms.Tensor(batch[place].asnumpy() // 2)
        assert step(tuple(other))[0]["loss"] != loss, name
    assert [name for name in forward.fields if "aug" in name] == [
        "color_aug_0",
        "color_aug_m1",
        "color_aug_p1",
    ]


def test_frozen_networks_keep_their_statistics():
    networks, _, _ = forward_of()
    computed, scaler = for_training(networks, False, "O0", CPU)
    assert computed == networks and scaler is None
    assert not any(network.training for network in networks.values())
    for_training(networks, True, "O0", CPU)
    assert all(network.training for network in networks.values())

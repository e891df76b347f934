"""CoarseNet and FineNet: shapes, sizes, initial weights, and that a step learns."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import nn

from depthnet.src.losses import DepthLoss
from depthnet.src.model_utils.checkpoint import save_networks
from depthnet.src.model_utils.device import Device
from depthnet.src.model_utils.step import TrainStep
from depthnet.src.networks import CoarseNet, DepthNet, FineNet
from depthnet.src.transforms import DEPTH_SIZE, IMAGE_SIZE


@pytest.fixture(scope="module")
def rgb():
    return ms.Tensor(np.random.default_rng(0).random((2, 3, *IMAGE_SIZE), np.float32))


def test_shapes_and_the_one_graph_of_both(rgb):
    coarse, fine = CoarseNet(), FineNet()
    depth = coarse(rgb)
    assert depth.shape == (2, 1, *DEPTH_SIZE)
    refined = fine(rgb, depth).asnumpy()
    both = DepthNet(coarse, fine)(rgb).asnumpy()
    np.testing.assert_allclose(both, np.exp(refined), rtol=1e-5)


def test_conv5_is_applied_three_times(rgb):
    net, shapes = CoarseNet(), []
    conv5 = net.conv5

    def note(x):
        shapes.append(x.shape)
        return conv5(x)

    del net.conv5
    object.__setattr__(net, "conv5", note)  # no cell, which graph mode would call once, to compile
    net.construct(rgb)
    assert shapes == [(2, 512, 14, 19)] * 3


@pytest.mark.parametrize(
    ("name", "size", "border"),
    [("conv2", (12, 15), ((1, 1), (2, 2))), ("conv9", (6, 7), ((1, 0), (0, 0)))],
)
def test_two_convolutions_have_borders_of_their_own(name, size, border):
    """conv2: 1 above and below, 2 on either side. conv9: 1 above only."""
    conv = getattr(CoarseNet(), name)
    conv.pools = False
    x = np.random.default_rng(0).random((1, conv.in_channels, *size), np.float32)
    padded = ms.Tensor(np.pad(x, ((0, 0), (0, 0), *border)))
    expected = ms.ops.conv2d(padded, conv.weight, conv.bias, pad_mode="valid")
    np.testing.assert_allclose(conv(ms.Tensor(x)).asnumpy(), expected.asnumpy(), atol=1e-5)


def test_checkpoint_sizes_are_the_published_ones(tmp_path):
    """Apart from the empty record and the checksum at the end (21 bytes, see files.py)."""
    for net, size in ((CoarseNet(), 87_599_903), (FineNet(), 477_362)):
        save_networks({"net": net}, tmp_path / "net.ckpt")
        assert (tmp_path / "net.ckpt").stat().st_size == size + 21


def test_fine_weights_start_as_a_narrow_normal_and_follow_the_seed():
    ms.set_seed(3)
    first = FineNet()
    ms.set_seed(3)
    again = FineNet()
    for one, other in zip(first.get_parameters(), again.get_parameters()):
        np.testing.assert_array_equal(one.asnumpy(), other.asnumpy())
    weights = first.conv2.weight.asnumpy()
    assert abs(weights.mean()) < 1e-3 and weights.std() == pytest.approx(0.01, rel=0.05)


def test_fine_depends_on_the_coarse_map_and_on_the_image(rgb):
    net = FineNet()
    zero = ms.ops.zeros((2, 1, *DEPTH_SIZE), ms.float32)
    base = net(rgb, zero).asnumpy()
    assert np.abs(net(rgb, zero + 1).asnumpy() - base).max() > 1e-4
    assert np.abs(net(rgb * 0, zero).asnumpy()).max() == 0


def test_a_step_lowers_the_loss_on_a_fixed_batch(rgb):
    ms.set_seed(0)
    net, loss = FineNet(), DepthLoss()
    coarse = ms.Tensor(np.full((2, 1, *DEPTH_SIZE), 0.5, np.float32))
    target = ms.Tensor(np.random.default_rng(1).uniform(1, 5, coarse.shape).astype(np.float32))
    optimizer = nn.Adam(net.trainable_params(), learning_rate=1e-3)

    def forward(image, depth):
        return {"loss": loss(net(image, coarse), depth)}

    step = TrainStep(forward, {"fine": net}, optimizer, Device("CPU"))
    losses = []
    for _ in range(4):
        step((rgb, target))
        losses.append(step.look().values["loss"])
    assert losses[-1] < losses[0]

"""Networks whose frames come one by one: which argument becomes what, on networks of a few sums."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import nn, ops

from geonet.src.model_utils.cpu_forms import use_plain_forms
from geonet.src.networks.full_flow import FullFlow, RigidFlow
from geonet.src.networks.serving import DepthGraph, DirectFlowGraph, FlowGraph, PoseGraph
from tests.geonet.golden_networks import arrays, filled, planes

CAMERA = np.float32([[[20, 0, 16], [0, 20, 8], [0, 0, 1]]])


@pytest.fixture(autouse=True)
def pynative():
    ms.set_context(mode=ms.PYNATIVE_MODE)


class Depth(nn.Cell):
    """Disparity: 2 plus the image's first channel, at four scales."""

    def construct(self, images):
        disparity = 2 + images[:, :1]
        return tuple(disparity[:, :, :: 2**scale, :: 2**scale] for scale in range(4))


class Poses(nn.Cell):
    """Source number s moves by its own mean less ten times the target's, along x."""

    def construct(self, images):
        means = images.reshape(images.shape[0], -1, 3, *images.shape[2:]).mean((2, 3, 4))
        step = means[:, 1:] - 10 * means[:, :1]
        return ops.concat((step.expand_dims(2), ops.zeros((*step.shape, 5), ms.float32)), 2)


class Residual(nn.Cell):
    """Flow: the third channel of the source."""

    def construct(self, inputs):
        flow = ops.tile(inputs[:, 5:6], (1, 2, 1, 1))
        return tuple(flow[:, :, :: 2**scale, :: 2**scale] for scale in range(4))


def networks():
    return {"depth_net": Depth(), "pose_net": Poses(), "flow_net": Residual()}


def frames(count):
    """The target, whose value is 0.5, and sources of value 1, 2, ... in hundredths."""
    values = [50, *range(1, count)]
    return [ms.Tensor(np.full((1, 3, 16, 32), value / 100, np.float32)) for value in values]


def plain(cell):
    """A network as it is exported."""
    use_plain_forms(cell)
    return cell


def camera():
    return ms.Tensor(CAMERA), ms.Tensor(np.float32(np.linalg.inv(CAMERA)))


@pytest.mark.parametrize("scale_normalize", [False, True])
def test_depth_of_a_graph(scale_normalize):
    (image,) = frames(1)
    depth = DepthGraph(Depth(), scale_normalize)(image).asnumpy()
    assert depth.shape == (1, 1, 16, 32)
    np.testing.assert_allclose(depth, 1 if scale_normalize else 1 / 2.5, rtol=1e-6)


@pytest.mark.parametrize("length", [3, 5])
def test_poses_see_the_target_then_the_sources(length):
    poses = PoseGraph(Poses())(*frames(length)).asnumpy()
    expected = [number / 100 - 5 for number in range(1, length)]
    np.testing.assert_allclose(poses[0, :, 0], expected, rtol=1e-5)


def test_poses_are_the_goldens():
    values = arrays("train_inputs.npz")
    stack = np.float32(planes(values["seq"]).asnumpy()) * np.float32(2 / 255) - 1
    parts = [ms.Tensor(stack[:, start : start + 3]) for start in (0, 3, 6)]
    poses = PoseGraph(filled(["pose_net"])["pose_net"])(*parts).asnumpy()
    np.testing.assert_allclose(poses, arrays("nets.npz")["pose_infer"], rtol=0, atol=2e-8)


@pytest.mark.parametrize(("length", "source"), [(3, 1), (5, 0), (5, 2)])
def test_the_flow_of_one_source(length, source):
    """Rigid: fx t / depth = 20 (s - 5) 2.5; the residual network adds the source's value s."""
    image, *sources = (two_samples(frame) for frame in frames(length))
    matrices = [ops.tile(matrix, (2, 1, 1)) for matrix in camera()]
    own = np.float32([source + 1, source + 3]).reshape(2, 1, 1) / 100
    rigid = FlowGraph(RigidFlow(networks(), False, source=source))
    found = rigid(image, *matrices, *sources).asnumpy()
    assert found.shape == (2, 2, 16, 32)
    np.testing.assert_allclose(found[:, 0], np.tile(50 * (own - 5), (1, 16, 32)), rtol=1e-4)
    np.testing.assert_allclose(found[:, 1], 0, atol=1e-4)
    full = plain(FlowGraph(FullFlow(networks(), "residual", False, source)))
    flow = full(image, *matrices, *sources).asnumpy()
    np.testing.assert_allclose(flow, found + own[:, None], rtol=1e-4, atol=1e-3)


def two_samples(frame):
    """A batch whose second sample is brighter by 0.02, the target (0.5) excepted."""
    return ops.concat((frame, frame + (0 if frame[0, 0, 0, 0] == 0.5 else 0.02)))


def test_a_direct_network_sees_the_image_and_the_next_one():
    flow = DirectFlowGraph(Residual())(*frames(2)).asnumpy()
    assert flow.shape == (1, 2, 16, 32)
    np.testing.assert_allclose(flow, 0.01, rtol=1e-6)
    # As FullFlow, which is given no more than the one source.
    image, source = frames(2)
    full = FullFlow({"flow_net": Residual()}, "direct", False, 0)(image, source, *camera())
    np.testing.assert_array_equal(flow, full.asnumpy())

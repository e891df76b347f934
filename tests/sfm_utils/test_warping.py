"""Projection by hand, and on rendered scenes whose depth, motion and flow are known."""

import mindspore as ms
import numpy as np
import pytest

from monodepth2.src.sfm_utils import planes_cpu, warping
from monodepth2.src.sfm_utils.sampling import Sampler
from monodepth2.src.sfm_utils.similarity import Similarity
from tests.synthetic.camera import relative_pose
from tests.synthetic.sequence import sequence

K = np.array([[10, 0, 2], [0, 20, 1], [0, 0, 1]], np.float32)


def tensor(values):
    return ms.Tensor(np.asarray(values, np.float32))


def test_a_point_by_hand():
    """Pixel (4, 2) at 5 m is the point (1, 0.25, 5), for the other camera (2, 0.25, 10)."""
    depth = np.full((1, 1, 3, 6), 5.0)
    points = warping.backproject(tensor(depth), tensor(np.linalg.inv(K)[None]))
    np.testing.assert_allclose(points.asnumpy()[0, :, 2 * 6 + 4], [1, 0.25, 5, 1], atol=1e-6)
    source_from_target = np.eye(4)[None]
    source_from_target[0, :3, 3] = 1, 0, 5
    place = warping.project(points, tensor(K[None]), tensor(source_from_target), 0, (3, 6))
    x, y = (axis.asnumpy()[0, 2, 4] for axis in place)
    np.testing.assert_allclose([x, y], [10 * 2 / 10 + 2, 20 * 0.25 / 10 + 1], rtol=1e-6)


def test_no_motion_leaves_every_pixel_in_place():
    depth = tensor(np.random.default_rng(0).uniform(1, 80, (2, 1, 5, 7)))
    intrinsics = np.stack([K, K * [[2], [1], [1]]])
    arguments = tensor(intrinsics), tensor(np.linalg.inv(intrinsics)), tensor([np.eye(4)] * 2)
    flow = warping.rigid_flow(depth, *arguments)
    np.testing.assert_allclose(flow.asnumpy(), 0, atol=1e-5)
    x, y = warping.places(flow)
    np.testing.assert_allclose(x.asnumpy()[1, 3], np.arange(7), atol=1e-5)
    np.testing.assert_allclose(y.asnumpy()[0, :, 2], np.arange(5), atol=1e-5)


@pytest.mark.parametrize("guard", [warping.MONODEPTH2_GUARD, warping.GEONET_GUARD])
def test_true_depth_and_motion_give_the_true_flow_and_fetch_the_image_back(guard):
    first, second = sequence("street", 3, 2, 48, 96, flow=True)
    depth = np.where(first.depth > 0, first.depth, 1e6).astype(np.float32)[None, None]
    source_from_target = relative_pose(second.camera, first.camera)[None]
    cameras = tensor(first.K[None]), tensor(np.linalg.inv(first.K)[None])
    flow = warping.rigid_flow(tensor(depth), *cameras, tensor(source_from_target), guard)
    known = first.flow_valid
    assert known.mean() > 0.5
    got = flow.asnumpy()[0].transpose(1, 2, 0)[known]
    np.testing.assert_allclose(got, first.flow[known], atol=2e-3)

    image = tensor(second.rgb.transpose(2, 0, 1)[None] / 255)
    fetched = Sampler("border")(image, *warping.places(flow)).asnumpy()[0].transpose(1, 2, 0)
    difference = np.abs(fetched - first.rgb / 255).mean(2)[first.visible]
    before = np.abs(second.rgb / 255.0 - first.rgb / 255).mean(2)[first.visible]
    assert difference.mean() < 0.5 * before.mean()


def test_the_gradient_of_depth_equals_finite_differences():
    rng = np.random.default_rng(1)
    depth = rng.uniform(2, 5, (1, 1, 3, 4))
    pose = np.eye(4)
    pose[:3, 3] = 0.3, -0.2, 0.5
    weights = tensor(rng.normal(size=(1, 2, 3, 4)))
    arguments = tensor(K[None]), tensor(np.linalg.inv(K)[None]), tensor(pose[None])

    def total(depth):
        return (warping.rigid_flow(depth, *arguments) * weights).sum()

    gradient = ms.grad(total)(tensor(depth)).asnumpy()
    for index in ((0, 0, 0, 0), (0, 0, 2, 3)):
        step = np.zeros_like(depth)
        step[index] = 1e-2
        change = float(total(tensor(depth + step))) - float(total(tensor(depth - step)))
        np.testing.assert_allclose(gradient[index], change / 2e-2, rtol=2e-2, atol=1e-3)


def scene(batch, sets=1):
    """A source image, random depths, cameras and motions: the arguments of InverseWarp."""
    rng = np.random.default_rng(2)
    poses = np.repeat(np.eye(4)[None], batch, 0)
    poses[:, :3] += rng.uniform(-0.1, 0.1, (batch, 3, 4))
    intrinsics = K * rng.uniform(0.8, 1.2, (batch, 3, 3))
    image, depth = rng.random((batch, 3, 7, 9)), rng.uniform(2, 5, (sets * batch, 1, 5, 6))
    return [tensor(a) for a in (image, depth, intrinsics, np.linalg.inv(intrinsics), poses)]


@pytest.mark.parametrize("sets", [1, 2])
@pytest.mark.parametrize("half_pixel", [False, True])
@pytest.mark.parametrize("outside", ["border", "zero"])
def test_both_forms_of_inverse_warping_and_their_gradients_are_equal(outside, half_pixel, sets):
    arguments, results = scene(3, sets), []
    weights = tensor(np.random.default_rng(3).normal(size=(3 * sets, 3, 5, 6)))
    for plain in (False, True):
        warp = warping.InverseWarp(1e-3, outside, half_pixel)
        warp.cpu_form = warp.sampler.cpu_form = not plain

        def total(*arguments, warp=warp):
            values = warp(*arguments)
            return (values * weights).sum(), values

        gradients, (values,) = ms.grad(total, (0, 1, 4), has_aux=True)(*arguments)
        results.append([values.asnumpy()] + [gradient.asnumpy() for gradient in gradients])
    for name, ours, expected in zip(("values", "image", "depth", "pose"), *results):
        scale = np.abs(expected).max()
        assert (scale == 0) == (name == "image")
        np.testing.assert_allclose(ours, expected, atol=1e-5 * scale, err_msg=name)


def test_a_compiled_gradient_is_the_same():
    """With everything that a photometric loss calls, as a training step compiles it."""
    image, depth, *cameras, poses = scene(2, sets=2)
    target = tensor(np.random.default_rng(4).random((2, 3, 5, 6)))
    warp, compare = warping.InverseWarp(1e-7, "border"), Similarity("reflect")

    def total(depth, poses):
        return compare(target, warp(image, depth, *cameras, poses)).sum()

    gradients = ms.grad(total, (0, 1))
    for got, expected in zip(ms.jit(gradients)(depth, poses), gradients(depth, poses)):
        assert np.abs(expected.asnumpy()).max() > 0.1
        np.testing.assert_allclose(got.asnumpy(), expected.asnumpy(), rtol=1e-5, atol=1e-5)


def test_the_guard_is_added_to_z():
    """A point at Z = 0 that the guard moves to Z = 1."""
    depth, pose = tensor([[[[1.0, 1], [1, 1]]]]), np.eye(4)
    pose[2, 3] = -1
    cameras = [tensor(np.eye(3)[None])] * 2
    image = tensor([[[[0, 1], [10, 11]]]])
    for plain in (False, True):
        warp = warping.InverseWarp(1, "border")
        warp.cpu_form = warp.sampler.cpu_form = not plain
        got = warp(image, depth, *cameras, tensor(pose[None])).asnumpy()
        np.testing.assert_allclose(got, image.asnumpy())


def test_blocks_of_any_size_give_the_same(monkeypatch):
    arguments, results = scene(5), []
    for block in (1, 70, 10**6):
        monkeypatch.setattr(planes_cpu, "_BLOCK", block)
        warp = warping.InverseWarp(0, "border")
        gradients = ms.grad(lambda *a, warp=warp: warp(*a).sum(), (1, 4))(*arguments)
        results.append([warp(*arguments).asnumpy()] + [g.asnumpy() for g in gradients])
    for other in results[1:]:
        for first, second in zip(results[0], other):
            # numpy adds up in another order.
            np.testing.assert_allclose(first, second, rtol=1e-5, atol=1e-5)

"""Geometry, sampling and losses equal GeoNet's goldens; sizes are read from the arrays."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import ops

from monodepth2.src.model_utils.resize import Resize
from monodepth2.src.sfm_utils import poses, similarity, smoothness, warping
from monodepth2.src.sfm_utils.sampling import Sampler
from tests.golden_files import golden_dir

GOLDEN = golden_dir("geonet")
# From the goldens' README: "Geometry, resizes, SSIM, smoothness: atol 1e-5 (flows 1e-4 px;
# gradients rtol 1e-4)"; a gradient is compared relative to the largest one.
ATOL, ATOL_FLOW, ATOL_SSIM, RTOL_GRADIENT = 1e-5, 1e-4, 1e-4, 1e-4
with np.load(GOLDEN / "geometry.npz") as file:
    GEOMETRY = {name: file[name] for name in file.files}


def channels_first(name):
    """An array of the goldens, NHWC, as (B, C, H, W)."""
    return ms.Tensor(np.ascontiguousarray(np.moveaxis(GEOMETRY[name], 3, 1)))


def check(got, name, atol=ATOL):
    np.testing.assert_allclose(np.moveaxis(got.asnumpy(), 1, 3), GEOMETRY[name], atol=atol)


def check_gradient(got, expected):
    got = got.asnumpy().reshape(expected.shape)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(got / scale, expected / scale, atol=RTOL_GRADIENT)


def pose_of(vector):
    """(B, 6), translation and Euler angles -> (B, 4, 4)."""
    return poses.pose(poses.rotation_from_euler(vector[:, 3:]), vector[:, :3])


def test_poses_from_euler_angles():
    got = pose_of(ms.Tensor(GEOMETRY["pose_vec"]))
    np.testing.assert_allclose(got.asnumpy(), GEOMETRY["pose_mat"], atol=ATOL)
    got = poses.inverse_pose(got).asnumpy()
    np.testing.assert_allclose(got, GEOMETRY["pose_mat_inv"], atol=ATOL)


def test_grid():
    batch, _, height, width = GEOMETRY["meshgrid"].shape
    got = warping.grid(batch, height, width).asnumpy()
    np.testing.assert_allclose(got, GEOMETRY["meshgrid"][:, :2], atol=ATOL)
    assert (GEOMETRY["meshgrid"][:, 2] == 1).all()


def flow_of(depth, vector, reverse):
    """Rigid flow of depth (B, H, W) and pose vector (B, 6)."""
    intrinsics = GEOMETRY["rf_K"]
    inverse = ms.Tensor(np.linalg.inv(intrinsics))
    pose = pose_of(vector)
    pose = poses.inverse_pose(pose) if reverse else pose
    return warping.rigid_flow(depth.expand_dims(1), ms.Tensor(intrinsics), inverse, pose)


@pytest.mark.parametrize("name", ["rf_fwd", "rf_rev"])
def test_rigid_flow_and_its_gradients(name):
    weights = channels_first("rf_grad_weights")

    def total(depth, vector):
        flow = flow_of(depth, vector, name == "rf_rev")
        return (flow * weights).sum(), flow

    depth, vector = (ms.Tensor(GEOMETRY[key]) for key in ("rf_depth", "rf_pose"))
    gradients, (_, flow) = ms.grad(total, (0, 1), has_aux=True)(depth, vector), total(depth, vector)
    check(flow, name, ATOL_FLOW)
    check_gradient(gradients[0][0], GEOMETRY[f"{name}_grad_depth"])
    check_gradient(gradients[0][1], GEOMETRY[f"{name}_grad_pose"])


def test_points_behind_the_camera_are_not_masked():
    vector = ms.Tensor(GEOMETRY["rf_behind_pose"])
    got = flow_of(ms.Tensor(GEOMETRY["rf_depth"]), vector, False).asnumpy()
    got, expected = np.moveaxis(got, 1, 3), GEOMETRY["rf_behind_fwd"]
    near = np.abs(expected) < 100  # beyond, Z is so small that rounding decides
    assert near.mean() > 0.9
    np.testing.assert_allclose(got[near], expected[near], rtol=1e-4, atol=1e-3)


# The original's grid is rounded by up to 1e-6 pixels, which decides on which side of the image's
# border, or of a kink of the gradient, a flow of whole pixels ends.
GRID = [ms.Tensor(GEOMETRY["meshgrid"][:, axis]) for axis in (0, 1)]


def warp(image, flow, image_gradient=False, plain=False):
    sampler = Sampler("zero", image_gradient)
    sampler.cpu_form = not plain
    return sampler(image, GRID[0] + flow[:, 0], GRID[1] + flow[:, 1])


def test_places_where_a_flow_ends():
    flow = channels_first("fw_grad_flow_in")
    for got, grid, axis in zip(warping.places(flow), GRID, (0, 1)):
        np.testing.assert_allclose(got.asnumpy(), (grid + flow[:, axis]).asnumpy(), atol=ATOL)


@pytest.mark.parametrize("plain", [False, True])
def test_warping(plain):
    image, flow = channels_first("fw_img"), channels_first("fw_flow")
    got = np.moveaxis(warp(image, flow, plain=plain).asnumpy(), 1, 3)
    huge = np.abs(GEOMETRY["fw_flow"]).max(3) > 1e5
    # There the original's weights cancel, leaving what rounding leaves; ours are 0.
    assert huge.any() and (got[huge] == 0).all()
    assert np.abs(GEOMETRY["fw_out"][huge]).max() < 1e-2
    np.testing.assert_allclose(got[~huge], GEOMETRY["fw_out"][~huge], atol=3 * ATOL)
    check(warp(image, ops.zeros_like(flow), plain=plain), "fw_zero_flow_out")


@pytest.mark.parametrize("plain", [False, True])
def test_warping_a_flow(plain):
    flow = 0.3 * channels_first("fw_grad_flow_in")
    got = np.moveaxis(warp(channels_first("fw_flow"), flow, plain=plain).asnumpy(), 1, 3)
    expected = GEOMETRY["fw_flowwarp_out"]
    usual = np.abs(expected) < 100  # the others mix in values of 1e6, whose rounding is 1e-2
    assert usual.mean() > 0.8
    np.testing.assert_allclose(got[usual], expected[usual], atol=1e-2)


@pytest.mark.parametrize("plain", [False, True])
def test_gradients_of_warping(plain):
    weights = channels_first("fw_grad_weights")

    def total(image, flow):
        return (warp(image, flow, image_gradient=True, plain=plain) * weights).sum()

    image, flow = channels_first("fw_img"), channels_first("fw_grad_flow_in")
    of_image, of_flow = ms.grad(total, (0, 1))(image, flow)
    check_gradient(of_image.transpose(0, 2, 3, 1), GEOMETRY["fw_grad_img"])
    check_gradient(of_flow.transpose(0, 2, 3, 1), GEOMETRY["fw_grad_flow"])


@pytest.mark.parametrize("name", ["pyr", "pyr_odd"])
def test_area_pyramid(name):
    image = channels_first("fw_img" if name == "pyr" else "pyr_odd_in")
    for scale in range(4):
        expected = GEOMETRY[f"{name}_s{scale}"]
        check(Resize("area")(image, *expected.shape[1:3]), f"{name}_s{scale}")


def test_resizing():
    image = channels_first("fw_img")
    check(Resize("area")(image, *map(int, GEOMETRY["area_up_size"])), "area_up")
    small = channels_first("rs_in")
    for name, mode in (("nn_x2", "nearest"), ("nn_like", "nearest"), ("bilinear_x2", "legacy")):
        height, width = GEOMETRY[f"rs_{name}"].shape[1:3]
        check(Resize(mode)(small, height, width), f"rs_{name}")


def test_ssim():
    compare = similarity.Similarity("same")
    image, other = channels_first("fw_img"), channels_first("ss_y")
    got = compare.dissimilarity(other, image)
    # The variances cancel: the golden itself is 5.6e-5 from what float64 gives.
    check(got, "ssim", ATOL_SSIM)
    np.testing.assert_allclose(float(got.mean()), GEOMETRY["ssim_mean"], atol=ATOL)


@pytest.mark.parametrize("plain", [False, True])
def test_similarity_and_its_gradients(plain):
    compare = similarity.Similarity("same")
    compare.cpu_form = not plain
    image, other = channels_first("fw_img"), channels_first("ss_y")
    got = np.moveaxis(compare(other, image).asnumpy(), 1, 3)
    expected = GEOMETRY["imsim"].mean(3, keepdims=True)
    np.testing.assert_allclose(got, expected, atol=ATOL_SSIM)

    def mean(target, image):
        return compare(target, image).mean()

    np.testing.assert_allclose(float(mean(other, image)), GEOMETRY["imsim_mean"], atol=ATOL)
    # The measure is symmetric: the gradient of either image is that of the one that may change.
    check_gradient(
        ms.grad(mean, 1)(other, image).transpose(0, 2, 3, 1), GEOMETRY["imsim_mean_grad_x"]
    )
    check_gradient(
        ms.grad(mean, 1)(image, other).transpose(0, 2, 3, 1), GEOMETRY["imsim_mean_grad_y"]
    )


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize(("name", "values"), [("disp", "sm_disp"), ("flow", "fw_grad_flow_in")])
def test_smoothness(name, values, plain):
    smooth = smoothness.Smoothness()
    smooth.cpu_form = not plain
    values, image = channels_first(values), channels_first("fw_img")
    loss = GEOMETRY[f"sm_{name}_loss"]
    np.testing.assert_allclose(float(smooth(values, image)), loss, atol=ATOL)
    gradient = ms.grad(smooth)(values, image)
    check_gradient(gradient.transpose(0, 2, 3, 1), GEOMETRY[f"sm_{name}_grad"])


def test_normalized_disparity():
    check(smoothness.normalized(channels_first("sm_disp"), 0), "spatial_normalized_disp")

"""Geometry, sampling and losses equal Monodepth2's goldens; sizes are read from the arrays."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import ops

from monodepth2.src.model_utils.resize import DoubleSize, Resize
from monodepth2.src.sfm_utils import poses, sampling, similarity, smoothness, warping
from monodepth2.src.sfm_utils.decoder_conv import DecoderConv
from tests.golden_files import golden_dir
from tests.golden_weights import det

GOLDEN = golden_dir("monodepth2")
# From the goldens' README, "Tolerances realistic in float32".
ATOL_MATRIX, RTOL_POINTS, ATOL_PLACES = 1e-6, 1e-5, 1e-4
ATOL_IMAGE, ATOL_SSIM, RTOL_LOSS = 1e-3, 2e-4, 1e-4
with np.load(GOLDEN / "layers.npz") as file:
    LAYERS = {name: file[name] for name in file.files}


def tensor(name):
    return ms.Tensor(LAYERS[name])


@pytest.mark.parametrize(("name", "invert"), [("tfp_out", False), ("tfp_out_inv", True)])
def test_poses_from_axis_angle(name, invert):
    rotation = poses.rotation_from_axis_angle(tensor("tfp_axisangle")[:, 0])
    got = poses.pose(rotation, tensor("tfp_translation")[:, 0])
    if invert:
        # The original inverts R, then moves by -t: R^T Trans(-t).
        got = poses.inverse_pose(got)
    np.testing.assert_allclose(got.asnumpy(), LAYERS[name], atol=ATOL_MATRIX)


def test_rotations():
    got = poses.rotation_from_axis_angle(tensor("tfp_axisangle")[:, 0]).asnumpy()
    np.testing.assert_allclose(got, LAYERS["rot"][:, :3, :3], atol=ATOL_MATRIX)
    np.testing.assert_array_equal(LAYERS["rot"][:, 3], [[0, 0, 0, 1]] * len(got))


def cameras():
    """Intrinsics and their inverse, (B, 3, 3) each."""
    batch = len(LAYERS["geo_depth"])
    names = "geo_K", "geo_inv_K"
    return [ms.Tensor(np.repeat(LAYERS[name][None, :3, :3], batch, 0)) for name in names]


def test_points_and_places():
    depth, (intrinsics, inverse) = tensor("geo_depth"), cameras()
    points = warping.backproject(depth, inverse)
    guard = warping.MONODEPTH2_GUARD
    x, y = warping.project(points, intrinsics, tensor("geo_T"), guard, depth.shape[2:])
    np.testing.assert_allclose(points.asnumpy(), LAYERS["geo_points"], RTOL_POINTS, 1e-6)
    height, width = x.shape[1:]
    got = np.stack((x.asnumpy() / (width - 1), y.asnumpy() / (height - 1)), -1) * 2 - 1
    np.testing.assert_allclose(got, LAYERS["geo_pix"], atol=ATOL_PLACES)


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("align_corners", [True, False])
def test_sampling(align_corners, plain):
    height, width = LAYERS["img1"].shape[2:]
    x, y = ((LAYERS["geo_pix"] + 1) / 2 * (width - 1, height - 1)).astype(np.float32).T
    x, y = (ms.Tensor(np.ascontiguousarray(places.transpose(2, 1, 0))) for places in (x, y))
    if not align_corners:
        x = sampling.half_pixel_places(x, width)
        y = sampling.half_pixel_places(y, height)
    sampler = sampling.Sampler("border")
    sampler.cpu_form = not plain
    expected = LAYERS[f"grid_sample_border_ac{int(align_corners)}"]
    np.testing.assert_allclose(sampler(tensor("img1"), x, y).asnumpy(), expected, atol=ATOL_IMAGE)


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("align_corners", [True, False])
def test_inverse_warping(align_corners, plain):
    guard, half_pixel = warping.MONODEPTH2_GUARD, not align_corners
    warp = warping.InverseWarp(guard, "border", half_pixel)
    warp.cpu_form = warp.sampler.cpu_form = not plain
    got = warp(tensor("img1"), tensor("geo_depth"), *cameras(), tensor("geo_T")).asnumpy()
    expected = LAYERS[f"grid_sample_border_ac{int(align_corners)}"]
    np.testing.assert_allclose(got, expected, atol=ATOL_IMAGE)


def test_ssim():
    compare = similarity.Similarity("reflect")
    got = compare.dissimilarity(tensor("img1"), tensor("img2")).asnumpy()
    np.testing.assert_allclose(got, LAYERS["ssim_1_2"], atol=ATOL_SSIM)


@pytest.mark.parametrize("plain", [False, True])
def test_reprojection_loss(plain):
    compare = similarity.Similarity("reflect")
    compare.cpu_form = not plain
    got = compare(tensor("img1"), tensor("img2")).asnumpy()
    difference = np.abs(LAYERS["img1"] - LAYERS["img2"])
    expected = (0.85 * LAYERS["ssim_1_2"] + 0.15 * difference).mean(1, keepdims=True)
    np.testing.assert_allclose(got, expected, atol=ATOL_SSIM)


@pytest.mark.parametrize("plain", [False, True])
def test_smoothness(plain):
    smooth = smoothness.Smoothness()
    smooth.cpu_form = not plain
    disparity, image = tensor("disp"), tensor("img1")
    got = smooth(disparity, image)
    np.testing.assert_allclose(float(got), LAYERS["smooth_raw"], RTOL_LOSS)
    got = smooth(smoothness.normalized(disparity), image)
    np.testing.assert_allclose(float(got), LAYERS["smooth_norm"], RTOL_LOSS)


def test_resizing():
    small = tensor("disp")[:, :, :6, :8]
    got = DoubleSize("nearest")(small).asnumpy()
    np.testing.assert_array_equal(got, LAYERS["upsample"])
    got = Resize("half_pixel")(tensor("bilinear_ac0_x4_in"), *LAYERS["bilinear_ac0_x4"].shape[2:])
    np.testing.assert_allclose(got.asnumpy(), LAYERS["bilinear_ac0_x4"], atol=1e-6)


@pytest.mark.parametrize("plain", [False, True])
def test_a_decoder_block(plain):
    image, expected = LAYERS["convblock_in"], LAYERS["convblock_out"]
    conv = DecoderConv(0, image.shape[1], expected.shape[1], "reflect")
    conv.cpu_form = not plain
    for parameter, kind in ((conv.weight, "weight"), (conv.bias, "bias")):
        key = f"unit_convblock/conv.conv.{parameter.name}"
        parameter.set_data(ms.Tensor(det(key, parameter.shape, kind)))
    got = ops.elu(conv(None, ms.Tensor(image)))
    # Winograd's transforms round at about 1e-5 of the largest value.
    np.testing.assert_allclose(got.asnumpy(), expected, atol=1e-5 * np.abs(expected).max())

"""The losses of given disparities, poses and flows equal GeoNet's goldens, with their gradients.

From the goldens' README: scalars rtol 1e-5, gradients relative L2 error 1e-4, masks equal.
"""

import mindspore as ms
import numpy as np
import pytest

from geonet.src.losses import FlowLoss, RigidLoss
from geonet.src.networks.full_flow import SCALES
from geonet.src.networks.layout import motions, scaled_camera, split_sources
from geonet.src.networks.models import preprocess
from geonet.src.sfm_utils.warping import rigid_flow
from tests.geonet.golden_networks import arrays, inputs, last_axis

RTOL, GRADIENT, FLOW = 1e-5, 1e-4, 1e-4


@pytest.fixture(params=["losses_seq3.npz", "losses_seq5.npz"])
def golden(request):
    """The arrays of a golden."""
    return arrays(request.param)


def images_of(golden):
    """(images, targets first; inputs)."""
    target, sources, K, inverse = inputs(golden)
    target, sources = preprocess(target), split_sources(preprocess(sources))
    return ms.ops.concat((target, sources)), K, inverse


def maps(golden, name):
    """(B, h, w, C) of each scale as (B, C, h, w)."""
    found = [np.moveaxis(golden[f"{name}_s{scale}"], 3, 1) for scale in range(SCALES)]
    return tuple(ms.Tensor(np.ascontiguousarray(values)) for values in found)


def check_gradient(got, expected):
    error = np.linalg.norm(got.reshape(expected.shape) - expected)
    assert error <= GRADIENT * np.linalg.norm(expected)


def test_the_rigid_loss(golden):
    images, K, inverse = images_of(golden)
    loss = RigidLoss()

    def total(*given):
        warp, smooth, errors, _ = loss(given[:SCALES], given[SCALES], images, K, inverse)
        return warp + smooth, warp, smooth, errors

    given = (*maps(golden, "disp"), ms.Tensor(golden["poses"]))
    run = ms.value_and_grad(total, tuple(range(SCALES + 1)), has_aux=True)
    (loss_value, warp, smooth, errors), gradients = run(*given)
    np.testing.assert_allclose(float(loss_value), golden["rigid_total"], rtol=RTOL)
    np.testing.assert_allclose(float(warp), golden["rigid_warp_loss"], rtol=RTOL)
    np.testing.assert_allclose(float(smooth), golden["disp_smooth_loss"], rtol=RTOL)
    means = np.array(
        [[float(half.mean()) for half in error.split(len(error) // 2)] for error in errors]
    )
    np.testing.assert_allclose(means[:, 0], golden["fwd_err_means"], rtol=RTOL)
    np.testing.assert_allclose(means[:, 1], golden["bwd_err_means"], rtol=RTOL)
    for scale in range(SCALES):
        check_gradient(last_axis(gradients[scale]), golden[f"rigid_grad_disp_s{scale}"])
    check_gradient(gradients[SCALES].asnumpy(), golden["rigid_grad_poses"])


def test_the_rigid_flow(golden):
    batch, count = golden["poses"].shape[:2]
    _, K, inverse = images_of(golden)
    matrices = motions(ms.Tensor(golden["poses"]), True)
    depth = 1 / maps(golden, "disp")[0]
    depth = ms.ops.concat((ms.ops.tile(depth[:batch], (count, 1, 1, 1)), depth[batch:]))
    flow = last_axis(rigid_flow(depth, *scaled_camera(K, inverse, 0, 2 * count), matrices))
    for part, name in zip(np.split(flow, 2), ("fwd", "bwd")):
        expected = golden[f"{name}_rigid_flow_s0"]
        near = np.abs(expected).max(3) < 100  # beyond, Z is so small that rounding decides
        np.testing.assert_allclose(part[near], expected[near], rtol=1e-5, atol=FLOW)


@pytest.mark.parametrize("is_checked", [True, False], ids=["consistency", "none"])
def test_the_flow_loss(golden, is_checked):
    images, _, _ = images_of(golden)
    count = golden["poses"].shape[1]
    loss = FlowLoss(consistency_weight=0.2 if is_checked else 0)

    def total(*flows):
        warp, smooth, consistency, empty, masks, _ = loss(flows, images, count)
        return warp + smooth + consistency, warp, smooth, consistency, empty, masks

    ways = maps(golden, "fwd_flow"), maps(golden, "bwd_flow")
    flows = tuple(ms.ops.concat(both) for both in zip(*ways))
    run = ms.value_and_grad(total, tuple(range(SCALES)), has_aux=True)
    (loss_value, warp, smooth, consistency, empty, masks), gradients = run(*flows)
    if not is_checked:
        np.testing.assert_allclose(float(loss_value), golden["flow_noconsist_total"], rtol=RTOL)
        np.testing.assert_allclose(float(warp), golden["flow_noconsist_warp_loss"], rtol=RTOL)
        np.testing.assert_allclose(float(smooth), golden["flow_noconsist_smooth_loss"], rtol=RTOL)
        assert not masks
        return
    np.testing.assert_allclose(float(loss_value), golden["flow_total"], rtol=RTOL)
    np.testing.assert_allclose(float(warp), golden["flow_warp_loss"], rtol=RTOL)
    np.testing.assert_allclose(float(smooth), golden["flow_smooth_loss"], rtol=RTOL)
    np.testing.assert_allclose(float(consistency), golden["flow_consistency_loss"], rtol=RTOL)
    assert float(empty) == 0
    for scale in range(SCALES):
        of_flow, mask = last_axis(gradients[scale]), np.split(last_axis(masks[scale]), 2)
        for half, way in zip(np.split(of_flow, 2), ("fwd", "bwd")):
            check_gradient(half, golden[f"flow_grad_{way}_s{scale}"])
        # No flow is so near to the threshold that rounding could decide.
        assert golden[f"flow_margin_min_s{scale}"] > 1e-6
        for half, image in zip(mask, ("tgt", "src")):
            np.testing.assert_array_equal(half, golden[f"mask_{image}_s{scale}"])

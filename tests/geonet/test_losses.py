"""Losses: hand values, invariants, empty masks. Parity with the original: test_parity_losses.py."""

import mindspore as ms
import numpy as np
import pytest

from geonet.src.losses import FlowLoss, RigidLoss
from geonet.src.losses.flow import _count_empty, _masked_means
from geonet.src.networks.full_flow import SCALES, length

HEIGHT, WIDTH = 16, 24
K = ms.Tensor(np.float32([[[20, 0, 12], [0, 20, 8], [0, 0, 1]]]))
INVERSE = ms.Tensor(np.float32(np.linalg.inv(K.asnumpy())))


def texture(count=1, seed=0):
    """(count, 3, H, W), -1..1."""
    values = np.random.default_rng(seed).uniform(-1, 1, (count, 3, HEIGHT, WIDTH))
    return ms.Tensor(np.float32(values))


def maps(channels, value, batch):
    """One map per scale."""
    sizes = [(HEIGHT >> scale, WIDTH >> scale) for scale in range(SCALES)]
    return tuple(ms.Tensor(np.full((batch, channels, *size), value, np.float32)) for size in sizes)


def still_images(sources=2):
    """The target and its sources, all alike."""
    return ms.ops.tile(texture(), (sources + 1, 1, 1, 1))


# Rounding may put the first row and column outside, where the sampler gives 0 as for the last ones;
# windows of 3x3 pixels spread it by one more.
INNER = slice(2, -2)


def test_a_still_camera_explains_all_but_the_border():
    """Equal images differ by nothing there."""
    poses = ms.ops.zeros((1, 2, 6))
    warp, smooth, errors, warped = RigidLoss()(maps(1, 1, 3), poses, still_images(), K, INVERSE)
    inner = errors[0].asnumpy()[:, :, INNER, INNER]
    assert np.abs(inner).max() < 1e-3  # of the grid's rounding, times the texture's contrast
    assert (warped.asnumpy()[:, :, -1] == 0).all() and (warped.asnumpy()[..., -1] == 0).all()
    assert float(smooth) == 0
    # Two sources: S times the mean over both directions, at each scale.
    expected = 2 * sum(float(error.mean()) for error in errors)
    assert float(warp) == pytest.approx(expected, rel=1e-6)


def test_weights_of_the_rigid_terms():
    poses, images = ms.Tensor(np.full((1, 2, 6), 0.02, np.float32)), texture(3)
    disparities = tuple(
        ms.Tensor(np.random.default_rng(s).uniform(0.5, 1, m.shape).astype(np.float32))
        for s, m in enumerate(maps(1, 1, 3))
    )
    one = RigidLoss(1, 1)(disparities, poses, images, K, INVERSE)
    two = RigidLoss(2, 0.25)(disparities, poses, images, K, INVERSE)
    assert float(two[0]) == pytest.approx(2 * float(one[0]), rel=1e-5)
    assert float(two[1]) == pytest.approx(0.25 * float(one[1]), rel=1e-5)


def test_alpha_is_the_share_of_ssim():
    poses, images = ms.ops.zeros((1, 2, 6)), texture(3)
    _, _, errors, _ = RigidLoss(alpha=0)(maps(1, 1, 3), poses, images, K, INVERSE)
    first, second = images.asnumpy()[:2]
    difference = np.abs(first - second).mean(0)[INNER, INNER]
    got = errors[0].asnumpy()[0, 0, INNER, INNER]
    np.testing.assert_allclose(got, difference, atol=2e-3)


def test_scaling_depth_and_translation_changes_nothing():
    vector = np.float32([[[0.05, -0.02, 0.1, 0.01, -0.02, 0.005]] * 2])
    images = texture(3)
    loss = RigidLoss()
    once = loss(maps(1, 0.5, 3), ms.Tensor(vector), images, K, INVERSE)[0]
    vector[..., :3] *= 3
    scaled = loss(maps(1, 0.5 / 3, 3), ms.Tensor(vector), images, K, INVERSE)[0]
    assert float(scaled) == pytest.approx(float(once), rel=1e-4)


def test_flow_there_and_back_agrees():
    """2 px to the right and back: no difference but where the way leaves the image."""
    forward, backward = maps(2, 0, 2), maps(2, 0, 2)
    flows = []
    for scale, (there, back) in enumerate(zip(forward, backward)):
        there, back = there.asnumpy().copy(), back.asnumpy().copy()
        there[:, 0], back[:, 0] = 2 / 2**scale, -2 / 2**scale
        flows.append(ms.Tensor(np.concatenate((there, back))))
    loss = FlowLoss(consistency=(0.5, 0.0))
    _, _, consistency, empty, masks, _ = loss(tuple(flows), still_images(), 2)
    first = masks[0].asnumpy()
    assert (first[:2, 0, : HEIGHT - 1, : WIDTH - 3] == 1).all()
    assert (first[:2, 0, :, WIDTH - 2 :] == 0).all()
    assert (first[2:, 0, : HEIGHT - 1, 2 : WIDTH - 1] == 1).all()
    assert float(consistency) == pytest.approx(0, abs=1e-5) and float(empty) == 0


def test_flow_that_does_not_agree_leaves_empty_masks_and_terms_of_0():
    """The original divides 0 by 0 here, and stops."""
    flows = tuple(flow + 5 for flow in maps(2, 0, 4))
    loss = FlowLoss(consistency=(0.5, 0.0))
    warp, smooth, consistency, empty, masks, _ = loss(flows, still_images(), 2)
    assert [float(term) for term in (warp, smooth, consistency)] == [0, 0, 0]
    assert float(empty) == 2 * SCALES and all(float(mask.sum()) == 0 for mask in masks)


def test_a_mask_in_one_direction_alone():
    values = ms.Tensor(np.float32([1, 2, 3, 4]).reshape(4, 1, 1, 1))
    mask = ms.Tensor(np.float32([1, 1, 0, 0]).reshape(4, 1, 1, 1))
    assert float(_masked_means(values, mask)) == 1.5
    assert float(_count_empty(mask)) == 1
    mask = ms.Tensor(np.float32([0, 1, 1, 1]).reshape(4, 1, 1, 1))
    assert float(_masked_means(values, mask)) == 2 + 3.5
    assert float(_count_empty(mask)) == 0


def test_longer_flow_may_differ_more():
    """The bound is the larger of alpha pixels and beta times the length, at full size."""
    flows = tuple(flow.asnumpy() for flow in maps(2, 0, 4))
    for flow in flows:
        flow[:2, 0], flow[2:, 0] = 0.2, -0.1
    loose = FlowLoss(consistency=(0.0, 0.6))
    tight = FlowLoss(consistency=(0.0, 0.4))
    given = tuple(map(ms.Tensor, flows))
    assert float(loose(given, still_images(), 2)[4][0].mean()) > 0.3
    assert float(tight(given, still_images(), 2)[4][0][:2].mean()) == 0


def test_without_consistency_there_is_no_mask():
    loss = FlowLoss(consistency_weight=0)
    warp, _, consistency, empty, masks, _ = loss(maps(2, 0, 4), still_images(), 2)
    assert float(warp) > 0 and consistency == 0 and empty == 0 and masks == ()


def test_lengths_have_a_gradient_at_zero():
    def total(vectors):
        return length(vectors).sum()

    gradient = ms.grad(total)(ms.ops.zeros((1, 2, 3, 3))).asnumpy()
    assert np.isfinite(gradient).all()
    found = length(ms.Tensor(np.float32([3, -4]).reshape(1, 2, 1, 1)))
    assert float(found.sum()) == pytest.approx(5)

"""Losses by hand, their invariants and gradients; test_parity_losses compares the original."""

import mindspore as ms
import numpy as np
import pytest

from monodepth2.src.losses import Reprojection, ViewSynthesisLoss, tie_break_noise

HEIGHT, WIDTH = 8, 12
RNG = np.random.default_rng(3)
K = np.float32([[[10, 0, 6], [0, 10, 4], [0, 0, 1]]])
INVERSE = np.float32(np.linalg.inv(K))
IDENTITY = ms.Tensor(np.eye(4, dtype=np.float32)[None])


@pytest.fixture(autouse=True)
def pynative():
    ms.set_context(mode=ms.PYNATIVE_MODE)


def tensor(values):
    return ms.Tensor(np.float32(values))


def images(count, height=HEIGHT, width=WIDTH):
    return [tensor(RNG.random((1, 3, height, width))) for _ in range(count)]


def camera():
    return tensor(K), tensor(INVERSE)


def compare(reprojection, target, sources, depth=None, masks=None):
    depth = tensor(np.ones((1, 1, HEIGHT, WIDTH))) if depth is None else depth
    poses = (IDENTITY,) * len(sources)
    return reprojection(depth, target, tuple(sources), poses, camera(), masks)


def test_without_motion_a_source_is_warped_to_itself():
    target, source = images(2)
    errors, masked, warped = compare(Reprojection(use_ssim=False), target, [source])
    np.testing.assert_allclose(warped[0].asnumpy(), source.asnumpy(), atol=1e-5)
    expected = np.abs(target.asnumpy() - source.asnumpy()).mean(1, keepdims=True)
    np.testing.assert_allclose(errors.asnumpy(), expected, atol=1e-5)
    assert masked is None


def test_the_smallest_error_counts_or_the_mean():
    target, *sources = images(4)
    single = [compare(Reprojection(use_ssim=False), target, [s])[0].asnumpy() for s in sources]
    least = compare(Reprojection(use_ssim=False), target, sources)[0].asnumpy()
    np.testing.assert_allclose(least, np.min(single, 0), atol=1e-6)
    mean = compare(Reprojection(average=True, use_ssim=False), target, sources)[0].asnumpy()
    np.testing.assert_allclose(mean, np.mean(single, 0), atol=1e-6)


def test_pixels_that_a_still_camera_explains_as_well_are_masked():
    target, source = images(2)
    zero = np.zeros((1, 1, HEIGHT, WIDTH), np.float32)
    _, masked, _ = compare(Reprojection(zero), target, [target])
    assert masked.asnumpy().all()  # a tie leaves the pixel out, as in the original
    moved = tensor(np.eye(4)[None])
    moved[0, 0, 3] = 0.3
    reprojection = Reprojection(zero)
    depth = tensor(np.ones((1, 1, HEIGHT, WIDTH)))
    errors, masked, _ = reprojection(depth, target, (source,), (moved,), camera(), None)
    still, _, _ = compare(Reprojection(), target, [source])
    alone, _, _ = Reprojection()(depth, target, (source,), (moved,), camera(), None)
    alone, still = alone.asnumpy(), still.asnumpy()
    assert 0 < masked.asnumpy().mean() < 1
    np.testing.assert_array_equal(masked.asnumpy(), still <= alone)
    np.testing.assert_allclose(errors.asnumpy(), np.minimum(still, alone), atol=1e-6)


def test_noise_breaks_ties_both_ways_and_small_images_take_its_corner():
    noise = tie_break_noise(7, 1, 1, 2 * HEIGHT, 2 * WIDTH)
    target = images(1)[0]
    _, masked, _ = compare(Reprojection(noise), target, [target])
    expected = noise[:, :, :HEIGHT, :WIDTH] <= 0
    assert np.mean(masked.asnumpy() == expected) > 0.98  # the warp rounds


def test_noise_follows_its_seed_and_is_small():
    first, second = tie_break_noise(1, 2, 3, 20, 30), tie_break_noise(2, 2, 3, 20, 30)
    assert first.shape == (2, 3, 20, 30) and first.dtype == np.float32
    assert first.std() == pytest.approx(1e-5, rel=0.1) and (first != second).all()
    np.testing.assert_array_equal(first, tie_break_noise(1, 2, 3, 20, 30))


def test_a_mask_weighs_the_errors_of_its_source():
    target, *sources = images(3)
    masks = RNG.random((1, 2, HEIGHT, WIDTH))
    reprojection = Reprojection(average=True, use_ssim=False)
    got = compare(reprojection, target, sources, masks=tensor(masks))[0].asnumpy()
    single = [compare(Reprojection(use_ssim=False), target, [s])[0].asnumpy() for s in sources]
    expected = (single[0] * masks[:, :1] + single[1] * masks[:, 1:]) / 2
    np.testing.assert_allclose(got, expected, atol=1e-6)


def make_loss(scales=(0, 1), inverted=(), **options):
    given = {"disparity_smoothness": 0.0, "limits": (0.1, 100), **options}
    return ViewSynthesisLoss(Reprojection(), scales=scales, inverted=inverted, **given)


def pyramid(image, count=2):
    """Scales by taking every second pixel."""
    return tuple(tensor(image.asnumpy()[..., :: 2**scale, :: 2**scale]) for scale in range(count))


def of_stereo(loss, disparities, targets, sources, masks=None):
    moved = tensor(np.eye(4)[None])
    moved[0, 0, 3] = -0.1
    return loss(disparities, (), targets, sources, camera(), moved, masks)


def flat(value, count=2):
    shapes = [(1, 1, HEIGHT >> scale, WIDTH >> scale) for scale in range(count)]
    return tuple(tensor(np.full(shape, value)) for shape in shapes)


def test_flat_disparities_give_each_scale_the_same_loss():
    target, source = images(2)
    losses, shares, shown = of_stereo(make_loss(), flat(0.05), pyramid(target), ((source,),))
    first, second = (float(loss.asnumpy()) for loss in losses)
    assert first == pytest.approx(second, rel=1e-5) and shares == ()
    assert shown[0][0].shape == (1, 3, HEIGHT, WIDTH) and shown[1].shape == (1, 1, HEIGHT, WIDTH)


def test_each_scale_at_its_own_size_has_its_own_camera():
    """At half the size the same scene moves half as many pixels."""
    target, source = images(2)
    loss = make_loss(at_each_scale=True)
    targets, sources = pyramid(target), tuple((image,) for image in pyramid(source))
    losses, _, _ = of_stereo(loss, flat(0.05), targets, sources)
    shrunk = ViewSynthesisLoss(
        Reprojection(),
        scales=(0,),
        disparity_smoothness=0,
        limits=(0.1, 100),
        inverted=(),
    )
    half = np.float32([[0.5], [0.5], [1]])
    moved = tensor(np.eye(4)[None])
    moved[0, 0, 3] = -0.1
    small = tensor(K * half), tensor(np.linalg.inv(K * half))
    expected, _, _ = shrunk(flat(0.05)[1:], (), targets[1:], sources[1:], small, moved, None)
    assert float(losses[1].asnumpy()) == pytest.approx(float(expected[0].asnumpy()), rel=1e-5)


def test_smoothness_halves_with_each_scale():
    target, source = images(2)
    disparities = tuple(tensor(RNG.random(d.shape)) for d in flat(0))
    plain, _, _ = of_stereo(make_loss(), disparities, pyramid(target), ((source,),))
    weighed = make_loss(disparity_smoothness=0.1)
    smooth, _, _ = of_stereo(weighed, disparities, pyramid(target), ((source,),))
    double, _, _ = of_stereo(
        make_loss(disparity_smoothness=0.2), disparities, pyramid(target), ((source,),)
    )
    for first, second, third in zip(plain, smooth, double):
        added, twice = (float((x - first).asnumpy()) for x in (second, third))
        assert added > 0 and twice == pytest.approx(2 * added, rel=1e-3)
    assert weighed.weights == (0.1, 0.05)


def test_a_mask_of_ones_costs_nothing_and_a_mask_of_zeros_little_more_than_its_prior():
    target, source = images(2)
    given = make_loss(), flat(0.05), pyramid(target), ((source,),)
    plain = float(of_stereo(*given)[0][0].asnumpy())
    ones = float(of_stereo(*given, masks=flat(1))[0][0].asnumpy())
    assert ones == pytest.approx(plain, rel=1e-5)
    half = float(of_stereo(*given, masks=flat(0.5))[0][0].asnumpy())
    assert half == pytest.approx(plain / 2 + 0.2 * np.log(2), rel=1e-4)
    zeros = float(of_stereo(*given, masks=flat(0))[0][0].asnumpy())
    assert np.isfinite(zeros) and zeros > 10


def test_motion_scales_with_the_mean_inverse_depth():
    target, source = images(2)
    axis_angle, translation = tensor([[0, 0, 0]]), tensor([[0.1, 0, 0]])
    options = {"scales": (0,), "inverted": (False,)}
    scaled = make_loss(**options, scaled_motion=True)
    disparity = flat(0.05, 1)
    depth = 1 / (0.01 + 9.99 * 0.05)
    given = disparity, pyramid(target, 1), ((source,),), camera(), None, None
    got = scaled(given[0], ((axis_angle, translation),), *given[1:])[0][0]
    plain = make_loss(**options)
    expected = plain(given[0], ((axis_angle, translation / depth),), *given[1:])[0][0]
    assert float(got.asnumpy()) == pytest.approx(float(expected.asnumpy()), rel=1e-5)


def test_an_inverted_motion_is_the_motion_back():
    target, source = images(2)
    axis_angle, translation = tensor([[0.01, -0.02, 0.005]]), tensor([[0.1, 0.02, -0.05]])
    loss = make_loss(scales=(0,), inverted=(True, False))
    motions = (axis_angle, translation), (axis_angle, translation)
    there, back = (pose.asnumpy()[0] for pose in loss._poses(motions, None, None))
    np.testing.assert_allclose(there @ back, np.eye(4), atol=1e-6)


@pytest.mark.parametrize("options", [{}, {"at_each_scale": True}])
def test_gradients_reach_disparity_and_motion(options):
    target, source = images(2)
    loss = make_loss(inverted=(False,), **options)
    sources = tuple((image,) for image in pyramid(source)) if options else ((source,),)

    def total(first, second, axis_angle, translation):
        losses, _, _ = loss(
            (first, second),
            ((axis_angle, translation),),
            pyramid(target),
            sources,
            camera(),
            None,
            None,
        )
        return losses[0] + losses[1]

    start = *flat(0.05), tensor([[0, 0.01, 0]]), tensor([[0.1, 0, 0.02]])
    gradients = ms.grad(total, (0, 1, 2, 3))(*start)
    assert all(np.abs(gradient.asnumpy()).sum() > 0 for gradient in gradients)
    step = 1e-3
    moved = start[3] + tensor([[step, 0, 0]]), start[3] - tensor([[step, 0, 0]])
    values = [float(total(*start[:3], one).asnumpy()) for one in moved]
    slope = (values[0] - values[1]) / (2 * step)
    assert float(gradients[3].asnumpy()[0, 0]) == pytest.approx(slope, rel=0.2, abs=2e-3)

"""Windows by hand, similarity's invariants, and the cheap forms of mean and minimum."""

import mindspore as ms
import numpy as np
import pytest

from monodepth2.src.sfm_utils import planes_cpu
from monodepth2.src.sfm_utils.similarity import Similarity, WindowMean, channel_mean, smaller

RNG = np.random.default_rng(0)


def random(*shape):
    return ms.Tensor(RNG.random(shape).astype(np.float32))


def test_windows_by_hand():
    image = ms.Tensor(np.arange(6, dtype=np.float32).reshape(1, 1, 2, 3))  # 0 1 2 / 3 4 5
    got = WindowMean("same")(image).asnumpy()[0, 0]
    np.testing.assert_allclose(got, [[2, 2.5, 3], [2, 2.5, 3]], rtol=1e-6)
    # Mirrored about the outermost pixels: the rows are 3 0 3 0 ..., the columns 1 0 1 2 1.
    got = WindowMean("reflect")(image).asnumpy()[0, 0]
    np.testing.assert_allclose(got, [[8 / 3, 3, 10 / 3], [5 / 3, 2, 7 / 3]], rtol=1e-6)


@pytest.mark.parametrize("border", ["reflect", "same"])
def test_windows_of_a_constant_image(border):
    got = WindowMean(border)(ms.Tensor(np.full((2, 3, 4, 5), 0.3, np.float32)))
    np.testing.assert_allclose(got.asnumpy(), 0.3, rtol=1e-6)


def similarity(border, plain, **arguments):
    compare = Similarity(border, **arguments)
    compare.cpu_form = not plain
    return compare


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("border", ["reflect", "same"])
def test_similarity_of_equal_and_opposite_images(border, plain):
    compare, image = similarity(border, plain), random(1, 3, 6, 7)
    np.testing.assert_allclose(compare(image, image).asnumpy(), 0, atol=2e-6)
    stripes = np.resize([0.0, 1.0], (1, 1, 6, 7)).astype(np.float32)
    got = compare.dissimilarity(ms.Tensor(stripes), ms.Tensor(1 - stripes))
    # Opposite contrast: SSIM is near -1 but for the means.
    assert got.asnumpy().min() > 0.85 and got.asnumpy().max() <= 1


@pytest.mark.parametrize("plain", [False, True])
def test_shares_of_both_parts_and_absolute_difference_alone(plain):
    flat, brighter = (ms.Tensor(np.full((1, 1, 4, 4), v, np.float32)) for v in (0.2, 0.6))
    # Flat images: the variances are 0, so SSIM is (2 a b + C1) / (a a + b b + C1).
    ssim = (2 * 0.2 * 0.6 + 1e-4) / (0.2**2 + 0.6**2 + 1e-4)
    compare = similarity("reflect", plain)
    got = compare(flat, brighter).asnumpy()
    np.testing.assert_allclose(got, 0.85 * (1 - ssim) / 2 + 0.15 * 0.4, rtol=1e-4)
    alone = similarity("reflect", plain, use_ssim=False)
    np.testing.assert_allclose(alone(flat, brighter).asnumpy(), 0.4, rtol=1e-6)


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("border", ["reflect", "same"])
def test_the_target_gets_no_gradient_and_the_image_the_right_one(border, plain):
    compare, weights = similarity(border, plain), random(1, 1, 4, 5)

    def total(target, image):
        return (compare(target, image) * weights).sum()

    target, image = random(1, 2, 4, 5), random(1, 2, 4, 5)
    of_target, of_image = ms.grad(total, (0, 1))(target, image)
    assert not of_target.asnumpy().any()
    for index in ((0, 0, 0, 0), (0, 1, 3, 2), (0, 0, 2, 4)):
        step = np.zeros(image.shape, np.float32)
        step[index] = 1e-3
        ahead, behind = (float(total(target, image + sign * ms.Tensor(step))) for sign in (1, -1))
        np.testing.assert_allclose(of_image.asnumpy()[index], (ahead - behind) / 2e-3, rtol=0.05)


@pytest.mark.parametrize("border", ["reflect", "same"])
def test_both_forms_and_their_gradients_are_equal(border):
    target, image, weights = random(2, 3, 7, 6), random(2, 3, 7, 6), random(2, 1, 7, 6)
    results = []
    for plain in (False, True):
        compare = similarity(border, plain)

        def total(image, compare=compare):
            values = compare(target, image)
            return (values * weights).sum(), values

        gradient, (values,) = ms.grad(total, has_aux=True)(image)
        results.append((gradient.asnumpy(), values.asnumpy()))
    for ours, plain in zip(*results):
        assert np.abs(plain).max() > 0.1
        np.testing.assert_allclose(ours, plain, atol=1e-5)


@pytest.mark.parametrize("border", ["reflect", "same"])
def test_the_measure_of_each_channel(border):
    target, image, weights = random(2, 3, 7, 6), random(2, 3, 7, 6), random(2, 3, 7, 6)
    results = []
    for plain in (False, True):
        compare = similarity(border, plain)

        def total(target, image, compare=compare):
            values = compare.difference(target, image)
            return (values * weights).sum(), values

        gradients, (values,) = ms.grad(total, (0, 1), has_aux=True)(target, image)
        assert not gradients[0].asnumpy().any()
        mean = compare(target, image).asnumpy()
        np.testing.assert_allclose(values.asnumpy().mean(1, keepdims=True), mean, atol=1e-6)
        results.append((gradients[1].asnumpy(), values.asnumpy()))
    for ours, plain in zip(*results):
        assert ours.shape == plain.shape and np.abs(plain).max() > 0.1
        np.testing.assert_allclose(ours, plain, atol=1e-5)


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("use_ssim", [False, True])
def test_several_images_for_each_target(use_ssim, plain):
    compare = similarity("same", plain, use_ssim=use_ssim)
    target, image, weights = random(2, 3, 6, 7), random(6, 3, 6, 7), random(6, 1, 6, 7)

    def total(image, weights, target=target):
        return (compare(target, image) * weights).sum()

    together = ms.grad(total)(image, weights).asnumpy()
    for part in (slice(0, 2), slice(2, 4), slice(4, 6)):
        one = compare(target, image[part]).asnumpy()
        np.testing.assert_allclose(compare(target, image).asnumpy()[part], one, atol=1e-6)
        one = ms.grad(total)(image[part], weights[part]).asnumpy()
        np.testing.assert_allclose(together[part], one, atol=1e-6)


def test_blocks_of_any_size_give_the_same(monkeypatch):
    target, image, results = random(5, 3, 7, 6), random(5, 3, 7, 6), []
    compare = Similarity("reflect")
    for block in (1, 90, 252, 10**6):  # 252: of three images two channels at a time
        monkeypatch.setattr(planes_cpu, "_BLOCK", block)
        gradient = ms.grad(lambda image: compare(target, image).sum())(image)
        results.append((compare(target, image).asnumpy(), gradient.asnumpy()))
    for other in results[1:]:
        for first, second in zip(results[0], other):
            np.testing.assert_array_equal(first, second)


def test_channel_mean():
    image = random(2, 3, 4, 5)
    expected = image.asnumpy().mean(1, keepdims=True)
    np.testing.assert_allclose(channel_mean(image).asnumpy(), expected, rtol=1e-6)


def test_smaller_is_the_minimum_with_its_gradient():
    first, second = ms.Tensor([1.0, 5.0, 3.0]), ms.Tensor([2.0, 4.0, 3.0])
    np.testing.assert_array_equal(smaller(first, second).asnumpy(), [1, 4, 3])
    got = ms.grad(lambda a, b: smaller(a, b).sum(), (0, 1))(first, second)
    np.testing.assert_array_equal([g.asnumpy() for g in got], [[1, 0, 1], [0, 1, 0]])


def test_an_unknown_border():
    with pytest.raises(ValueError, match="border 'zero': choose one of reflect, same"):
        Similarity("zero")

"""Sampling by hand, on the border, several places for an image, and both forms."""

import mindspore as ms
import numpy as np
import pytest

from monodepth2.src.sfm_utils.sampling import Sampler, half_pixel_places

IMAGE = np.array([[0, 1, 2], [10, 20, 30]], np.float32)[None, None]
RNG = np.random.default_rng(0)


def sample(outside, image, x, y, plain=False, image_gradient=False):
    sampler = Sampler(outside, image_gradient)
    sampler.cpu_form = not plain
    return sampler(*(ms.Tensor(np.asarray(a, np.float32)) for a in (image, x, y))).asnumpy()


@pytest.mark.parametrize("plain", [False, True])
def test_values_by_hand(plain):
    x, y = [[[0, 1.5, 0.25]]], [[[0, 0.5, 1]]]
    got = sample("border", IMAGE, x, y, plain)
    np.testing.assert_allclose(got, [[[[0, (1.5 + 25) / 2, 12.5]]]], atol=1e-5)


@pytest.mark.parametrize("plain", [False, True])
def test_outside_of_the_image(plain):
    """The last column and row are inside for "border" and outside for GeoNet's rule."""
    x, y = [[[-1, 0, 2, 9, 1, 1.9]]], [[[0.5, -1e6, 0, 9, 1, 0.9]]]
    got = sample("border", IMAGE, x, y, plain)
    np.testing.assert_allclose(got[0, 0, 0], [5, 0, 2, 30, 20, 26.29], rtol=1e-5)
    got = sample("zero", IMAGE, x, y, plain)
    np.testing.assert_allclose(got[0, 0, 0], [0, 0, 0, 0, 0, 26.29], rtol=1e-5)


def test_places_that_are_no_numbers_give_no_other_pixel_a_value():
    """What a division by 0 leaves reads something finite or NaN, and the rest stays right."""
    x, y = [[[np.inf, 1, -np.inf]]], [[[0, 0, 1]]]
    np.testing.assert_allclose(sample("border", IMAGE, x, y)[0, 0, 0], [2, 1, 10])


def test_a_place_that_is_no_number_is_seen_and_has_a_gradient():
    image = ms.Tensor(RNG.random((1, 2, 3, 4)).astype(np.float32))
    x, y = (RNG.uniform(0, 1.9, (1, 2, 2)).astype(np.float32) for _ in "xy")
    x[0, 1, 0] = np.nan
    sampler = Sampler("border", image_gradient=True)
    value = ms.value_and_grad(lambda image: sampler(image, ms.Tensor(x), ms.Tensor(y)).sum())
    found, gradient = value(image)
    assert np.isnan(float(found)) and np.isnan(gradient.asnumpy()).any()


@pytest.mark.parametrize("plain", [False, True])
def test_several_sets_of_places_for_a_batch(plain):
    image = RNG.random((2, 3, 5, 6))
    x, y = RNG.uniform(-1, 6, (2, 6, 4, 7))
    got = sample("border", image, x, y, plain)
    for number in range(3):
        part = slice(2 * number, 2 * number + 2)
        np.testing.assert_allclose(got[part], sample("border", image, x[part], y[part]), atol=1e-5)


@pytest.mark.parametrize("sets", [1, 3])
@pytest.mark.parametrize("outside", ["border", "zero"])
def test_both_forms_and_their_gradients_are_equal(outside, sets):
    image, x, y = RNG.random((2, 3, 5, 6)), *RNG.uniform(-1, 6, (2, 2 * sets, 5, 6))
    arguments = [ms.Tensor(a.astype(np.float32)) for a in (image, x, y)]
    weights = ms.Tensor(RNG.normal(size=(2 * sets, 3, 5, 6)).astype(np.float32))
    results = []
    for plain in (False, True):
        sampler = Sampler(outside, image_gradient=True)
        sampler.cpu_form = not plain

        def total(image, x, y, sampler=sampler):
            return (sampler(image, x, y) * weights).sum()

        results.append([g.asnumpy() for g in ms.grad(total, (0, 1, 2))(*arguments)])
    for ours, native in zip(*results):
        assert np.abs(native).max() > 0.1
        np.testing.assert_allclose(ours, native, atol=1e-4)


@pytest.mark.parametrize("plain", [False, True])
def test_an_image_gets_a_gradient_only_when_asked(plain):
    places = [ms.Tensor(RNG.uniform(0, 2, (1, 3, 3)).astype(np.float32)) for _ in "xy"]
    for image_gradient in (False, True):
        sampler = Sampler("border", image_gradient)
        sampler.cpu_form = not plain
        gradient = ms.grad(lambda image, sampler=sampler: sampler(image, *places).sum())
        got = gradient(ms.Tensor(RNG.random((1, 2, 4, 4)).astype(np.float32))).asnumpy()
        assert np.allclose(got.sum(), 18 if image_gradient else 0)


def test_half_pixel_places_stretch_about_the_centre():
    got = half_pixel_places(ms.Tensor(np.array([0, 4.5, 9], np.float32)), 10).asnumpy()
    np.testing.assert_allclose(got, [-0.5, 4.5, 9.5], atol=1e-6)


def test_an_unknown_rule():
    with pytest.raises(ValueError, match="outside 'mirror': choose one of border, zero"):
        Sampler("mirror")

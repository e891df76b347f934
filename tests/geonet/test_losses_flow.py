"""The flow loss's terms of one scale: the form for CPU beside plain operators, term by term."""

import mindspore as ms
import numpy as np
import pytest

from geonet.src.losses.flow import FlowTerms
from geonet.src.sfm_utils import planes_cpu

BOUNDS = 1.0, 0.5
WEIGHTS = ms.Tensor(np.float32([1.5, -0.7, 2.0]))


def scene(batch=2, sources=3, size=(9, 12)):
    """Flow that partly agrees and partly leaves the image, and images."""
    rng = np.random.default_rng(0)
    flow = rng.uniform(-1, 1, (2 * sources * batch, 2, *size))
    flow += rng.uniform(-3, 3, (len(flow), 2, 1, 1))
    images = rng.uniform(-1, 1, ((sources + 1) * batch, 3, *size))
    return ms.Tensor(np.float32(flow)), ms.Tensor(np.float32(images))


def terms(bounds, plain):
    """A cell in one of the two forms, as are the cells in it."""
    found = FlowTerms(bounds, 0.85)
    for cell in (found, found.sampler, found.flow_sampler, found.compare, found.smoothness):
        cell.cpu_form = not plain
    return found


def computed(bounds, plain, arguments, weights=WEIGHTS):
    """Three terms, the mask and the gradients of flow and images, as arrays."""
    cell = terms(bounds, plain)

    def total(flow, images):
        warp, smooth, consistency, mask = cell(flow, images)
        value = weights[0] * warp + weights[1] * smooth + weights[2] * consistency
        return value, warp, smooth, consistency, mask

    gradients, values = ms.grad(total, (0, 1), has_aux=True)(*arguments)
    return [np.asarray(value) for value in (*values, *gradients)]


@pytest.mark.parametrize(
    ("bounds", "size"),
    [(BOUNDS, (9, 12)), ((0.0, 0.9), (9, 12)), (None, (9, 12)), ((3.0, 0.5), (2, 3))],
)
def test_both_forms_are_equal(bounds, size):
    arguments = scene(size=size)
    plain, ours = (computed(bounds, is_plain, arguments) for is_plain in (True, False))
    share = plain[3].mean()
    assert share == 1 if bounds is None else 0.02 < share < 0.98
    for one, other in zip(plain, ours):
        assert one.shape == other.shape
        np.testing.assert_allclose(other, one, rtol=1e-5, atol=2e-5 * np.abs(one).max())
    assert np.abs(plain[4]).max() > 1e-3 and not ours[5].any()


@pytest.mark.parametrize("term", [0, 1, 2])
def test_the_gradient_of_each_term(term):
    """A term alone, by plain operators, and times a factor."""
    weights = np.zeros(3, np.float32)
    weights[term] = 1
    arguments = scene()
    plain = computed(BOUNDS, True, arguments, ms.Tensor(weights))[4]
    ours = computed(BOUNDS, False, arguments, ms.Tensor(-3 * weights))[4]
    assert np.abs(plain).max() > 1e-4
    np.testing.assert_allclose(ours, -3 * plain, rtol=1e-4, atol=6e-5 * np.abs(plain).max())


@pytest.mark.parametrize("block", [1, 250, 10**6])
def test_blocks_of_any_size_give_the_same(block, monkeypatch):
    arguments = scene(batch=3, sources=2)
    expected = computed(BOUNDS, False, arguments)
    monkeypatch.setattr(planes_cpu, "_BLOCK", block)
    for one, other in zip(expected, computed(BOUNDS, False, arguments)):
        np.testing.assert_allclose(other, one, rtol=1e-6, atol=1e-6 * np.abs(one).max())


def test_a_direction_without_pixels():
    """Backward flow of 100 px leaves the image; forward, the last row and column see 0."""
    flow, images = (array.asnumpy() for array in scene(batch=1, sources=1))
    flow[:] = 0
    flow[1] = 100
    arguments = ms.Tensor(flow), ms.Tensor(images)
    plain, ours = (computed((50.0, 0.0), is_plain, arguments) for is_plain in (True, False))
    assert ours[3][0].sum() == 9 + 12 - 1 and not ours[3][1].any()
    assert ours[0] > 0.1
    for one, other in zip(plain, ours):
        assert np.isfinite(one).all()
        np.testing.assert_allclose(other, one, rtol=1e-5, atol=1e-5)


def test_flow_that_is_no_number_is_seen():
    flow, images = scene()
    flow = flow.asnumpy()
    flow[3, 1, 4, 5] = np.nan
    for bounds in (BOUNDS, None):
        warp, smooth, _, _ = terms(bounds, False)(ms.Tensor(flow), images)
        assert np.isnan(float(warp)) and np.isnan(float(smooth))

"""The error of warped images: the form for CPU beside plain operators."""

import mindspore as ms
import numpy as np
import pytest

from geonet.src.losses.rigid import WarpError
from geonet.src.sfm_utils import planes_cpu


def scene(batch=2, sources=3, size=(9, 12)):
    """Images, depth, cameras and small motions of both directions."""
    rng = np.random.default_rng(0)
    count, (height, width) = 2 * sources * batch, size
    images = rng.uniform(-1, 1, ((sources + 1) * batch, 3, *size))
    K = np.tile(np.float32([[width, 0, width / 2], [0, width, height / 2], [0, 0, 1]]), (count, 1))
    K = K.reshape(count, 3, 3)
    matrices = np.tile(np.eye(4), (count, 1, 1))
    matrices[:, :3] += rng.uniform(-0.1, 0.1, (count, 3, 4))
    depth = rng.uniform(0.5, 2, (count, 1, *size))
    arrays = images, depth, K, np.linalg.inv(K), matrices
    return [ms.Tensor(np.float32(array)) for array in arrays]


def computed(plain, arguments, factor=1.0):
    """Mean, error, and the mean's gradients for every argument, as arrays."""
    cell = WarpError(0.85)
    for one in (cell, cell.warp, cell.warp.sampler, cell.compare):
        one.cpu_form = not plain

    def total(*arguments):
        mean, error = cell(*arguments)
        return factor * mean, mean, error

    gradients, values = ms.grad(total, (0, 1, 2, 3, 4), has_aux=True)(*arguments)
    return [np.asarray(value) for value in (*values, *gradients)]


@pytest.mark.parametrize("size", [(9, 12), (2, 3)])
def test_both_forms_are_equal(size):
    arguments = scene(size=size)
    plain, ours = computed(True, arguments), computed(False, arguments)
    assert [array.shape for array in plain] == [array.shape for array in ours]
    mean, error, of_images, of_depth, _, of_inverse, of_matrices = ours
    assert 0.1 < mean < 1 and error.std() > 0.01 and np.abs(of_matrices).max() > 0.01
    assert (of_depth != 0).mean() > 0.2
    assert not of_images.any() and not of_inverse.any()  # these stay as they are
    for number in (0, 1, 3, 4, 6):
        most = np.abs(plain[number]).max()
        np.testing.assert_allclose(ours[number], plain[number], rtol=1e-4, atol=1e-4 * most)


def test_the_gradient_is_that_of_a_multiple():
    arguments = scene()
    once, thrice = computed(False, arguments), computed(False, arguments, -3.0)
    for number in (3, 6):
        np.testing.assert_allclose(thrice[number], -3 * once[number], rtol=1e-5)


@pytest.mark.parametrize("block", [1, 250, 10**6])
def test_blocks_of_any_size_give_the_same(block, monkeypatch):
    arguments = scene(batch=3, sources=2)
    expected = computed(False, arguments)
    monkeypatch.setattr(planes_cpu, "_BLOCK", block)
    for one, other in zip(expected, computed(False, arguments)):
        np.testing.assert_allclose(other, one, rtol=1e-5, atol=1e-6 * np.abs(one).max())


def test_a_depth_that_is_no_number_is_seen():
    images, depth, *rest = scene()
    depth = depth.asnumpy()
    depth[3, 0, 4, 5] = np.nan
    assert np.isnan(computed(False, (images, ms.Tensor(depth), *rest))[0])

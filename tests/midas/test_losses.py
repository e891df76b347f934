"""The two losses: by hand, invariants, degenerate masks, gradients."""

import functools

import mindspore as ms
import numpy as np
import pytest

from midas.src.losses import (
    LOSSES,
    ScaleAndShiftInvariantLoss,
    TrimmedAbsoluteLoss,
    gradient_sums,
    make_loss,
    robust_normalise,
    scale_and_shift,
)
from midas.src.model_utils.config import read_options
from tests.conftest import REPOSITORY

SHAPE = (2, 17, 22)
BOTH = pytest.mark.parametrize("name", ["ssi", "ssimae_trimmed"])


def tensors(*arrays):
    return [ms.Tensor(np.asarray(array, np.float32)) for array in arrays]


@functools.cache
def compiled(name):
    """(prediction, mask, target) -> (loss, its gradient), compiled once per shape."""
    return ms.jit(ms.value_and_grad(make_loss(name), 0))


def value(name, prediction, mask, target):
    return float(compiled(name)(*tensors(prediction, mask, target))[0].asnumpy())


def plain(name, prediction, mask, target, **options):
    """The loss without compilation."""
    return float(make_loss(name, **options)(*tensors(prediction, mask, target)).asnumpy())


def gradient(name, prediction, mask, target):
    result, grad = compiled(name)(*tensors(prediction, mask, target))
    return float(result.asnumpy()), grad.asnumpy()


@pytest.fixture
def maps():
    rng = np.random.default_rng(3)
    prediction = rng.uniform(0, 9, SHAPE).astype(np.float32)
    target = rng.uniform(0, 255, SHAPE).astype(np.float32)
    mask = (rng.uniform(size=SHAPE) < 0.7).astype(np.float32)
    return prediction, mask, target


def test_alignment_by_hand():
    prediction = [[[1, 2], [3, 100]], [[5, 5], [5, 5]]]
    target = [[[3, 5], [7, -9]], [[1, 2], [3, 4]]]
    mask = [[[1, 1], [1, 0]], [[1, 1], [1, 1]]]
    scale, shift = scale_and_shift(*tensors(prediction, mask, target))
    assert scale.asnumpy().ravel() == pytest.approx([2, 0], abs=1e-5)
    assert shift.asnumpy().ravel() == pytest.approx([1, 0], abs=1e-5)


def test_ssi_by_hand():
    """Prediction -1, 1, -1, 1 and target 0, 2, 0, 6: fit 2 p + 2, residual 0, 2, 0, -2."""
    prediction, target = [[[-1, 1], [-1, 1]]], [[[0, 2], [0, 6]]]
    mask = np.ones((1, 2, 2))
    # Squares 8 / 4; rows differ by 2 and 2, columns by 0 and 4, 8 / 4.
    assert plain("ssi", prediction, mask, target, scales=1) == pytest.approx(0.5 * (2 + 2))
    assert plain("ssi", prediction, mask, target, scales=1, alpha=2) == pytest.approx(2 * (2 + 2))
    # The coarser scale has one pixel, thus no differences.
    assert plain("ssi", prediction, mask, target, scales=2) == pytest.approx(0.5 * (2 + 2))


def test_gradients_by_hand():
    """Rows 1 2 4 and 0 0 9, the 9 not valid: 1 + 2 along the rows, 1 + 2 down the columns."""
    residual, mask = [[[1, 2, 4], [0, 0, 9]]], [[[1, 1, 1], [1, 1, 0]]]
    assert gradient_sums(*tensors(residual, mask)).asnumpy().tolist() == [6]
    for shape, expected in (((1, 1, 3), 3), ((1, 3, 1), 3), ((1, 1, 1), 0)):
        line = np.array([1, 2, 4][: np.prod(shape)]).reshape(shape)
        assert gradient_sums(*tensors(line, np.ones(shape))).asnumpy().tolist() == [expected]


def test_each_scale_divides_by_its_own_pixels():
    """A constant prediction fits nothing, so that R = -target: 6 in one corner, else 0."""
    target = np.zeros((1, 3, 3))
    target[0, 0, 0] = 6
    maps = np.ones((1, 3, 3)), np.ones((1, 3, 3)), target
    # 36 / 9; two differences of 6 among 9 pixels; the same two among the 4 of the coarser scale.
    assert plain("ssi", *maps, alpha=1, scales=1) == pytest.approx(4 + 12 / 9)
    assert plain("ssi", *maps, alpha=1, scales=2) == pytest.approx(4 + 12 / 9 + 12 / 4)


def test_defaults_are_those_of_config_yaml():
    defaults = read_options(REPOSITORY / "midas" / "config.yaml").defaults
    for name in LOSSES:
        loss = make_loss(name)
        assert (loss.alpha, loss.scales) == (defaults["loss_alpha"], defaults["loss_scales"])
    assert make_loss("ssimae_trimmed").keep == 0.8


def test_trimmed_by_hand():
    """Normalised 0 1 2 3 4 -> (x - 2) / 1.2; the target's last pixel is an outlier."""
    prediction = [[[0, 1, 2, 3, 4]]]
    target = [[[0, 1, 2, 3, 14]]]
    mask = np.ones((1, 1, 5))
    a = (np.arange(5) - 2) / 1.2
    b = (np.array([0, 1, 2, 3, 14]) - 2) / 3.2
    error = np.sort(np.abs(a - b))
    expected = error[:4].sum() / 10
    assert plain("ssimae_trimmed", prediction, mask, target, alpha=0) == pytest.approx(
        expected, rel=1e-5
    )
    edges = np.abs(np.diff(a - b)).sum() / 5
    got = plain("ssimae_trimmed", prediction, mask, target, alpha=0.5, scales=1)
    assert got == pytest.approx(expected + 0.5 * edges, rel=1e-5)


def test_median_of_an_even_count_is_between_the_middle_values():
    x, mask = tensors([[1, 99, 2, 4, 10]], [[1, 0, 1, 1, 1]])
    got = robust_normalise(x, mask).asnumpy()[0, [0, 2, 3, 4]]
    assert got == pytest.approx((np.array([1, 2, 4, 10]) - 3) / 2.75, rel=1e-6)


@BOTH
def test_affine_changes_of_the_prediction_do_not_matter(name, maps):
    prediction, mask, target = maps
    factor = np.array([3.0, 0.2]).reshape(2, 1, 1)
    shifted = factor * prediction + np.array([40.0, -1.0]).reshape(2, 1, 1)
    expected = value(name, *maps)
    assert expected > 0.1
    assert value(name, shifted, mask, target) == pytest.approx(expected, rel=2e-4)
    assert value(name, target * 0.01 + 5, mask, target) == pytest.approx(0, abs=5e-3 * expected)


@BOTH
def test_pixels_outside_the_mask_do_not_matter(name, maps):
    prediction, mask, target = maps
    hidden = mask == 0
    changed = np.where(hidden, 1000, prediction), mask, np.where(hidden, -7, target)
    assert value(name, *changed) == pytest.approx(value(name, *maps), rel=1e-5)
    assert not gradient(name, *maps)[1][hidden].any()


@BOTH
def test_gradient_is_the_slope(name, maps):
    """Beside central differences, along the gradient's signs: the slope is far above rounding."""
    prediction, mask, target = maps
    _, grad = gradient(name, *maps)
    direction = np.sign(grad) * np.random.default_rng(5).uniform(0.5, 1, SHAPE)
    step = 1e-3 * direction
    slope = value(name, prediction + step, mask, target) - value(
        name, prediction - step, mask, target
    )
    assert slope / 2e-3 == pytest.approx((grad * direction).sum(), rel=0.02)


@BOTH
@pytest.mark.parametrize("pixels", [[], [(0, 0)], [(5, 7)]])
def test_nearly_empty_masks_give_numbers(name, pixels, maps):
    prediction, _, target = (array[:1] for array in maps)
    mask = np.zeros_like(target)
    for y, x in pixels:
        mask[0, y, x] = 1
    result, grad = gradient(name, prediction, mask, target)
    assert np.isfinite(result)
    assert np.isfinite(grad).all()
    if not pixels:
        assert result == 0
        assert not grad.any()


@BOTH
def test_constant_predictions_give_numbers(name, maps):
    _, mask, target = maps
    for constant in (0, 0.1, 7.3):
        result, grad = gradient(name, np.full(SHAPE, constant), mask, target)
        assert np.isfinite(result)
        assert result > 0
        assert np.isfinite(grad).all()


def test_an_image_without_valid_pixels_does_not_dilute_the_trimmed_loss(maps):
    prediction, mask, target = maps
    alone = value("ssimae_trimmed", prediction[:1], mask[:1], target[:1])
    mask = mask.copy()
    mask[1] = 0
    assert value("ssimae_trimmed", prediction, mask, target) == pytest.approx(alone, rel=1e-5)


@BOTH
def test_graph_mode_gives_the_same_gradient_for_a_batch(name, maps):
    expected_value, expected = ms.value_and_grad(make_loss(name), 0)(*tensors(*maps))
    result, grad = gradient(name, *maps)
    assert result == pytest.approx(float(expected_value.asnumpy()), rel=1e-5)
    np.testing.assert_allclose(grad, expected.asnumpy(), atol=1e-6, rtol=1e-4)


def test_half_precision_predictions_are_compared_in_float32(maps):
    prediction, mask, target = maps
    half = ms.Tensor(prediction.astype(np.float16))
    for cell in (ScaleAndShiftInvariantLoss(), TrimmedAbsoluteLoss()):
        result = cell(half, *tensors(mask, target))
        assert result.dtype == ms.float32
        rounded = cell(*tensors(prediction.astype(np.float16), mask, target))
        assert float(result.asnumpy()) == pytest.approx(float(rounded.asnumpy()), rel=1e-6)


def test_the_choices_of_config_yaml_are_the_losses():
    options = read_options(REPOSITORY / "midas" / "config.yaml")
    assert options.allowed["loss"] == list(LOSSES)
    assert options.defaults["loss"] == "ssi"


@BOTH
@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_a_prediction_that_is_not_finite_gives_no_finite_loss(name, bad, maps):
    prediction, mask, target = maps
    for pixels in (np.s_[:], np.s_[0], np.s_[1, 3, 4]):
        broken = prediction.copy()
        broken[pixels] = bad
        assert np.isnan(value(name, broken, mask, target)), pixels

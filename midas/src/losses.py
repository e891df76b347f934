"""The model zoo's scale-and-shift-invariant loss and the trimmed absolute loss of the paper.

Both compare inverse depth (B, H, W) with a target known up to scale and shift, over the pixels of a
mask, and add the gradient matching term of Li and Snavely (2018) at several resolutions.
"""

import mindspore as ms
import numpy as np
from mindspore import nn, ops
from mindspore.ops import constexpr

# A spread below this part of the values is float32's rounding: such a map counts as constant.
_RELATIVE_SPREAD = 1e-6
_PIXELS = (1, 2)


@constexpr
def _every(size, step):
    return ms.Tensor(np.arange(0, size, step, dtype=np.int32))


def _subsample(x, step):
    """x[:, ::step, ::step]; the gradient of that slice fails in PyNative on CPU, gather's works."""
    if step == 1:
        return x
    x = ops.gather(x, _every(x.shape[1], step), 1)
    return ops.gather(x, _every(x.shape[2], step), 2)


def _ratio(numerator, denominator):
    """numerator / denominator, and 0 with gradient 0 where the denominator is 0."""
    valid = denominator != 0
    quotient = numerator / ops.select(valid, denominator, ops.ones_like(denominator))
    return ops.select(valid, quotient, ops.zeros_like(quotient))


def gradient_sums(residual, mask):
    """Sum of |horizontal| and |vertical| differences between neighbours that are both valid.

    Args:
        residual: (B, H, W).
        mask: (B, H, W), 1 valid, 0 not.

    Returns:
        (B,) one sum per image.
    """
    residual = mask * residual
    sums = ops.zeros_like(residual[:, 0, 0])
    # A map one pixel wide has no neighbours; MindSpore's sum of an empty tensor is not 0.
    if residual.shape[2] > 1:
        across = ops.abs(residual[:, :, 1:] - residual[:, :, :-1])
        sums = sums + (across * mask[:, :, 1:] * mask[:, :, :-1]).sum(_PIXELS)
    if residual.shape[1] > 1:
        down = ops.abs(residual[:, 1:, :] - residual[:, :-1, :])
        sums = sums + (down * mask[:, 1:, :] * mask[:, :-1, :]).sum(_PIXELS)
    return sums


def scale_and_shift(prediction, mask, target):
    """Least-squares fit of scale * prediction + shift to the target over the mask.

    Args:
        prediction, mask, target: (B, H, W).

    Returns:
        Two (B, 1, 1) tensors; both 0 where the mask has less than two pixels or the prediction is
        constant on it.
    """
    count = mask.sum(_PIXELS, keepdim=True)
    mean_prediction = _ratio((mask * prediction).sum(_PIXELS, keepdim=True), count)
    mean_target = _ratio((mask * target).sum(_PIXELS, keepdim=True), count)
    centred = mask * (prediction - mean_prediction)
    variance = (centred * centred).sum(_PIXELS, keepdim=True)
    covariance = (centred * (target - mean_target)).sum(_PIXELS, keepdim=True)
    energy = (mask * prediction * prediction).sum(_PIXELS, keepdim=True)
    constant = variance <= _RELATIVE_SPREAD**2 * energy
    zeros = ops.zeros_like(variance)
    scale = _ratio(covariance, ops.select(constant, zeros, variance))
    shift = ops.select(constant, zeros, mean_target - scale * mean_prediction)
    return scale, shift


class ScaleAndShiftInvariantLoss(nn.Cell):
    """The model zoo's loss: squared error after alignment, and gradient matching.

    With R = scale * prediction + shift - target, fitted for each image by least squares, and sums
    over the valid pixels of all images of the batch:
    alpha * (sum R^2 / M + sum over k < scales of gradient_sums(R at every 2^k-th pixel) / M_k).
    M_k counts the valid pixels among those. The original yields NaN when an M_k is 0; here the term
    is 0. As in the original alpha multiplies everything (the paper: the gradient part only).

    Args:
        alpha (float): factor of the sum.
        scales (int): resolutions of the gradient part.
    """

    def __init__(self, alpha=0.5, scales=4):
        super().__init__()
        self.alpha = alpha
        self.scales = scales

    def construct(self, prediction, mask, target):
        """Compare.

        Args:
            prediction, mask, target: (B, H, W); mask 1 valid, 0 not, of any number type.

        Returns:
            Scalar >= 0.
        """
        prediction = prediction.to(ms.float32)
        mask = mask.to(ms.float32)
        scale, shift = scale_and_shift(prediction, mask, target)
        residual = scale * prediction + shift - target
        total = _ratio((mask * residual * residual).sum(), mask.sum())
        for k in range(self.scales):
            coarse_mask = _subsample(mask, 2**k)
            sums = gradient_sums(_subsample(residual, 2**k), coarse_mask)
            total = total + _ratio(sums.sum(), coarse_mask.sum())
        return total * self.alpha


def _sort(values, mask):
    """Positions of the flattened pixels, valid ones first, by rising value: (B, N) int32."""
    # Just above the largest value: float32's largest would overflow where a card computes float16.
    last = ops.amax(values, 1, True) + 1
    return ops.sort(ops.select(mask > 0, values, last.broadcast_to(values.shape)), 1)[1]


def robust_normalise(x, mask):
    """(x - median) / mean absolute deviation from the median, over the valid pixels of each image.

    Args:
        x, mask: (B, N).

    Returns:
        (B, N); only the valid entries mean something; a constant image gives 0.
    """
    count = mask.sum(1, keepdim=True)
    order = _sort(ops.stop_gradient(x), mask)
    last = ops.maximum(count - 1, ops.zeros_like(count))
    # The two middle values; the same one for an odd count.
    lower = ops.gather_elements(order, 1, ops.floor(last / 2).to(ms.int32))
    upper = ops.gather_elements(order, 1, ops.ceil(last / 2).to(ms.int32))
    median = (ops.gather_elements(x, 1, lower) + ops.gather_elements(x, 1, upper)) / 2
    centred = x - median
    spread = _ratio((mask * ops.abs(centred)).sum(1, keepdim=True), count)
    constant = spread <= _RELATIVE_SPREAD * ops.abs(median)
    return _ratio(centred, ops.select(constant, ops.zeros_like(spread), spread))


class TrimmedAbsoluteLoss(nn.Cell):
    """The loss of the paper (Ranftl et al. 2020, section 5): L_ssitrim + alpha * L_reg.

    Prediction and target are normalised by median and mean absolute deviation; R is the difference.
    L_ssitrim = 1 / (2 M) * sum of the U smallest |R| of the M valid pixels, U = floor(keep * M);
    L_reg = sum over k < scales of gradient_sums(R at every 2^k-th pixel) / M_k.
    Both are computed for each image; the mean is over the images that have a valid pixel. (L_reg of
    the paper divides by M for every k; M_k, the count at that scale, is what the zoo divides by.)

    Args:
        alpha (float): weight of L_reg.
        scales (int): resolutions of L_reg.
        keep (float): share of the pixels that count, 0..1; the paper trims a fifth.
    """

    def __init__(self, alpha=0.5, scales=4, keep=0.8):
        super().__init__()
        self.alpha = alpha
        self.scales = scales
        self.keep = keep

    def construct(self, prediction, mask, target):
        """See ScaleAndShiftInvariantLoss."""
        shape = prediction.shape
        mask = mask.to(ms.float32)
        flat = mask.reshape(shape[0], -1)
        residual = robust_normalise(
            prediction.to(ms.float32).reshape(shape[0], -1), flat
        ) - robust_normalise(target.reshape(shape[0], -1), flat)
        residual = flat * residual
        total = self._trimmed(ops.abs(residual), flat)
        residual = residual.reshape(shape)
        for k in range(self.scales):
            coarse_mask = _subsample(mask, 2**k)
            sums = gradient_sums(_subsample(residual, 2**k), coarse_mask)
            total = total + self.alpha * _ratio(sums, coarse_mask.sum(_PIXELS))
        images = (flat.sum(1) > 0).to(ms.float32).sum()
        return _ratio(total.sum(), images)

    def _trimmed(self, error, mask):
        count = mask.sum(1, keepdim=True)
        ordered = ops.gather_elements(error, 1, _sort(ops.stop_gradient(error), mask))
        rank = _every(error.shape[1], 1).to(ms.float32)
        # The small number: floor(0.8 * 5) is 4, but 0.8 * 5 in float32 may be 3.9999998.
        kept = (rank < ops.floor(self.keep * count + 1e-3)).to(ms.float32)
        return _ratio((ordered * kept).sum(1), 2 * count.squeeze(1))


LOSSES = {"ssi": ScaleAndShiftInvariantLoss, "ssimae_trimmed": TrimmedAbsoluteLoss}


def make_loss(name, alpha=0.5, scales=4):
    """The loss that config.yaml names.

    Args:
        name (str): key of LOSSES.
        alpha, scales: see the two losses.

    Returns:
        Cell of (prediction, mask, target), each (B, H, W), -> scalar.
    """
    return LOSSES[name](alpha, scales)

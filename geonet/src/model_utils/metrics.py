"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

The seven depth metrics of Eigen et al. (NIPS 2014, section 4.2).
"""

from __future__ import annotations

import numpy as np

from .errors import InputError

NAMES = ("abs_rel", "sq_rel", "rmse", "rmse_log", "a1", "a2", "a3")


def depth_metrics(
    prediction: np.ndarray, target: np.ndarray, inclusive: bool = False
) -> dict[str, float]:
    """Error and accuracy of one depth map.

    Args:
        prediction, target: arrays of equal shape, metres, > 0, valid pixels only.
        inclusive: count a ratio equal to the threshold as accurate (DepthNet's original does).
    Returns:
        dict of float: abs_rel, sq_rel (m), rmse (m), rmse_log, a1, a2, a3 (fractions of the pixels
        whose ratio is below 1.25, 1.25^2, 1.25^3).
    Raises:
        InputError: shapes differ or no pixel is valid.
    """
    prediction, target = np.asarray(prediction, float), np.asarray(target, float)
    if prediction.shape != target.shape or prediction.size == 0:
        raise InputError(f"metrics of {prediction.shape} against {target.shape}: no common pixels")
    error = prediction - target
    ratio = np.maximum(prediction / target, target / prediction)
    below = np.less_equal if inclusive else np.less
    return {
        "abs_rel": float(np.mean(np.abs(error) / target)),
        "sq_rel": float(np.mean(error**2 / target)),
        "rmse": float(np.sqrt(np.mean(error**2))),
        "rmse_log": float(np.sqrt(np.mean(np.log(prediction / target) ** 2))),
        **{f"a{k}": float(np.mean(below(ratio, 1.25**k))) for k in (1, 2, 3)},
    }

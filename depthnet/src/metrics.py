"""The seven NYU metrics with the original's names and rules (research/cv/DepthNet/src/loss.py)."""

import numpy as np

from .model_utils.metrics import depth_metrics
from .transforms import MAX_DEPTH, MIN_DEPTH

# original name: name in model_utils.metrics
NAMES = {
    "delta1_loss": "a1",
    "delta2_loss": "a2",
    "delta3_loss": "a3",
    "abs_relative_loss": "abs_rel",
    "sqr_relative_loss": "sq_rel",
    "rmse_linear_loss": "rmse",
    "rmse_log_loss": "rmse_log",
}


def image_metrics(log_depth, target, mask_invalid=False, clip_log=False):
    """Metrics of one image.

    Args:
        log_depth: (h, w) or more, ln(depth / m).
        target: same size, metres, 0 where unknown; clipped to 0.1..10 m.
        mask_invalid: leave out pixels without target; the original counts them as 0.1 m.
        clip_log: take rmse_log of the clipped depth, as the original's post-processing does; its
            evaluation takes the raw prediction.
    Returns:
        dict of float by the original's names, or None when mask_invalid leaves no pixel.
    """
    log_depth, target = np.asarray(log_depth, float).ravel(), np.asarray(target, float).ravel()
    if mask_invalid:
        log_depth, target = log_depth[target > 0], target[target > 0]
        if not target.size:
            return None
    target = np.clip(target, MIN_DEPTH, MAX_DEPTH)
    depth = np.clip(np.exp(log_depth), MIN_DEPTH, MAX_DEPTH)
    values = depth_metrics(depth, target, inclusive=True)
    if not clip_log:
        values["rmse_log"] = float(np.sqrt(np.mean((log_depth - np.log(target)) ** 2)))
    return {name: values[key] for name, key in NAMES.items()}


def average(rows):
    """Mean of each metric over the images, as the original averages (also the RMSEs)."""
    return {name: float(np.mean([row[name] for row in rows])) for name in NAMES}


def format_metrics(metrics):
    """One line in the original's form."""
    return " ".join(f"{name}:  {value:.6f}" for name, value in metrics.items())

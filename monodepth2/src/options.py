"""Options of a training that do not go together, answered before anything is built."""

from .model_utils.errors import InputError


def check_sizes(size, scales, limits):
    """Check the size at the network, the scales of the disparity, and the limits of the depth.

    Args:
        size: (height, width), pixels.
        scales: of the disparity.
        limits: (min_depth, max_depth).
    Raises:
        InputError: a side is no multiple of 32, the scales do not begin with 0, or the limits are
            in the wrong order.
    """
    for key, value in zip(("height", "width"), size):
        if value % 32:
            nearest = 32 * max(1, round(value / 32))
            raise InputError(f"{key} {value} is no multiple of 32; use {nearest}")
    if scales[0] != 0 or len(set(scales)) != len(scales):
        text = " ".join(map(str, scales))
        raise InputError(f"scales {text}: write 0 first, which is predicted, and each one once")
    if limits[0] >= limits[1]:
        raise InputError(f"min_depth {limits[0]} must be below max_depth {limits[1]}")


def check_masks(predictive_mask, disable_automasking):
    """Check that a mask is learnt or found, not both.

    Raises:
        InputError: both are asked for.
    """
    if predictive_mask and not disable_automasking:
        raise InputError("predictive_mask replaces automasking; add --disable_automasking")


def check_poses(pose_model_type, use_stereo):
    """Check that every source has a pose.

    Raises:
        InputError: posecnn with stereo pairs, which the original cannot train either.
    """
    if use_stereo and pose_model_type == "posecnn":
        hint = "choose another pose_model_type, or leave out use_stereo"
        raise InputError(f"pose_model_type posecnn has no pose for the other camera; {hint}")

"""Options of a training that do not go together, answered before anything is built."""

from .model_utils.errors import InputError


def check_size(height, width, scales):
    """Check the size at the network and the scales of the disparity.

    Raises:
        InputError: a side is no multiple of 32, or the scales do not begin with 0.
    """
    for key, value in (("height", height), ("width", width)):
        if value % 32:
            nearest = 32 * max(1, round(value / 32))
            raise InputError(f"{key} {value} is no multiple of 32; use {nearest}")
    if scales[0] != 0 or len(set(scales)) != len(scales):
        text = " ".join(map(str, scales))
        raise InputError(f"scales {text}: write 0 first, which is predicted, and each one once")


def check_depths(min_depth, max_depth):
    """Check the limits of the depth.

    Raises:
        InputError: they are in the wrong order.
    """
    if min_depth >= max_depth:
        raise InputError(f"min_depth {min_depth} must be below max_depth {max_depth}")


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

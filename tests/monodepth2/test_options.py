"""Options that do not go together."""

import pytest

from monodepth2.src.model_utils.errors import InputError
from monodepth2.src.options import check_masks, check_poses, check_sizes

LIMITS = 0.1, 100


@pytest.mark.parametrize(
    ("size", "text"),
    [
        ((100, 640), "height 100 is no multiple of 32; use 96"),
        ((192, 630), "width 630 is no multiple of 32; use 640"),
        ((10, 640), "use 32"),
    ],
)
def test_sides_are_multiples_of_32(size, text):
    with pytest.raises(InputError, match=text):
        check_sizes(size, [0], LIMITS)


@pytest.mark.parametrize("scales", [[1, 2], [0, 1, 1]])
def test_scales_begin_with_the_one_that_is_predicted(scales):
    with pytest.raises(InputError, match=f"scales {' '.join(map(str, scales))}: write 0 first"):
        check_sizes((192, 640), scales, LIMITS)


def test_options_that_go_together():
    check_sizes((192, 640), [0, 3], LIMITS)
    check_masks(False, False)
    check_masks(True, True)
    check_poses("posecnn", False)
    check_poses("shared", True)


def test_the_nearest_depth_is_below_the_farthest():
    with pytest.raises(InputError, match="min_depth 5 must be below max_depth 5"):
        check_sizes((192, 640), [0], (5, 5))


def test_a_mask_is_learnt_or_found():
    with pytest.raises(InputError, match="add --disable_automasking"):
        check_masks(True, False)


def test_posecnn_has_no_pose_for_the_other_camera():
    with pytest.raises(InputError, match="posecnn has no pose"):
        check_poses("posecnn", True)

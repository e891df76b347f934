"""Options that do not go together are answered in one line."""

import pytest

from geonet.src.model_utils.errors import InputError
from geonet.src.options import check_length, check_training


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (
            ("test_pose", 3, (128, 416), "resnet50"),
            "mode test_pose is one of eval.py; train.py has train_rigid, train_flow",
        ),
        (("train_flow", 4, (128, 416), "resnet50"), "seq_length 4 has no middle frame; use 3 or 5"),
        (
            ("train_rigid", 3, (100, 416), "resnet50"),
            "img_height 100 is no multiple of 8, as resnet50 needs; use 96",
        ),
    ],
)
def test_a_training_that_cannot_be(given, text):
    with pytest.raises(InputError) as caught:
        check_training(*given)
    assert str(caught.value) == text


def test_what_goes_together():
    check_training("train_rigid", 3, (128, 416), "vgg")
    check_training("train_flow", 5, (64, 104), "resnet50")
    check_length(7)

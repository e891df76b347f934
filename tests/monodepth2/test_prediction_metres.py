"""Metres per unit of depth from what a user gives on the command line."""

import numpy as np
import pytest

from monodepth2.src.model_utils.errors import InputError
from monodepth2.src.prediction import FrameSource, Known, Measuring, Network, metres_per_unit
from monodepth2.src.prediction.metres import or_kitti_s
from monodepth2.src.sfm_utils.intrinsics import Intrinsics
from tests.monodepth2.predicted import SIZE, ahead, disparities, grey, save

STEREO, MONO = {"metric_scale": 5.4}, {"metric_scale": None}
CAMERA = Intrinsics(60.0, 60.0, 31.5, 8.0, 64, 32)


@pytest.fixture
def measuring(tmp_path):
    """Twelve images, by prediction 2 units apart, whose disparity is 1.2."""
    images = {str(number): grey(51) for number in range(12)}
    source = FrameSource.of(str(save(tmp_path / "in", **images)))
    return Measuring(source, disparities(2), CAMERA, Network(ahead, *SIZE, 4))


def test_the_training_s_scale_unless_the_user_knows_better(measuring, capsys):
    assert metres_per_unit(Known(), measuring, STEREO) == 5.4
    assert metres_per_unit(Known(), measuring, MONO) is None
    assert metres_per_unit(Known(scale=3), measuring, STEREO) == 3
    assert capsys.readouterr().out.splitlines() == [
        "scale: 5.4 metres per unit of depth, from the training",
        "scale: 3 metres per unit of depth, from scale",
    ]


def test_from_a_distance_in_the_first_image(measuring, capsys):
    known = Known(known_distance=[10, 20, 5])
    assert metres_per_unit(known, measuring, MONO) == pytest.approx(6)
    assert metres_per_unit(Known(known_distance=[1, 2, 5, 3, 4, 5]), measuring, MONO) > 0
    assert "scale: 6 metres per unit of depth, from known_distance" in capsys.readouterr().out


def test_from_the_camera_s_height(measuring, tmp_path):
    """Images whose red value is that of a road 0.8 units below, predicted less 1."""
    down = (np.arange(32) - CAMERA.cy) / CAMERA.fy
    value = np.clip(255 * down / 0.8, 0, 255)
    road = np.uint8(np.rint(value))[:, None, None].repeat(64, 1).repeat(3, 2)
    source = FrameSource.of(str(save(tmp_path / "road", **{f"{n}": road for n in range(12)})))
    network = Network(lambda images: images[:, :1] + 1e-4, *SIZE, 2)
    known = Known(camera_height=1.6)
    found = metres_per_unit(known, Measuring(source, network, CAMERA), MONO)
    assert found == pytest.approx(2, rel=0.02)
    with pytest.raises(InputError, match="camera_height: none of 2 images shows flat ground"):
        metres_per_unit(known, measuring, MONO)


def test_from_gps(measuring, tmp_path):
    """3 m from frame to frame over 2 predicted units."""
    degree = np.pi * 6378137 / 180
    lines = [f"{number / 10} {49 + 3 * number / degree:.9f} 8.4" for number in range(12)]
    (tmp_path / "gps.txt").write_text("\n".join(lines))
    known = Known(gps=str(tmp_path / "gps.txt"))
    assert metres_per_unit(known, measuring, MONO) == pytest.approx(1.5, rel=1e-3)
    (tmp_path / "gps.txt").write_text("\n".join(lines[:9]))
    with pytest.raises(InputError, match="9 places for 12 frames"):
        metres_per_unit(known, measuring, MONO)


def test_gps_needs_a_path(tmp_path):
    source = FrameSource.of(str(save(tmp_path / "in", one=grey(51))))
    measuring = Measuring(source, disparities(), None, Network(ahead, *SIZE))
    with pytest.raises(InputError, match="holds one image; a path needs two or more"):
        metres_per_unit(Known(gps="x"), measuring, MONO)


def test_only_one_of_them_is_given():
    with pytest.raises(InputError, match="scale and gps: each gives a scale; choose one"):
        Known(scale=2, gps="x")
    with pytest.raises(InputError, match="known_distance has 2 numbers; give u v metres"):
        Known(known_distance=[1, 2])


def test_kitti_s_scale_is_taken_with_the_original_s_warning(capsys):
    assert or_kitti_s(2.0) == 2 and not capsys.readouterr().out
    assert or_kitti_s(None) == 5.4
    assert "will not in metric space" in capsys.readouterr().out

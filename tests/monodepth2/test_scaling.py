"""Metres per unit of depth: hand-computed scenes, and rendered ones whose depth is known."""

import cv2
import numpy as np
import pytest

from monodepth2.src.model_utils.errors import InputError
from monodepth2.src.scaling import (
    camera_height_units,
    places_on_earth,
    scale_from_ground,
    scale_from_path,
    scale_from_points,
)
from monodepth2.src.sfm_utils.intrinsics import Intrinsics, read_intrinsics
from monodepth2.src.sfm_utils.trajectories import read_tum

CAMERA = Intrinsics(60.0, 50.0, 40.0, 20.0, 80, 48)
UNIT = 3.7  # metres per unit of the depth in these tests
RENDERED_HEIGHT = 1.65  # metres, of the camera in rendered drives


def road(height, roll=0.0, noise=0.0, seed=0):
    """Disparity of a road below a camera, which may be rolled; above the horizon a wall."""
    v, u = np.mgrid[: CAMERA.height, : CAMERA.width]
    across, down = (u - CAMERA.cx) / CAMERA.fx, (v - CAMERA.cy) / CAMERA.fy
    disparity = (np.cos(roll) * down + np.sin(roll) * across) / height
    disparity *= 1 + noise * np.random.default_rng(seed).standard_normal(disparity.shape)
    return np.float32(np.maximum(disparity, 0.02))


def test_a_measured_distance_over_the_predicted_one():
    """Depth 2 units where 7 m were measured: 3.5 m per unit; of several points the median."""
    disparity = np.full((40, 60), 0.5, np.float32)
    disparity[:, 30:] = 0.25
    assert scale_from_points(disparity, [(10, 20, 7)]) == pytest.approx(3.5)
    assert scale_from_points(disparity, [(50, 20, 8)]) == pytest.approx(2)
    points = [(10, 20, 7), (50, 20, 8), (50, 30, 100)]
    assert scale_from_points(disparity, points) == pytest.approx(3.5)


def test_one_wrong_pixel_at_the_point_does_not_count():
    disparity = np.full((40, 60), 0.5, np.float32)
    disparity[20, 10] = 9
    assert scale_from_points(disparity, [(10, 20, 7)]) == pytest.approx(3.5)


@pytest.mark.parametrize("point", [(60, 0, 1), (0, 40, 1), (-1, 0, 1), (5, 5, 0), (5, 5, -2)])
def test_a_point_lies_in_the_image_and_ahead(point):
    with pytest.raises(InputError, match="in an image of 60x40; give u v in it"):
        scale_from_points(np.ones((40, 60), np.float32), [point])


@pytest.mark.parametrize(("roll", "noise"), [(0.0, 0.0), (0.2, 0.0), (0.0, 0.01)])
def test_the_height_above_a_road_is_found(roll, noise):
    height = camera_height_units(road(1.5, roll, noise), CAMERA)
    assert height == pytest.approx(1.5, rel=1e-4 if not noise else 0.01)


def test_a_car_on_the_road_does_not_change_the_height():
    disparity = road(1.5, noise=0.005)
    disparity[30:44, 20:42] = 0.5
    assert camera_height_units(disparity, CAMERA) == pytest.approx(1.5, rel=0.01)


def test_without_ground_there_is_no_height():
    wall = np.full((48, 80), 0.3, np.float32)
    assert camera_height_units(wall, CAMERA) is None
    clutter = np.random.default_rng(0).random((48, 80), np.float32)
    assert camera_height_units(clutter, CAMERA) is None
    strip = np.where(np.arange(80) < 32, road(1.5), clutter)  # a quarter of what is looked at
    assert camera_height_units(strip, CAMERA) is None
    with pytest.raises(InputError, match="none of 2 images shows flat ground"):
        scale_from_ground([wall, clutter], CAMERA, 1.5)


def test_the_camera_holds_for_the_images():
    with pytest.raises(InputError, match="images are 80x40, but the intrinsics hold for 80x48"):
        scale_from_ground([road(1.5)[8:]], CAMERA, 1.5)


def test_the_scale_is_the_median_over_the_images_that_show_ground():
    wall = np.full((48, 80), 0.3, np.float32)
    maps = [road(0.5), wall, road(0.6), road(5)]
    assert scale_from_ground(maps, CAMERA, 1.2) == pytest.approx(2, rel=1e-3)


@pytest.fixture(scope="module")
def rendered(footage):
    """Disparity in units of UNIT metres, the camera, its true path."""
    files = sorted((footage / "truth" / "drive_0_depth").glob("*.png"))
    depths = [cv2.imread(str(file), cv2.IMREAD_UNCHANGED) / 256 for file in files]
    maps = [np.where(d > 0, UNIT / np.maximum(d, 1e-3), 0).astype(np.float32) for d in depths]
    path = read_tum(footage / "truth" / "drive_0_tum.txt")
    return maps, read_intrinsics(footage / "intrinsics.json"), path.world_from_camera[:, :3, 3]


def test_a_rendered_drive_s_scale_from_the_camera_s_height(rendered):
    maps, camera, _ = rendered
    assert scale_from_ground(maps[::5], camera, RENDERED_HEIGHT) == pytest.approx(UNIT, rel=0.02)


def test_a_rendered_drive_s_scale_from_a_distance(rendered):
    disparity = rendered[0][0]
    metres = UNIT / disparity[50, 40]
    assert scale_from_points(disparity, [(40, 50, metres)]) == pytest.approx(UNIT, rel=0.02)


@pytest.mark.parametrize("noise", [0, 0.1])
def test_a_rendered_drive_s_scale_from_its_path(rendered, noise):
    """A receiver's error of 10 cm hardly changes ways of metres."""
    places = rendered[2]
    moved = places + noise * np.random.default_rng(0).standard_normal(places.shape)
    turned = places @ np.float64([[0, 1, 0], [0, 0, 1], [1, 0, 0]]) / UNIT + 5
    assert scale_from_path(moved, turned) == pytest.approx(UNIT, rel=0.03 if noise else 1e-6)


def test_where_the_car_waits_tells_nothing():
    """The prediction drifts while the true place stays."""
    true = np.zeros((12, 3))
    true[:6, 2], true[6:, 2] = 4 * np.arange(6), 20
    predicted = true / 2
    predicted[6:, 0] = 3 * np.arange(6)
    assert scale_from_path(true, predicted) == pytest.approx(2, rel=0.35)
    assert scale_from_path(true[:7], predicted[:7]) == pytest.approx(2, rel=0.1)


def test_a_path_that_stands_still_gives_no_scale():
    moving = np.arange(9.0).reshape(3, 3)
    with pytest.raises(InputError, match="its places do not move"):
        scale_from_path(np.ones((3, 3)), moving)
    with pytest.raises(InputError, match="the predicted path stands still"):
        scale_from_path(moving, np.ones((3, 3)))


def test_degrees_become_metres():
    """At the equator a degree is 111.3 km both ways, at 60 degrees half that to the east."""
    degree = np.pi * 6378137 / 180
    at_equator = places_on_earth(np.float64([[0, 10, 100], [0, 11, 100], [1, 10, 130]]))
    np.testing.assert_allclose(at_equator, [[0, 0, 0], [degree, 0, 0], [0, degree, 30]], atol=1e-6)
    north = places_on_earth(np.float64([[60, 10, 0], [60, 11, 0]]))
    np.testing.assert_allclose(north[1], [degree / 2, 0, 0], atol=1e-6)

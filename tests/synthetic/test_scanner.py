"""The laser scanner against values by hand, against single rays, and through KITTI's files."""

import numpy as np
import pytest

from tests.synthetic.camera import pose
from tests.synthetic.drives import drive
from tests.synthetic.kitti_rig import AXES, DATES, rig, seven_digits
from tests.synthetic.render import render
from tests.synthetic.scanner import scan
from tests.synthetic.scene import Builder
from tests.synthetic.test_render import cast


def on_the_roof(position, yaw=0.0):
    """The pose of a scanner that looks along the camera's axis."""
    world_from_scanner = pose(position, yaw)
    world_from_scanner[:3, :3] = world_from_scanner[:3, :3] @ AXES
    return world_from_scanner


def ground_and_wall():
    builder = Builder(np.random.default_rng(0))
    builder.rectangle((-500, 0, 500), (1000, 0, 0), (0, 0, -1000), "metal")
    builder.rectangle((-50, -9, 20), (100, 0, 0), (0, 9, 0), "metal")
    return builder.scene()


def test_the_ground_and_a_wall_by_hand():
    points = scan(ground_and_wall(), on_the_roof((0, -1.75, 0)), 720)
    assert points.dtype == np.float32 and points.shape[1] == 4
    x, y, z = points[:, :3].T
    # The scanner is 1.75 m above the ground, and the wall 20 m ahead of it: x forward, z up.
    on_wall = np.isclose(x, 20, atol=1e-4)
    np.testing.assert_allclose(z[~on_wall], -1.75, atol=1e-4)
    assert on_wall.sum() > 1000 and z[on_wall].min() > -1.76
    steepest = (z / np.hypot(x, y)).max()
    assert steepest == pytest.approx(np.tan(np.radians(2)), rel=1e-3)
    # It turns all round, but its steepest beam leaves a circle around the car free.
    assert (x < -3).sum() > 1000 and (y > 3).sum() > 1000 and (y < -3).sum() > 1000
    assert np.hypot(x, y).min() == pytest.approx(1.75 / np.tan(np.radians(24.8)), rel=1e-3)
    assert np.linalg.norm(points[:, :3], axis=1).max() <= 80
    assert points[:, 3].min() >= 0 and points[:, 3].max() <= 1


def test_left_is_left():
    builder = Builder(np.random.default_rng(0))
    builder.box((-5, 0, 0), (1, 3, 1), 0, "metal")  # x is to the right in the world: on the left
    points = scan(builder.scene(), on_the_roof((0, -1.75, 0)), 720)
    assert len(points) > 50
    np.testing.assert_allclose(points[:, 1].min(), 4.5, atol=1e-3)
    turned = scan(builder.scene(), on_the_roof((0, -1.75, 0), yaw=np.pi / 2), 720)
    np.testing.assert_allclose(turned[:, 0].max(), -4.5, atol=1e-3)


def test_each_point_lies_where_its_ray_first_hits():
    scene, ego = drive(1)
    scene, world_from_scanner = scene.at(12), ego.pose(12) @ rig(DATES[0]).rect_from_scanner
    points = scan(scene, world_from_scanner, 720)
    assert len(points) > 15000
    right = 0
    for point in points[np.random.default_rng(0).integers(len(points), size=80), :3]:
        reach = np.linalg.norm(point)
        ray = world_from_scanner[:3, :3] @ (point / reach)
        hit, _ = cast(scene, world_from_scanner[:3, 3], ray)
        right += abs(hit - reach) < 1e-3 * reach
    assert right >= 79  # a post may be thinner than the gap between two pixels


def test_more_rays_give_more_points():
    scene = ground_and_wall()
    few, many = (scan(scene, on_the_roof((0, -1.75, 0)), columns) for columns in (360, 720))
    assert len(many) == pytest.approx(2 * len(few), rel=0.02)


def depth_fits(depth, u, v, z):
    """Share of points whose depth lies between those of the four pixels around them."""
    left, top = np.floor(u).astype(int), np.floor(v).astype(int)
    around = np.stack([depth[top + i, left + j] for i in (0, 1) for j in (0, 1)])
    return ((z > 0.998 * around.min(0)) & (z < 1.002 * around.max(0))).mean()


@pytest.mark.parametrize("date", DATES)
def test_the_cloud_projected_by_the_calibration_gives_the_image_s_depth(date):
    calibration = rig(date, 188)
    scene, ego = drive(3)
    frame = render(scene, calibration.camera(2, ego.pose(5)), time=5)
    points = scan(scene.at(5), ego.pose(5) @ calibration.rect_from_scanner, 1200)
    homogeneous = np.append(points[:, :3], np.ones((len(points), 1)), axis=1)
    P = calibration.P_rect[2] @ calibration.rect_from_scanner
    x, y, z = P @ homogeneous.T
    inside = (z > 0) & (x > 0) & (y > 0)
    inside &= (x < (calibration.width - 1) * z) & (y < (calibration.height - 1) * z)
    u, v, z = (x / z)[inside], (y / z)[inside], z[inside]
    assert len(z) > 4000
    # The 27 cm between the two sensors hide some points from one of them.
    assert depth_fits(frame.depth, u, v, z) > 0.93


def test_the_rigs_differ_as_the_real_dates_do():
    real = {
        "2011_09_26": (1242, 375, 721.5377, 609.5593, 172.854),
        "2011_09_28": (1224, 370, 707.0493, 604.0814, 180.5066),
        "2011_09_29": (1238, 374, 718.3351, 600.3891, 181.5122),
        "2011_09_30": (1226, 370, 707.0912, 601.8873, 183.1104),
        "2011_10_03": (1241, 376, 718.856, 607.1928, 185.2157),
    }
    for date, (width, height, focal, cx, cy) in real.items():
        assert (rig(date).width, rig(date).height) == (width, height)
        assert rig(date).K.tolist() == [[focal, 0, cx], [0, focal, cy], [0, 0, 1]]
    for date in DATES:
        there = rig(date)
        off = np.abs(there.K[:2, 2] - (np.array([there.width, there.height]) - 1) / 2)
        assert (off > 1).all() and 0.52 < there.baseline < 0.55
        R = there.camera_from_scanner[:3, :3]
        np.testing.assert_allclose(R @ R.T, np.eye(3), atol=1e-6)
        assert np.abs(R - AXES).max() < 0.03 and not np.array_equal(R, AXES)
        np.testing.assert_allclose(there.camera_from_scanner[:3, 3], (0, -0.08, -0.27), atol=0.02)
        np.testing.assert_allclose(there.scanner_from_imu[:3, 3], (-0.8, 0.3, -0.8), atol=0.04)
        assert 1e-3 < np.abs(there.R_rect - np.eye(3)).max() < 0.03
    assert len({rig(date).camera_from_scanner.tobytes() for date in DATES}) == len(DATES)
    small = rig("2011_09_28", 75)
    assert (small.height, small.width) == (74, 245)
    # The same rays pass through the images' corners, half a pixel outside the corner pixels.
    large, scale = rig("2011_09_28").K, 245 / 1224
    assert small.K[0, 0] == small.K[1, 1] == pytest.approx(large[0, 0] * scale, rel=1e-6)
    assert small.K[:2, 2] + 0.5 == pytest.approx((large[:2, 2] + 0.5) * scale, rel=1e-6)
    assert small.baseline == pytest.approx(rig("2011_09_28").baseline, rel=1e-5)


def test_cameras_stand_side_by_side():
    there = rig("2011_09_26")
    at = np.stack([there.camera(index, np.eye(4)).position for index in range(4)])
    assert at[0].tolist() == [0, 0, 0] and at[2, 0] < 0 < at[3, 0] < at[1, 0]
    np.testing.assert_allclose(at[3, 0] - at[2, 0], there.baseline)
    np.testing.assert_allclose(at[3, 1:], at[2, 1:], atol=1e-5)
    # A point ahead falls where the projection of camera 0's coordinates says.
    point = np.array([1.0, -0.5, 9.0])
    for index in range(4):
        camera = there.camera(index, np.eye(4))
        seen = camera.K @ (point - camera.position)
        expected = there.P_rect[index] @ [*point, 1]
        np.testing.assert_allclose(seen, expected, atol=1e-9)


def test_seven_digits():
    assert seven_digits([[1.23456789, -4e-9]]).tolist() == [[1.234568, -4e-9]]

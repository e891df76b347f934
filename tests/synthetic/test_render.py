"""The ray caster against values worked out by hand and against a slow caster of single rays."""

import numpy as np
import pytest

from tests.synthetic import textures
from tests.synthetic.camera import Camera, intrinsics, pose
from tests.synthetic.render import render
from tests.synthetic.rooms import room
from tests.synthetic.scene import Builder, Light
from tests.synthetic.streets import street

H, W, F = 61, 81, 100.0  # the principal point is pixel (40, 30)
K = np.array([[F, 0, 40], [0, F, 30], [0, 0, 1]])
FLAT = Light(ambient=0.5, sun=0)


def look(builder, world_from_camera=None, light=FLAT, max_depth=np.inf):
    at = np.eye(4) if world_from_camera is None else world_from_camera
    return render(builder.scene(light, max_depth), Camera(K, at, H, W))


def wall(z, half=100.0, texture="metal", **more):
    """A builder with a wall across the z axis, seen from in front of it."""
    builder = Builder(np.random.default_rng(0))
    builder.rectangle((-half, -half, z), (2 * half, 0, 0), (0, 2 * half, 0), texture, **more)
    return builder


def test_a_wall_ahead_has_its_distance_everywhere():
    frame = look(wall(3.0))
    assert frame.depth.dtype == np.float32 and frame.rgb.dtype == np.uint8
    np.testing.assert_allclose(frame.depth, 3.0, rtol=1e-6)
    assert (frame.face == 0).all()


def test_a_wall_at_45_degrees():
    builder = Builder(np.random.default_rng(0))
    # The plane x + z = 4: to the right its top edge runs towards the viewer.
    builder.rectangle((-50, -50, 54), (100, 0, -100), (0, 100, 0), "metal")
    frame = look(builder)
    # The ray of column 40 + t * F is x = t z, hence z = 4 / (1 + t).
    for column, z in ((40, 4.0), (65, 4 / 1.25), (80, 4 / 1.4), (15, 4 / 0.75)):
        np.testing.assert_allclose(frame.depth[:, column], z, rtol=1e-6)


def test_the_ground_below_a_camera():
    builder = Builder(np.random.default_rng(0))
    builder.rectangle((-500, 0, 500), (1000, 0, 0), (0, 0, -1000), "metal")
    frame = look(builder, pose((0, -1.5, 0)))
    # z = F * height / (v - 30): row 55 sees 100 * 1.5 / 25.
    np.testing.assert_allclose(frame.depth[55], 6.0, rtol=1e-5)
    np.testing.assert_allclose(frame.depth[40], 15.0, rtol=1e-5)
    assert (frame.face[:31] == -1).all() and (frame.depth[:31] == 0).all()


def test_the_outline_falls_on_the_right_pixels():
    # At 2 m, x -0.205..0.305 and y -0.105..0.205 m: columns 29.75..55.25, rows 24.75..40.25.
    builder = Builder(np.random.default_rng(0))
    builder.rectangle((-0.205, -0.105, 2), (0.51, 0, 0), (0, 0.31, 0), "metal")
    seen = look(builder).depth > 0
    expected = np.zeros((H, W), bool)
    expected[25:41, 30:56] = True
    np.testing.assert_array_equal(seen, expected)


def test_what_is_nearer_hides_what_is_farther_in_any_order():
    for near_first in (True, False):
        builder = Builder(np.random.default_rng(0))
        sizes = [(2.0, 0.2), (5.0, 100.0)][:: 1 if near_first else -1]
        for z, half in sizes:
            corner = (-half, -half, z)
            builder.rectangle(corner, (2 * half, 0, 0), (0, 2 * half, 0), "metal")
        depth = look(builder).depth
        assert depth[30, 40] == pytest.approx(2.0) and depth[0, 0] == pytest.approx(5.0)


def test_a_rectangle_is_seen_from_the_front_only():
    assert (look(wall(3.0), pose((0, 0, 6), yaw=np.pi)).face == -1).all()


def test_what_lies_behind_or_across_the_camera_does_no_harm():
    builder = wall(-3.0)
    builder.rectangle((-500, 1, 500), (1000, 0, 0), (0, 0, -1000), "metal")
    frame = look(builder)
    assert set(np.unique(frame.face)) == {-1, 1}
    assert np.isfinite(frame.depth).all() and frame.depth.min() >= 0


def test_the_pose_is_world_from_camera():
    box = Builder(np.random.default_rng(0))
    box.box((5, 0.5, 2), (1, 1, 1), 0, "metal")  # x from 4.5, at z = 2, at the height of the eyes
    at = pose((1, 0, 2), yaw=np.pi / 2)  # 90 degrees to the right: looks along +x
    assert look(box, at).depth[30, 40] == pytest.approx(3.5, rel=1e-6)
    point = at @ [0, 0, 3.5, 1]
    np.testing.assert_allclose(point, [4.5, 0, 2, 1], atol=1e-12)
    # Whoever looks along +x has larger z on the left.
    left = Builder(np.random.default_rng(0))
    left.box((5, 0.5, 3), (1, 1, 1), 0, "metal")
    columns = np.nonzero(look(left, at).depth)[1]
    assert columns.max() < 40


def test_pitch_looks_down_and_roll_tilts_to_the_left():
    np.testing.assert_allclose(pose((0, 0, 0), pitch=0.3)[:3, 2], [0, np.sin(0.3), np.cos(0.3)])
    np.testing.assert_allclose(pose((0, 0, 0), roll=0.3)[:3, 0], [np.cos(0.3), np.sin(0.3), 0])
    for angles in ({"yaw": 0.4}, {"pitch": 0.4}, {"yaw": 1, "pitch": 0.3, "roll": -0.2}):
        R = pose((0, 0, 0), **angles)[:3, :3]
        np.testing.assert_allclose(R @ R.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(R) == pytest.approx(1)


def test_nothing_has_depth_beyond_the_limit():
    assert (look(wall(81.0), max_depth=80).depth == 0).all()
    assert (look(wall(79.0), max_depth=80).depth > 0).all()
    assert (look(wall(81.0), max_depth=80).face == 0).all()


def test_the_checker_has_its_size():
    # A tile of 1 m holds 2 x 2 squares: at 2 m a square of 0.5 m is 25 pixels wide.
    frame = look(wall(2.0, half=2.0, texture="checker", offset=(0, 0)))
    row = frame.rgb[20, :, 0].astype(float)
    bright = row > (row.min() + row.max()) / 2
    edges = np.flatnonzero(bright[1:] != bright[:-1]) + 0.5
    # The squares meet at x = k * 0.5 m: columns 40 + 25 k.
    np.testing.assert_allclose(edges, [15, 40, 65], atol=1)


def test_brightness_by_hand():
    """The root of albedo * tint * (ambient + sun * cos + lamp / (1 + (d / r)^2)), from in front."""
    tint = (0.5, 0.25, 1.0)
    light = Light(ambient=0.2, sun=0.4, sun_direction=(0, -0.6, -0.8), lamp=0.5, lamp_range=1.5)
    frame = look(wall(3.0, tint=tint, offset=(0, 0)), light=light)
    albedo = (look(wall(3.0, offset=(0, 0)), light=Light(1.0, 0)).rgb[30, 40] / 255.0) ** 2
    gain = 0.2 + 0.4 * 0.8 + 0.5 / (1 + 4)
    np.testing.assert_allclose(
        frame.rgb[30, 40], 255 * np.sqrt(albedo * np.array(tint) * gain), atol=1.5
    )


def test_a_lamp_on_the_camera_darkens_what_is_far():
    light = Light(ambient=0.05, sun=0, lamp=1)
    means = [look(wall(z), light=light).rgb.mean() for z in (1, 2, 4, 8)]
    assert all(a > 1.3 * b for a, b in zip(means, means[1:]))


def cast(scene, origin, direction):
    """Nearest hit of one ray: (depth factor, face), or (inf, -1); textbook, in float64."""
    best = (np.inf, -1)
    away = np.cross(scene.edge_s, scene.edge_t)
    for face in range(len(scene)):
        slope = away[face] @ direction
        distance = away[face] @ (scene.corner[face] - origin)
        if slope <= 0 or distance <= 0:
            continue
        hit = origin + direction * distance / slope - scene.corner[face]
        s, t = hit @ scene.edge_s[face], hit @ scene.edge_t[face]
        if 0 <= s <= scene.size[face, 0] and 0 <= t <= scene.size[face, 1]:
            best = min(best, (distance / slope, face))
    return best


@pytest.mark.parametrize(("world", "seed"), [(room, 3), (room, 12), (street, 1)])
def test_the_picture_agrees_with_single_rays(world, seed):
    scene, path = world(seed)
    camera = Camera(intrinsics(96, 128, 0.7), path.pose(7), 96, 128)
    frame = render(scene, camera)
    rng = np.random.default_rng(0)
    for v, u in zip(rng.integers(0, 96, 60), rng.integers(0, 128, 60)):
        direction = camera.rotation @ np.linalg.inv(camera.K) @ (u, v, 1)
        z, face = cast(scene, camera.position, direction)
        assert frame.face[v, u] == face
        expected = z if z <= scene.max_depth else 0
        assert frame.depth[v, u] == pytest.approx(expected, rel=1e-5)


def test_the_worlds_have_the_depths_they_promise():
    means = []
    for seed in range(40):
        scene, path = room(seed)
        depth = render(scene, Camera(intrinsics(48, 64, 0.81), path.pose(0), 48, 64)).depth
        assert (depth > 0.4).all() and (depth < 9.6).all()
        means.append(depth.mean())
    assert np.quantile(means, 0.9) > 2 * np.quantile(means, 0.1)
    scene, path = street(0)
    depth = render(scene, Camera(intrinsics(94, 310, 0.58), path.pose(0), 94, 310)).depth
    assert depth[depth > 0].min() > 1 and 40 < depth.max() <= 80
    assert 0.02 < (depth == 0).mean() < 0.4


def test_textures_repeat_without_a_seam_and_keep_their_mean():
    atlas = textures.atlas(0)
    s = np.linspace(-1, 1, 64, dtype=np.float32)[None].repeat(8, 0)
    t = np.linspace(0, 0.9, 8, dtype=np.float32)[:, None].repeat(64, 1)
    for index in range(len(textures.NAMES)):
        which = np.full(s.shape, index)
        level = np.full(s.shape, 0.5, np.float32)
        here = textures.sample(atlas, which, s, t, level)
        there = textures.sample(atlas, which, s + 1, t - 2, level)
        assert np.abs(here.astype(int) - there).max() <= 2
        coarse = textures.sample(atlas, which, s, t, np.full(s.shape, 99, np.float32))
        square = np.meshgrid(s[0], s[0])
        which = np.full((64, 64), index)
        fine = textures.sample(atlas, which, *square, np.zeros((64, 64), np.float32))
        assert np.abs(coarse.mean((0, 1)) - fine.mean((0, 1))).max() < 12
        assert coarse.std((0, 1)).max() < 3

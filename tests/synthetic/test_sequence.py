"""Sequences: determinism, stereo, flow and what of it is visible, and that depth can be learned."""

import numpy as np
import pytest

from tests.synthetic.camera import Camera, intrinsics, pose, relative_pose
from tests.synthetic.motion import disparity, flow_between, warp_back
from tests.synthetic.render import render
from tests.synthetic.scene import Builder, Light
from tests.synthetic.sequence import sequence
from tests.synthetic.streets import street

H, W = 120, 200


def take(kind="street", seed=0, frames=2, **more):
    return list(sequence(kind, seed, frames, H, W, **more))


def pixel_grid():
    v, u = np.mgrid[:H, :W]
    return u, v


def test_the_seed_decides_everything():
    first, again, other = (take("room", seed)[1] for seed in (4, 4, 5))
    np.testing.assert_array_equal(first.rgb, again.rgb)
    np.testing.assert_array_equal(first.depth, again.depth)
    np.testing.assert_array_equal(first.world_from_camera, again.world_from_camera)
    assert np.abs(first.depth - other.depth).mean() > 0.1


def test_a_frame_does_not_depend_on_how_many_are_asked_for():
    np.random.seed(1)
    long = take("street", (1, 2), 4, baseline=0.5, flow=True)
    np.random.seed(2)
    short = take("street", (1, 2), 1, start=2)[0]
    np.testing.assert_array_equal(long[2].rgb, short.rgb)
    np.testing.assert_array_equal(long[2].depth, short.depth)


def test_the_path_is_smooth():
    for kind, limit in (("room", 0.12), ("street", 1.6)):
        places = np.array([s.world_from_camera[:3, 3] for s in take(kind, 2, 12)])
        steps = np.linalg.norm(np.diff(places, axis=0), axis=1)
        assert 0 < steps.max() < limit
        assert np.linalg.norm(np.diff(places, n=2, axis=0), axis=1).max() < 0.3 * limit


def test_relative_pose_by_hand():
    source = Camera(np.eye(3), pose((1, 0, 0)), 1, 1)
    target = Camera(np.eye(3), pose((1, 0, 2), yaw=np.pi / 2), 1, 1)
    # 5 m ahead of the source is world (1, 0, 5): 3 m left of a camera at z = 2 that looks to +x.
    point = relative_pose(target, source) @ [0, 0, 5, 1]
    np.testing.assert_allclose(point, [-3, 0, 0, 1], atol=1e-12)


def wall_camera(position, K):
    return Camera(K, pose(position), H, W)


def test_flow_towards_a_wall_by_hand():
    builder = Builder(np.random.default_rng(0))
    builder.rectangle((-50, -50, 4), (100, 0, 0), (0, 100, 0), "bricks")
    scene, K = builder.scene(), np.array([[100.0, 0, 100], [0, 100, 60], [0, 0, 1]])
    cameras = wall_camera((0, 0, 0), K), wall_camera((0.3, 0, 1), K)
    frames = [render(scene, camera) for camera in cameras]
    flow, valid, visible = flow_between(cameras[0], frames[0], cameras[1], frames[1])
    # u' = 100 + ((u - 100) * 4 / 100 - 0.3) / 3 * 100
    np.testing.assert_allclose(flow[60, 100], [-10, 0], atol=1e-4)
    np.testing.assert_allclose(flow[63, 130], [100 + 0.9 / 3 * 100 - 130, 1], atol=1e-4)
    assert not valid[60, 199] and not valid[0, 100] and valid[60, 150]
    np.testing.assert_array_equal(valid, visible)


def test_flow_is_the_reprojection_with_true_depth_and_pose():
    first, second = take("street", 3, 2, flow=True)
    rng = np.random.default_rng(0)
    rows, columns = np.nonzero(first.flow_valid)
    for pick in rng.integers(len(rows), size=50):
        v, u = rows[pick], columns[pick]
        ray = np.linalg.solve(first.K, [u, v, 1])
        world = first.world_from_camera @ [*(ray * first.depth[v, u]), 1]
        seen = np.linalg.inv(second.world_from_camera) @ world
        x, y, z = second.K @ seen[:3]
        np.testing.assert_allclose(first.flow[v, u], [x / z - u, y / z - v], atol=1e-3)


@pytest.mark.parametrize("seed", [0, 3])
def test_warping_the_next_picture_back_gives_this_one(seed):
    first, second = take("street", seed, 2, flow=True)
    visible = first.visible
    assert visible.mean() > 0.4
    here = first.rgb.astype(np.float32)
    change = np.abs(here - second.rgb)[visible].mean()
    warped = np.abs(here - warp_back(second.rgb.astype(np.float32), first.flow))[visible]
    assert warped.mean() < 0.35 * change
    assert warped.mean() < 5
    # Without the flow's validity the rest, hidden or out of sight, does not fit.
    hidden = (first.depth > 0) & ~visible
    rest = np.abs(here - warp_back(second.rgb.astype(np.float32), first.flow))[hidden]
    assert rest.mean() > 2 * warped.mean()


def hidden_by_rays(scene, first, second, flow, rows, columns):
    """Whether something lies between the second camera and the points seen by the first."""
    away = np.cross(scene.edge_s, scene.edge_t)
    origin = second.camera.position
    ray = np.linalg.solve(first.K, np.stack([columns, rows, np.ones_like(rows)]).astype(float))
    points = first.camera.rotation @ (ray * first.depth[rows, columns])
    points = points.T + first.camera.position
    hidden = np.zeros(len(rows), bool)
    for face in range(len(scene)):
        distance = away[face] @ (scene.corner[face] - origin)
        slope = (points - origin) @ away[face]
        reach = np.where((slope > 0) & (distance > 0), distance / np.where(slope == 0, 1, slope), 9)
        at = origin + (points - origin) * reach[:, None] - scene.corner[face]
        s, t = at @ scene.edge_s[face], at @ scene.edge_t[face]
        inside = (s >= 0) & (s <= scene.size[face, 0]) & (t >= 0) & (t <= scene.size[face, 1])
        hidden |= inside & (reach < 0.999)
    return hidden


def test_visibility_agrees_with_rays_from_the_next_camera():
    scene, _ = street(3)
    first, second = take("street", 3, 2, stride=2, flow=True)
    rows, columns = np.nonzero(first.flow_valid)
    picked = np.random.default_rng(0).permutation(len(rows))[:4000]
    rows, columns = rows[picked], columns[picked]
    hidden = hidden_by_rays(scene, first, second, first.flow, rows, columns)
    assert hidden.sum() > 20
    visible = first.visible[rows, columns]
    # They may differ at outlines, by a pixel.
    assert visible[~hidden].mean() > 0.99
    assert visible[hidden].mean() < 0.25


def test_what_a_box_hides_is_not_visible():
    builder = Builder(np.random.default_rng(0))
    builder.rectangle((-50, -50, 8), (100, 0, 0), (0, 100, 0), "bricks")
    builder.box((0, 1, 4.5), (1, 2, 1), 0, "planks")
    scene, K = builder.scene(), np.array([[100.0, 0, 100], [0, 100, 60], [0, 0, 1]])
    cameras = wall_camera((0, 0, 0), K), wall_camera((1, 0, 0), K)
    frames = [render(scene, camera) for camera in cameras]
    _, valid, visible = flow_between(cameras[0], frames[0], cameras[1], frames[1])
    # The box's front, z = 4, spans columns 87.5..112.5, for the second camera 62.5..87.5. The wall,
    # z = 8, moves left by 12.5: what the first camera sees of it at 75..87.5 goes behind the box.
    row = 60
    assert valid[row, 70:130].all()
    assert not visible[row, 76:87].any()
    assert visible[row, 88:112].all() and visible[row, 20:74].all() and visible[row, 114:180].all()


def test_stereo_disparity():
    sample = take("street", 1, 1, baseline=0.54)[0]
    shift = disparity(sample.depth, sample.K[0, 0], 0.54)
    known = sample.depth > 0
    np.testing.assert_allclose(shift[known] * sample.depth[known], sample.K[0, 0] * 0.54, rtol=1e-5)
    assert (shift[~known] == 0).all()
    # The right camera sees a point `shift` pixels farther left, in the same row, at the same depth.
    flow, valid, visible = flow_between(
        sample.camera, sample.frame, sample.right_camera, sample.right
    )
    np.testing.assert_allclose(flow[..., 0][valid], -shift[valid], atol=1e-3)
    np.testing.assert_allclose(flow[..., 1][valid], 0, atol=1e-3)
    here = sample.rgb.astype(np.float32)
    warped = np.abs(here - warp_back(sample.right.rgb.astype(np.float32), flow))[visible]
    unwarped = np.abs(here - sample.right.rgb)[visible]
    assert warped.mean() < 0.35 * unwarped.mean()
    u, v = pixel_grid()
    landed = np.rint(u + flow[..., 0]).astype(int)
    same_face = visible & (sample.right.face[v, np.clip(landed, 0, W - 1)] == sample.frame.face)
    there = sample.right.depth[v, np.clip(landed, 0, W - 1)]
    off = np.abs(there - sample.depth)[same_face] / sample.depth[same_face]
    assert np.median(off) < 0.01


def features(sample):
    """Brightness of the pixel, its neighbourhood and the picture, and the row: no more."""
    bright = np.log(sample.rgb.astype(np.float64).mean(axis=2) + 5)
    blocks = bright.reshape(12, 4, 16, 4).mean(axis=(1, 3))
    row = np.linspace(-1, 1, 12)[:, None] + np.zeros((12, 16))
    picture = np.full_like(row, bright.mean())
    columns = np.stack([blocks, picture, row, row**2, np.ones_like(row)], axis=-1)
    depth = sample.depth.reshape(12, 4, 16, 4).mean(axis=(1, 3))
    return columns.reshape(-1, 5), depth.ravel()


def test_depth_can_be_learned_from_few_rooms():
    """Even a linear fit to brightness and height beats the best constant by more than 25 %."""
    samples = [next(sequence("room", (9, seed), 1, 48, 64)) for seed in range(60)]
    rows = [features(sample) for sample in samples]
    x, z = (np.concatenate([row[i] for row in rows[:48]]) for i in (0, 1))
    weights = np.linalg.lstsq(x, np.log(z), rcond=None)[0]
    constant = np.exp(np.median(np.log(z)))
    x, z = (np.concatenate([row[i] for row in rows[48:]]) for i in (0, 1))
    learned = np.mean(np.abs(np.exp(x @ weights) - z) / z)
    assert learned < 0.7 * np.mean(np.abs(constant - z) / z)


def test_rooms_and_streets_have_the_known_light():
    assert intrinsics(480, 640, 0.81)[0, 0] == pytest.approx(518.4)
    assert Light().lamp == 0
    scene, _ = street(0)
    assert scene.light.lamp == 0  # daylight: the same point looks the same from everywhere

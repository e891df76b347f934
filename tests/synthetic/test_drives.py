"""Drives: they turn, stop and meet cars; houses and cars keep out of each other's way."""

import numpy as np
import pytest

from tests.synthetic.camera import Camera, Path, intrinsics
from tests.synthetic.camera import pose as turned
from tests.synthetic.drives import drive
from tests.synthetic.motion import object_map
from tests.synthetic.render import render
from tests.synthetic.roads import Road, winding_road
from tests.synthetic.sequence import sequence
from tests.synthetic.streets import street
from tests.synthetic.test_render import cast
from tests.synthetic.traffic import FRAMES, Track, lead_along, timetable

FRAMES_SEEN = 120


def poses_of(path, frames=60):
    return np.stack([path.pose(frame) for frame in range(frames)])


def straight_on_ate(poses):
    """RMS distance (metres) of a straight line at constant speed, aligned with 7 DoF."""
    true = poses[:, :3, 3] - poses[:, :3, 3].mean(0)
    guess = np.zeros_like(true)
    guess[:, 2] = np.arange(len(true)) - (len(true) - 1) / 2
    u, s, vt = np.linalg.svd(true.T @ guess)
    aligned = guess @ (u @ vt).T * s.sum() / (guess**2).sum()
    return np.sqrt(((aligned - true) ** 2).sum(1).mean())


def degrees_a_frame(poses):
    R = np.linalg.inv(poses[:-1]) @ poses[1:]
    cosine = (np.trace(R[:, :3, :3], axis1=1, axis2=2) - 1) / 2
    return np.degrees(np.arccos(np.clip(cosine, -1, 1))).mean()


def test_constant_velocity_is_no_good_guess_of_a_drive():
    """Off by 3 % of the way or more, 10 times what it is on the straight streets; it turns too."""
    for seed in range(5):
        way, old = poses_of(drive(seed)[1]), poses_of(street(seed)[1])
        length = np.linalg.norm(np.diff(way[:, :3, 3], axis=0), axis=1).sum()
        assert straight_on_ate(way) > 0.03 * length
        assert straight_on_ate(way) > 10 * straight_on_ate(old)
        assert degrees_a_frame(way) > 0.8


def test_the_way_is_smooth_but_for_braking():
    for seed in range(3):
        places = poses_of(drive(seed)[1], FRAMES_SEEN)[:, :3, 3]
        steps = np.linalg.norm(np.diff(places, axis=0), axis=1)
        assert steps.max() < 1.5 and np.abs(np.diff(steps)).max() < 0.3


@pytest.mark.parametrize("seed", range(4))
def test_a_drive_stands_still_where_its_timetable_says_so(seed):
    _, ego = drive(seed)
    table = timetable(np.random.default_rng([seed, 77, 1]))
    stands = np.array([table.stands(frame) for frame in range(FRAMES_SEEN)])
    poses = poses_of(ego, FRAMES_SEEN + 1)
    moved = np.abs(np.diff(poses, axis=0)).max((1, 2))
    assert (moved[stands] == 0).all() and (moved[~stands] > 0).all()
    assert 0.08 < stands.mean() < 0.35
    first = np.flatnonzero(stands)[0]
    assert 8 <= first <= 13 and stands[first : first + 6].all()


def test_a_faster_camera_goes_further_along_the_same_road():
    """It waits at the same frames, so that the cars that cross still find it waiting."""
    (_, usual), (_, fast) = drive(4), drive(4, 240.0, speed=1.5)
    np.testing.assert_allclose(fast.along, 1.5 * usual.along)
    np.testing.assert_allclose(fast.road.place(100.0)[0], usual.road.place(100.0)[0])


def test_while_the_camera_stands_only_cars_move():
    (stop, _), *_ = timetable(np.random.default_rng([3, 77, 1])).stops
    first, second = sequence("drive", 3, 2, 96, 320, start=int(stop) + 1)
    fixed = (object_map(first.frame) < 0) & (object_map(second.frame) < 0)
    np.testing.assert_array_equal(first.rgb[fixed], second.rgb[fixed])
    assert (first.rgb != second.rgb).any() and fixed.mean() < 0.999


def test_a_lead_an_oncoming_and_a_crossing_car_are_seen():
    seen = {"lead": 0, "oncoming": 0, "crossing": 0}
    scene, _ = drive(2)
    for sample in sequence("drive", 2, 10, 64, 208, stride=2):
        for index in np.unique(object_map(sample.frame)):
            mover = scene.movers[index]
            if index >= 0:
                kind = "crossing" if isinstance(mover, Path) else "oncoming"
                seen[kind if index else "lead"] += 1
    assert min(seen.values()) >= 2, seen
    ahead, across = scene.movers[0], scene.movers[1]
    for frame in (0, 20):
        facing = ahead.pose(frame)[:3, 2] @ drive(2)[1].pose(frame)[:3, 2]
        assert facing > 0.5
    oncoming = next(m for m in scene.movers[1:] if isinstance(m, Track))
    assert oncoming.turned and np.diff(oncoming.along).max() < 0
    step = across.pose(1)[:3, 3] - across.pose(0)[:3, 3]
    np.testing.assert_allclose(across.pose(0)[:3, 2], step / np.linalg.norm(step), atol=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_nobody_drives_into_anybody(seed):
    scene, ego = drive(seed)
    ways = np.stack([poses_of(mover, FRAMES_SEEN) for mover in (ego, *scene.movers)])
    places = ways[:, :, [0, 2], 3]
    for index, way in enumerate(places):
        others = np.delete(places, index, 0)
        # Cars are at most 2 m wide, and lanes at least 3.2 m apart.
        assert np.linalg.norm(others - way, axis=-1).min() > 3.1


@pytest.mark.parametrize("seed", range(3))
def test_nothing_stands_on_the_lane(seed):
    scene, ego = drive(seed)
    K = intrinsics(48, 160, 0.58)
    for frame in range(0, 100, 7):
        camera = Camera(K, ego.pose(frame), 48, 160)
        depth = render(scene, camera, time=frame).depth
        assert depth[depth > 0].min() > 0.9
        assert depth[32:, 70:90].min() > 2 and 0.02 < (depth == 0).mean() < 0.5


def test_the_lead_car_never_reverses_and_keeps_its_distance():
    for seed in range(6):
        ego = timetable(np.random.default_rng(seed))
        lead = lead_along(ego)
        assert np.diff(lead).min() >= 0
        gap = lead - ego.along
        assert gap.min() > 14.99 and gap[:200].max() < 40
        assert len(ego.along) == FRAMES


def test_a_road_by_hand():
    # Ahead along z for 10 m, then a quarter turn to the right of radius 8.
    along = np.arange(0, 10 + 4 * np.pi + 1e-9, 0.25)
    heading = np.clip((along - 10) / 8, 0, None)
    arc = np.clip(along - 10, 0, None) / 8
    points = np.stack([8 - 8 * np.cos(arc), np.minimum(along, 10) + 8 * np.sin(arc)], 1)
    road = Road(along, points, heading)
    place, at = road.place(5, 2)
    np.testing.assert_allclose([*place, at], [2, 5, 0])
    end = along[-1]
    place, at = road.place(end, 2)
    # To the right of one who looks along +x lies -z.
    np.testing.assert_allclose(place, points[-1] + (0, -2), atol=0.1)
    beyond, _ = road.place(end + 3)
    np.testing.assert_allclose(beyond - points[-1], [3 * np.sin(at), 3 * np.cos(at)], atol=1e-9)
    before, _ = road.place(-4, 1)
    np.testing.assert_allclose(before, [1, -4])
    pose = road.pose(5, 2, up=1.65)
    np.testing.assert_allclose(pose[:3, 3], [2, -1.65, 5])
    np.testing.assert_allclose(road.pose(5), turned((0, 0, 5)))
    given = road.pose(12, 0, 1, yaw=0.3, pitch=0.02, roll=0.01)
    (x, z), at = road.place(12)
    np.testing.assert_allclose(given, turned((x, -1, z), at + 0.3, 0.02, 0.01))


def test_winding_roads_bend_both_ways_and_never_turn_back():
    bends = []
    for seed in range(8):
        road = winding_road(np.random.default_rng(seed), -20.0, 200.0)
        place, heading = road.place(0)
        np.testing.assert_allclose([*place, heading], 0, atol=1e-6)
        assert np.abs(road.heading).max() < 1.2
        steps = np.linalg.norm(np.diff(road.points, axis=0), axis=1)
        np.testing.assert_allclose(steps, 0.25, rtol=1e-3)
        bends += [road.heading.min(), road.heading.max()]
    assert min(bends) < -0.9 and max(bends) > 0.9


def test_the_image_of_a_drive_agrees_with_single_rays():
    scene, ego = drive(1)
    camera = Camera(intrinsics(96, 320, 0.58), ego.pose(14), 96, 320)
    frame = render(scene, camera, time=14)
    rng = np.random.default_rng(0)
    for v, u in zip(rng.integers(0, 96, 60), rng.integers(0, 320, 60)):
        direction = camera.rotation @ np.linalg.inv(camera.K) @ (u, v, 1)
        z, face = cast(frame.scene, camera.position, direction)
        assert frame.face[v, u] == face
        assert frame.depth[v, u] == pytest.approx(z if z <= 80 else 0, rel=1e-5)


def test_a_drive_follows_from_its_seed():
    first, again, other = (next(sequence("drive", s, 1, 48, 160)) for s in (4, 4, 5))
    np.testing.assert_array_equal(first.rgb, again.rgb)
    assert np.abs(first.depth - other.depth).mean() > 1
    long = list(sequence("drive", 4, 3, 48, 160))
    np.testing.assert_array_equal(long[2].rgb, next(sequence("drive", 4, 1, 48, 160, start=2)).rgb)


@pytest.mark.parametrize(
    ("seed", "frame", "expected"),
    [
        (0, 0, (16.563, 144.95, 1289)),
        (0, 12, (16.914, 147.28, 2250)),
        (0, 50, (12.692, 149.19, 5487)),
        (1, 0, (10.585, 163.16, 1941)),
        (1, 12, (15.286, 163.40, 1252)),
        (1, 50, (10.357, 152.37, 908)),
        (2, 12, (12.917, 167.08, 1741)),
    ],
)
def test_the_same_seed_gives_the_same_drive_as_ever(seed, frame, expected):
    """Mean depth and brightness, and the pixels of moving cars: who changes them raises VERSION."""
    sample = next(sequence("drive", seed, 1, 96, 320, start=frame))
    cars = (object_map(sample.frame) >= 0).sum()
    measured = (sample.depth.mean(), sample.rgb.mean(), cars)
    np.testing.assert_allclose(measured, expected, rtol=2e-3, atol=0.02)

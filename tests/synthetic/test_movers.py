"""Objects that move: flow, depth and visibility by hand, by rigid motion, and by warping."""

import numpy as np
import pytest

from tests.synthetic import render as renderer
from tests.synthetic.camera import Camera, Path, pose
from tests.synthetic.motion import flow_between, moved_points, object_map, warp_back
from tests.synthetic.render import render, seen_faces
from tests.synthetic.rooms import room
from tests.synthetic.scene import Builder
from tests.synthetic.sequence import sequence
from tests.synthetic.streets import street

H, W = 120, 200
K = np.array([[100.0, 0, 100], [0, 100, 60], [0, 0, 1]])


def path(start, velocity=(0, 0, 0), angles=(0, 0, 0)):
    still = np.zeros(3)
    return Path(
        np.array(start, float),
        np.array(velocity, float),
        still,
        np.array(angles, float),
        still,
        1.0,
        np.zeros(6),
    )


class Turning:
    """Turns about its own vertical axis, 0.1 rad a frame, and moves on."""

    def pose(self, frame):
        return pose((0.2 * frame, 0.5, 4 - 0.1 * frame), yaw=0.3 + 0.1 * frame)


def box_before_a_wall(mover, size=(1, 1, 1)):
    builder = Builder(np.random.default_rng(0))
    builder.rectangle((-50, -50, 8), (100, 0, 0), (0, 100, 0), "bricks")
    with builder.moving(mover):
        builder.box((0, 0, 0), size, 0, "fabric")
    builder.box((-2, 1, 5), (1, 1, 1), 0, "planks")
    return builder.scene()


def look(scene, time, position=(0, 0, 0), yaw=0.0):
    camera = Camera(K, pose(position, yaw), H, W)
    return camera, render(scene, camera, time=time)


def test_a_box_that_slides_by_hand():
    # Its front is 1 m wide and 1 m high at z = 4, and moves 0.2 m to the right: 5 pixels.
    scene = box_before_a_wall(path((0, 0.5, 4.5), (0.2, 0, 0)))
    first, second = look(scene, 3), look(scene, 4)
    assert object_map(first[1])[60, 115] == 0 and object_map(first[1])[60, 50] == -1
    np.testing.assert_allclose(first[1].depth[60, 103:127], 4, rtol=1e-6)
    flow, valid, visible = flow_between(*first, *second)
    front = (object_map(first[1]) == 0) & np.isclose(first[1].depth, 4)
    assert front.sum() > 400
    np.testing.assert_allclose(flow[front], np.tile([5, 0], (front.sum(), 1)), atol=1e-4)
    np.testing.assert_allclose(flow[object_map(first[1]) < 0], 0, atol=1e-4)
    assert valid[1:-1, 1:-1].all()
    # The front spans columns 102.5..127.5 and then 107.5..132.5: it covers more of the wall.
    assert not visible[60, 129:132].any() and visible[60, 104:127].all() and visible[60, 134:].all()


def test_a_box_that_comes_nearer_is_seen_at_its_new_depth():
    scene = box_before_a_wall(path((0, 0.5, 4.5), (0, 0, -0.5)))
    (camera, frame), later = look(scene, 0), look(scene, 1)
    points = moved_points(camera, frame, *later)
    front = (object_map(frame) == 0) & np.isclose(frame.depth, 4)
    np.testing.assert_allclose(points[2][front], 3.5)
    assert later[1].depth[60, 100] == pytest.approx(3.5)
    np.testing.assert_allclose(
        points[2][object_map(frame) < 0], frame.depth[object_map(frame) < 0], rtol=1e-6
    )


def test_moments_between_two_frames():
    scene = box_before_a_wall(path((0, 0.5, 4.5), (0.2, 0, 0)))
    flow, _, _ = flow_between(*look(scene, 1.25), *look(scene, 1.75))
    np.testing.assert_allclose(flow[60, 115], [2.5, 0], atol=1e-4)


def test_flow_may_end_on_the_last_pixel_but_not_beyond():
    builder = Builder(np.random.default_rng(0))
    builder.rectangle((-8, -8, 1), (16, 0, 0), (0, 16, 0), "metal")
    scene, f = builder.scene(), np.array([[64.0, 0, 0], [0, 64, 0], [0, 0, 1]])
    first, second = (Camera(f, pose(at), 8, 16) for at in ((0, 0, 0), (0.0625, 0.03125, 0)))
    for here, there, columns, rows in (
        (first, second, (4, 15), (2, 7)),  # 4 pixels to the left, 2 up
        (second, first, (0, 11), (0, 5)),
    ):
        _, valid, _ = flow_between(here, render(scene, here), there, render(scene, there))
        expected = np.zeros((8, 16), bool)
        expected[rows[0] : rows[1] + 1, columns[0] : columns[1] + 1] = True
        np.testing.assert_array_equal(valid, expected)


def expected_flow(first, second, mover_pose, next_pose, v, u):
    """A point's way by steps of its own: image, camera, world, object, and back."""
    (camera, frame), (next_camera, _) = first, second
    seen = np.append(np.linalg.solve(camera.K, [u, v, 1]) * frame.depth[v, u], 1)
    world = camera.world_from_camera @ seen
    world = next_pose @ np.linalg.solve(mover_pose, world)
    x, y, z = next_camera.K @ np.linalg.solve(next_camera.world_from_camera, world)[:3]
    return x / z - u, y / z - v


@pytest.mark.parametrize("moving_camera", [False, True])
def test_points_move_rigidly_with_an_object_that_turns(moving_camera):
    mover = Turning()
    scene = box_before_a_wall(mover, (1.2, 1, 0.8))
    first = look(scene, 2)
    second = look(scene, 3, *(((0.3, -0.1, 0.4), 0.05) if moving_camera else ()))
    flow, valid, visible = flow_between(*first, *second)
    rows, columns = np.nonzero((object_map(first[1]) == 0) & valid)
    for pick in np.random.default_rng(0).integers(len(rows), size=40):
        v, u = rows[pick], columns[pick]
        by_hand = expected_flow(first, second, mover.pose(2), mover.pose(3), v, u)
        np.testing.assert_allclose(flow[v, u], by_hand, atol=1e-3)
    # What is seen in both images has the depth that the second image shows there.
    points = moved_points(*first, *second)
    rows, columns = np.nonzero((object_map(first[1]) == 0) & visible)
    landed = np.rint(np.stack([columns, rows], 1) + flow[rows, columns]).astype(int).T
    there = second[1].depth[landed[1], landed[0]]
    close = np.abs(there - points[2][rows, columns]) < 0.03
    assert close.mean() > 0.9


def test_stereo_at_one_moment_knows_no_motion():
    scene = box_before_a_wall(Turning())
    left = look(scene, 5)
    right_camera = left[0].shifted(0.3)
    flow, valid, _ = flow_between(*left, right_camera, render(scene, right_camera, time=5))
    np.testing.assert_allclose(flow[..., 0][valid], (-100 * 0.3 / left[1].depth)[valid], atol=1e-3)


def static(frame):
    """The frame without what is known of its objects' motion."""
    return renderer.Frame(frame.rgb, frame.depth, frame.face)


@pytest.mark.parametrize("seed", [1, 3])
def test_warping_the_next_image_back_gives_this_one_on_moving_cars_too(seed):
    samples = list(sequence("drive", seed, 4, 192, 640, start=3, flow=True))
    errors = {"all": [], "cars": [], "cars as if static": []}
    for first, second in zip(samples, samples[1:]):
        here, there = (s.rgb.astype(np.float32) for s in (first, second))
        cars = first.visible & (object_map(first.frame) >= 0)
        assert cars.sum() > 300
        flow, _, _ = flow_between(
            first.camera, static(first.frame), second.camera, static(second.frame)
        )
        warped, unmoved = (np.abs(here - warp_back(there, f)).mean(2) for f in (first.flow, flow))
        errors["all"].append(warped[first.visible].mean())
        errors["cars"].append(warped[cars].mean())
        errors["cars as if static"].append(unmoved[cars].mean())
    means = {name: np.mean(values) for name, values in errors.items()}
    assert means["all"] < 5 and means["cars"] < 6, means
    assert means["cars"] < 0.5 * means["cars as if static"], means


def test_scenes_without_movers_stay_what_they_were():
    scene, _ = street(1)
    assert scene.at(7) is scene and (scene.mover == -1).all()
    assert next(sequence("street", 1, 1, 24, 80)).frame.scene is None


def test_a_placed_scene_agrees_with_itself_drawn_in_place():
    placed = box_before_a_wall(Turning()).at(2)
    builder = Builder(np.random.default_rng(0))
    builder.rectangle((-50, -50, 8), (100, 0, 0), (0, 100, 0), "bricks")
    builder.box((0.4, 0.5, 3.8), (1, 1, 1), 0.5, "fabric")
    builder.box((-2, 1, 5), (1, 1, 1), 0, "planks")
    expected = builder.scene()
    for name in ("corner", "edge_s", "edge_t", "size", "texture", "offset"):
        np.testing.assert_allclose(getattr(placed, name), getattr(expected, name), atol=1e-12)
    assert placed.mover.tolist() == [-1, *[0] * 5, *[-1] * 5]


def test_faces_out_of_view_are_left_out_without_a_trace(monkeypatch):
    scenes = [(*room(4), 0), (*street(2), 0), (box_before_a_wall(Turning()), path((0, 0, 0)), 2)]
    for scene, way, time in scenes:
        for frame in (0, 9):
            camera = Camera(K, way.pose(frame), H, W)
            culled = render(scene, camera, time=time)
            with monkeypatch.context() as patch:
                patch.setattr(renderer, "_in_view", lambda scene, camera: np.True_)
                full = render(scene, camera, time=time)
            for name in ("rgb", "depth", "face"):
                np.testing.assert_array_equal(getattr(culled, name), getattr(full, name))
    kept = renderer._in_view(street(2)[0], Camera(K, street(2)[1].pose(0), H, W))
    assert 0.05 < kept.mean() < 0.97


def test_the_seen_faces_are_those_of_the_image():
    scene = box_before_a_wall(Turning()).at(2)
    camera, frame = look(scene, 2)
    np.testing.assert_array_equal(seen_faces(frame.scene, camera), frame.face)


def test_the_faces_of_a_box_by_hand():
    builder = Builder(np.random.default_rng(0))
    builder.box((1, 0, 5), (2, 1, 4), 0, "metal")  # x 0..2, y -1..0, z 3..7
    scene = builder.scene()
    side_s, side_t = (e * n[:, None] for e, n in zip((scene.edge_s, scene.edge_t), scene.size.T))
    ends = np.stack([scene.corner, scene.corner + side_s + side_t])
    bounds = np.stack([ends.min(0), ends.max(0)], axis=1).tolist()
    assert sorted(bounds) == [
        [[0, -1, 3], [0, 0, 7]],
        [[0, -1, 3], [2, -1, 7]],
        [[0, -1, 3], [2, 0, 3]],
        [[0, -1, 7], [2, 0, 7]],
        [[2, -1, 3], [2, 0, 7]],
    ]

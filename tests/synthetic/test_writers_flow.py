"""KITTI's scene flow benchmark of 2015 on disk: flow, disparity, objects, the multi-view frames."""

import cv2
import numpy as np
import pytest

from tests.synthetic.__main__ import main
from tests.synthetic.motion import flow_between, object_map, warp_back
from tests.synthetic.reading_kitti import files_below, read, read_keys
from tests.synthetic.writers_flow import flow_image, scene_views

HEIGHT, SEED = 94, 7
MAPS = ("disp_noc_0", "disp_occ_0", "disp_noc_1", "disp_occ_1", "flow_noc", "flow_occ", "obj_map")


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("flow") / "kitti"
    arguments = ["--scenes", "2", "--height", str(HEIGHT), "--seed", str(SEED), "--workers", "1"]
    main(["scene_flow", str(folder), *arguments])
    return folder


@pytest.fixture(scope="module")
def views():
    """The views of frames 10 and 11 of both scenes."""
    return [list(scene_views(SEED, index, HEIGHT))[10:12] for index in (0, 1)]


def read_flow(path):
    """Flow (H, W, 2) in pixels and where it is known, as KITTI's development kit reads it."""
    valid, v, u = np.moveaxis(cv2.imread(str(path), cv2.IMREAD_UNCHANGED).astype(float), -1, 0)
    return np.stack([(u - 2**15) / 64, (v - 2**15) / 64], axis=-1), valid > 0


def stored(out, kind, index=0):
    path = out / "data_scene_flow/training" / kind / f"{index:06d}_10.png"
    return read_flow(path) if kind.startswith("flow") else read(path)


def test_the_trees(out):
    training = out / "data_scene_flow/training"
    names = [f"00000{index}_10.png" for index in (0, 1)]
    for kind in MAPS:
        assert files_below(training / kind) == names
    pairs = sorted([*names, *(name.replace("_10", "_11") for name in names)])
    every = sorted(f"00000{index}_{number:02d}.png" for index in (0, 1) for number in range(21))
    for camera in ("image_2", "image_3"):
        assert files_below(training / camera) == pairs
        assert files_below(out / "data_scene_flow_multiview/training" / camera) == every
        for name in pairs:
            multi = out / "data_scene_flow_multiview/training" / camera / name
            assert multi.read_bytes() == (training / camera / name).read_bytes()
    calibrations = out / "data_scene_flow_calib/training"
    for kind in ("calib_cam_to_cam", "calib_velo_to_cam", "calib_imu_to_velo"):
        assert files_below(calibrations / kind) == ["000000.txt", "000001.txt"]
    listed = (out / "lists/test_files_stereo.txt").read_text().splitlines()
    assert [(out / "data_scene_flow" / line).is_file() for line in listed] == [True, True]


def test_the_images_are_those_of_the_drive(out, views):
    for index, pair in enumerate(views):
        for number, view in zip((10, 11), pair):
            for camera in (2, 3):
                name = f"training/image_{camera}/{index:06d}_{number}.png"
                image = read(out / "data_scene_flow" / name)
                np.testing.assert_array_equal(image, view.frames[camera].rgb)


@pytest.mark.parametrize("index", [0, 1])
def test_flow_leads_from_frame_10_to_frame_11(out, views, index):
    here, there = views[index]
    eyes = here.cameras[2], here.frames[2], there.cameras[2], there.frames[2]
    flow, valid, visible = flow_between(*eyes)
    everywhere, known = stored(out, "flow_occ", index)
    np.testing.assert_allclose(everywhere[valid], flow[valid], atol=1 / 128 + 1e-6)
    assert known[valid].all() and known.sum() >= valid.sum()
    unhidden, seen = stored(out, "flow_noc", index)
    np.testing.assert_array_equal(seen, visible)
    np.testing.assert_array_equal(unhidden[seen], everywhere[seen])
    # Warping frame 11 by what the file says gives frame 10, on moving cars too.
    cars = seen & (stored(out, "obj_map", index) > 0)
    first, second = (view.frames[2].rgb.astype(np.float32) for view in (here, there))
    warped = np.abs(first - warp_back(second, everywhere.astype(np.float32)))
    assert cars.sum() > 30 and warped[seen].mean() < 5
    assert warped[cars].mean() < 0.7 * np.abs(first - second)[cars].mean()


def test_the_first_scene_drives_and_the_second_waits(out):
    driving, _ = stored(out, "flow_occ", 0)
    fixed = stored(out, "obj_map", 0) == 0
    assert np.linalg.norm(driving, axis=-1)[fixed & stored(out, "flow_occ", 0)[1]].mean() > 1
    waiting, known = stored(out, "flow_occ", 1)
    cars = stored(out, "obj_map", 1) > 0
    assert np.abs(waiting[known & ~cars]).max() == 0
    assert np.linalg.norm(waiting, axis=-1)[known & cars].max() > 0.5


def test_flow_that_leaves_the_image_is_in_occ_alone(out):
    flow, known = stored(out, "flow_occ", 0)
    v, u = np.mgrid[: flow.shape[0], : flow.shape[1]]
    x, y = u + flow[..., 0], v + flow[..., 1]
    outside = known & ((x < -0.5) | (x > u.max() + 0.5) | (y > v.max() + 0.5))
    assert outside.sum() > 50
    assert not stored(out, "flow_noc", 0)[1][outside].any()


@pytest.mark.parametrize("index", [0, 1])
def test_disparities_before_and_after(out, views, index):
    here, there = views[index]
    name = f"data_scene_flow_calib/training/calib_cam_to_cam/{index:06d}.txt"
    keys = read_keys(out / name)
    focal_baseline = keys["P_rect_02"][3] - keys["P_rect_03"][3]
    depth = here.frames[2].depth
    first, later = (stored(out, f"disp_occ_{n}", index).astype(float) / 256 for n in (0, 1))
    known = depth > 0
    np.testing.assert_allclose(first[known], focal_baseline / depth[known], atol=1 / 256)
    assert (first[~known] == 0).all()
    # Where a point is seen in frame 11 too, its disparity there is the one that frame 11 shows.
    flow, seen = stored(out, "flow_noc", index)
    rows, columns = np.nonzero(seen)
    landed = np.rint(np.stack([columns, rows], 1) + flow[rows, columns]).astype(int).T
    shown = focal_baseline / np.maximum(there.frames[2].depth[landed[1], landed[0]], 1e-3)
    off = np.abs(later[rows, columns] - shown)
    assert np.median(off) < 0.05 and np.quantile(off, 0.9) < 0.5
    for number in (0, 1):
        unhidden = stored(out, f"disp_noc_{number}", index)
        kept = unhidden > 0
        np.testing.assert_array_equal(
            unhidden[kept], stored(out, f"disp_occ_{number}", index)[kept]
        )
        assert 0.2 < kept.mean() < (known.mean() if number == 0 else seen.mean())


def test_a_car_that_comes_nearer_has_another_disparity_later(out):
    cars = stored(out, "obj_map", 1) > 0
    first, later = (stored(out, f"disp_occ_{n}", 1).astype(int) for n in (0, 1))
    # The camera waits: only the cars' disparity changes.
    assert (first[~cars] == later[~cars]).mean() > 0.999
    assert (first[cars] != later[cars]).mean() > 0.3


def test_the_object_map_counts_moving_objects(out, views):
    objects = stored(out, "obj_map", 0)
    assert objects.dtype == np.uint8 and 0 in objects and objects.max() >= 1
    np.testing.assert_array_equal(objects, object_map(views[0][0].frames[2]) + 1)


def test_flow_image_by_hand():
    flow = np.array([[[1.5, -2.0], [0.0, 0.0]]])
    image = flow_image(flow, np.array([[True, False]]))
    assert image.dtype == np.uint16
    assert image.tolist() == [[[2**15 + 96, 2**15 - 128, 1], [0, 0, 0]]]


def test_the_images_of_a_car_at_another_speed(tmp_path):
    more = ["--scenes", "1", "--height", "32", "--speed", "150", "--workers", "1"]
    main(["scene_flow", str(tmp_path), *more])
    image = read(tmp_path / "data_scene_flow/training/image_2/000000_10.png")
    usual, fast = (list(scene_views(0, 0, 32, speed))[10] for speed in (1.0, 1.5))
    np.testing.assert_array_equal(image, fast.frames[2].rgb)
    assert (image != usual.frames[2].rgb).any()


def test_the_printed_number_of_files_is_right(tmp_path, capsys):
    main(["scene_flow", str(tmp_path), "--scenes", "1", "--height", "32", "--workers", "1"])
    assert f"wrote {len(files_below(tmp_path)) - 1} files" in capsys.readouterr().out

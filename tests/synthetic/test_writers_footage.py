"""Cityscapes sequences and footage of one's own, on disk."""

import json

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tests.synthetic.__main__ import main
from tests.synthetic.camera import Camera
from tests.synthetic.drives import drive
from tests.synthetic.kitti_drives import METRES
from tests.synthetic.motion import warp_back
from tests.synthetic.reading_kitti import files_below, read, read_poses
from tests.synthetic.render import render
from tests.synthetic.rooms import room

FRAMES = 8


@pytest.fixture(scope="module")
def cities(tmp_path_factory):
    out = tmp_path_factory.mktemp("cities") / "cityscapes"
    counts = ["--train", "4", "--val", "1", "--frames", "3"]
    main(["cityscapes", str(out), *counts, "--height", "64", "--workers", "1"])
    return out


def test_the_tree_of_cityscapes(cities):
    images = files_below(cities / "leftImg8bit_sequence")
    sequences = ["train/aachen/aachen_000000", "train/aachen/aachen_000001"]
    sequences += ["train/bochum/bochum_000000", "train/jena/jena_000000"]
    sequences += ["val/frankfurt/frankfurt_000000"]
    expected = [f"{s}_{n:06d}_leftImg8bit.png" for s in sequences for n in range(3)]
    assert images == expected
    assert files_below(cities / "camera") == [f"{s}_000019_camera.json" for s in sequences]


def test_the_camera_of_cityscapes(cities):
    path = cities / "camera/train/jena/jena_000000_000019_camera.json"
    camera = json.loads(path.read_text())
    assert set(camera) == {"extrinsic", "intrinsic"}
    assert set(camera["extrinsic"]) == {"baseline", "pitch", "roll", "x", "y", "yaw", "z"}
    K = camera["intrinsic"]
    assert set(K) == {"fx", "fy", "u0", "v0"}
    # The real one has fx 2262.52 for 2048 pixels, and its axis is off the middle of the image.
    assert K["fx"] == pytest.approx(2262.52 / 16) and K["fy"] == pytest.approx(2265.3 / 16)
    assert K["u0"] == pytest.approx(1097.48 / 16 - 0.5)
    assert K["v0"] == pytest.approx(513.637 / 16 - 0.5)


def test_the_images_of_cityscapes(cities):
    scene, ego = drive((0, 40, 0, 2), METRES * 3 * 10 / 17)
    path = cities / "camera/train/jena/jena_000000_000019_camera.json"
    numbers = json.loads(path.read_text())["intrinsic"]
    K = np.array([[numbers["fx"], 0, numbers["u0"]], [0, numbers["fy"], numbers["v0"]], [0, 0, 1]])
    images = []
    for number in range(3):
        name = f"train/jena/jena_000000_{number:06d}_leftImg8bit.png"
        images.append(read(cities / "leftImg8bit_sequence" / name))
        moment = number * 10 / 17  # 17 images a second
        expected = render(scene, Camera(K, ego.pose(moment), 64, 128), time=moment).rgb
        np.testing.assert_array_equal(images[-1][:54], expected[:54])
        # The lower edge shows the car's own bonnet, which GeoNet crops away.
        np.testing.assert_array_equal(images[-1][62:], images[0][62:])
        assert (images[-1][62:] != expected[62:]).any()
    assert images[0].shape == (64, 128, 3)


@pytest.fixture(scope="module", params=["drive", "room"])
def footage(request, tmp_path_factory):
    out = tmp_path_factory.mktemp("footage") / request.param
    size = ["--height", "96", "--width", "160", "--workers", "1", "--world", request.param]
    main(["footage", str(out), "--videos", "1", "--frames", str(FRAMES), "--seed", "3", *size])
    return out, f"{request.param}_0"


def test_footage_as_a_folder_and_as_a_video(footage):
    out, name = footage
    images = [read(path) for path in sorted((out / name).iterdir())]
    assert [path.name for path in sorted((out / name).iterdir())][-1] == f"{FRAMES - 1:06d}.jpg"
    video = cv2.VideoCapture(str(out / f"{name}.mp4"))
    assert video.get(cv2.CAP_PROP_FPS) == pytest.approx(10)
    for image in images:
        ok, frame = video.read()
        assert ok and np.abs(frame[..., ::-1].astype(int) - image).mean() < 8
    assert not video.read()[0] and len(images) == FRAMES


def test_the_truth_of_footage(footage):
    out, name = footage
    world = drive((3, 41, 0), METRES * FRAMES) if "drive" in name else room((3, 41, 0))
    camera = json.loads((out / "intrinsics.json").read_text())
    assert (camera["width"], camera["height"]) == (160, 96)
    fx, fy, cx, cy = (camera[key] for key in ("fx", "fy", "cx", "cy"))
    assert (abs(cx - 79.5), abs(cy - 47.5)) > (1, 1)
    K = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
    kitti = read_poses(out / f"truth/{name}_kitti.txt")
    tum = np.loadtxt(out / f"truth/{name}_tum.txt")
    np.testing.assert_allclose(tum[:, 0], np.arange(FRAMES) / 10)
    np.testing.assert_allclose(tum[:, 1:4], kitti[:, :3, 3], atol=1e-5)
    R = Rotation.from_quat(tum[:, 4:]).as_matrix()
    np.testing.assert_allclose(R, kitti[:, :3, :3], atol=1e-5)
    scene, path = world
    for number in (0, 5):
        pose = path.pose(number)
        np.testing.assert_allclose(kitti[number], np.linalg.inv(path.pose(0)) @ pose, atol=1e-5)
        frame = render(scene, Camera(K, pose, 96, 160), time=number)
        off = np.abs(read(out / name / f"{number:06d}.jpg").astype(int) - frame.rgb)
        assert off.mean() < 4
        depth = read(out / f"truth/{name}_depth/{number:06d}.png")
        assert depth.dtype == np.uint16
        np.testing.assert_allclose(depth / 256, frame.depth, atol=1 / 512 + 1e-6)


def test_the_right_camera_of_footage_is_25_cm_away(footage):
    out, name = footage
    camera = json.loads((out / "intrinsics.json").read_text())
    depth = read(out / f"truth/{name}_depth/000003.png") / 256
    left, right = (
        read(out / f"{name}{end}/000003.jpg").astype(np.float32) for end in ("", "_right")
    )
    shift = np.where(depth > 0, camera["fx"] * 0.25 / np.maximum(depth, 1e-3), 0)
    back = np.stack([-shift, np.zeros_like(shift)], -1).astype(np.float32)
    inside = np.arange(160) >= shift
    warped = np.abs(left - warp_back(right, back))[inside].mean()
    assert warped < 0.85 * np.abs(left - right)[inside].mean()


def test_odd_sizes_cannot_be_filmed(tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["footage", str(tmp_path / "new"), "--height", "97"])
    assert stop.value.code == 2 and "even" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["footage", "cityscapes"])
def test_the_printed_number_of_files_is_right(tmp_path, capsys, name):
    count = ["--videos", "2", "--width", "64"] if name == "footage" else ["--train", "1"]
    main([name, str(tmp_path), "--frames", "3", "--height", "32", "--workers", "1", *count])
    assert f"wrote {len(files_below(tmp_path)) - 1} files" in capsys.readouterr().out

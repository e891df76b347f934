"""generate_multiview_extension.py: the strips on which flow is tested."""

import cv2
import numpy as np
import pytest
from PIL import Image

from geonet.src.model_utils.errors import InputError
from geonet.src.preparation.multiview import generate, parse
from tests.synthetic.reading_kitti import files_below

CALIBRATION = "S_rect_02: 20 16\nP_rect_02: 60 0 31 4 0 62 9 0.2 0 0 1 0.003\n"
CALIBRATION += CALIBRATION.replace("_02", "_03").replace("60 0 31", "80 0 33")


@pytest.fixture
def scenes(tmp_path):
    """Scenes 000000 and 000007: frames of one colour each, red being ten times the number."""
    for scene in (0, 7):
        for camera, green in ((2, 0), (3, 90)):
            images = tmp_path / "multiview" / "training" / f"image_{camera}"
            images.mkdir(parents=True, exist_ok=True)
            for number in range(21):
                image = Image.new("RGB", (20, 16), (10 * number, green, scene))
                image.save(images / f"{scene:06d}_{number:02d}.png")
        calibration = tmp_path / "calib" / "training" / "calib_cam_to_cam"
        calibration.mkdir(parents=True, exist_ok=True)
        (calibration / f"{scene:06d}.txt").write_text(CALIBRATION)
    return tmp_path


def options(root, more=""):
    flags = f"--dataset_dir={root}/multiview/ --calib_dir={root}/calib --dump_root={root}/out "
    return parse("", f"{flags} --img_height=8 --img_width=10 {more}".split())


def reds(path):
    """Red of each frame of a strip, and its greens."""
    strip = np.asarray(Image.open(path).convert("RGB")).astype(int)
    frames = strip.reshape(8, -1, 10, 3).mean((0, 2))
    return frames[:, 0], frames[:, 1]


def test_the_originals_defaults():
    found = parse("", ["--dataset_dir=K", "--calib_dir=L", "--dump_root=U"])
    size = found.img_height, found.img_width
    assert (found.cam_id, found.seq_length, *size) == ("02", 3, 128, 416)


def test_the_scenes_that_are_there(scenes, capsys):
    generate(options(scenes))
    assert files_below(scenes / "out") == [
        *(f"sub_folder_02/{n}{end}" for n in ("000000", "000007") for end in (".jpg", "_cam.txt")),
        "test_flow.txt",
    ]
    assert (scenes / "out" / "test_flow.txt").read_text() == (
        "sub_folder_02 000000\nsub_folder_02 000007\n"
    )
    out = capsys.readouterr().out
    assert out.startswith("2 scenes of the benchmark's 200\nProgress 0/2....\n")
    assert out.endswith(f"{scenes}/out/test_flow.txt: 2 strips of 3 frames\n")


def test_frame_10_is_in_the_middle_and_colours_are_rgb(scenes):
    generate(options(scenes, "--seq_length=5"))
    red, green = reds(scenes / "out" / "sub_folder_02" / "000007.jpg")
    np.testing.assert_allclose(red, [80, 90, 100, 110, 120], atol=3)
    np.testing.assert_allclose(green, 0, atol=3)


def test_the_right_camera(scenes):
    generate(options(scenes, "--cam_id=03"))
    red, green = reds(scenes / "out" / "sub_folder_03" / "000000.jpg")
    np.testing.assert_allclose(green, 90, atol=3)
    np.testing.assert_allclose(red, [90, 100, 110], atol=3)
    line = (scenes / "out" / "sub_folder_03" / "000000_cam.txt").read_text()
    assert line == "40.000000,0.,16.500000,0.,31.000000,4.500000,0.,0.,1."
    assert (scenes / "out" / "test_flow.txt").read_text().startswith("sub_folder_03 000000\n")


def test_resizing_is_that_of_opencv_without_smoothing(scenes):
    """One column in four is white. A quarter of the width is read between the two after it."""
    rows = np.zeros((32, 40, 3), np.uint8)
    rows[:, ::4] = 255
    for path in (scenes / "multiview" / "training" / "image_2").glob("000000_*.png"):
        Image.fromarray(rows).save(path)
    generate(options(scenes))
    red, _ = reds(scenes / "out" / "sub_folder_02" / "000000.jpg")
    np.testing.assert_allclose(red, 0, atol=3)


def test_the_jpeg_is_opencvs_own(scenes):
    generate(options(scenes))
    path = scenes / "multiview" / "training" / "image_2"
    frames = [cv2.imread(str(path / f"000007_{n:02d}.png")) for n in (9, 10, 11)]
    strip = np.hstack([cv2.resize(frame, (10, 8)) for frame in frames])
    data = (scenes / "out" / "sub_folder_02" / "000007.jpg").read_bytes()
    assert data == cv2.imencode(".jpg", strip)[1].tobytes()  # quality 95


def test_jpg_instead_of_png(scenes):
    for path in (scenes / "multiview").rglob("*.png"):
        Image.open(path).save(path.with_suffix(".jpg"))
        path.unlink()
    generate(options(scenes))
    assert len(files_below(scenes / "out")) == 5


@pytest.mark.parametrize(
    ("lost", "text"),
    [
        ("multiview/training/image_2/000007_11.png", "000007_11.png is missing"),
        ("calib/training/calib_cam_to_cam/000007.txt", "000007.txt is missing"),
    ],
)
def test_what_is_missing_is_named_and_nothing_is_written(scenes, lost, text):
    (scenes / lost).unlink()
    with pytest.raises(InputError, match=text):
        generate(options(scenes))
    assert not (scenes / "out").exists()


def test_a_folder_without_scenes(tmp_path):
    with pytest.raises(InputError, match=r"image_2 holds no 000000_10.png; check --dataset_dir"):
        generate(options(tmp_path))


def test_more_frames_than_a_scene_has(capsys):
    with pytest.raises(SystemExit):
        options("K", "--seq_length 23")
    assert "argument --seq_length: a scene has 21 frames" in capsys.readouterr().err

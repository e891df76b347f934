"""The original's files beside the images, and its lines."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from monodepth2.src.model_utils.errors import InputError
from monodepth2.src.model_utils.media import Frame
from monodepth2.src.prediction import check_formats, predict_beside
from monodepth2.src.prediction.beside import BesideImages, color_range, magma
from monodepth2.src.prediction.predictors import enlarged
from tests.monodepth2.predicted import SIZE, disparities, photo, save

BOTH = ["npy", "color"]


@pytest.fixture
def folder(tmp_path):
    """Two images."""
    return save(tmp_path / "in", a=photo(0), b=photo(1, 60, 50))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_original_s_files_and_lines(folder, capsys):
    predict_beside(disparities(), None, str(folder), BOTH, False)
    results = [f"{stem}_disp.{end}" for stem in "ab" for end in ("jpeg", "npy")]
    assert names(folder) == sorted(["a.png", "b.png", *results])
    assert capsys.readouterr().out.splitlines() == [
        "-> Predicting on 2 test images",
        "   Processed 1 of 2 images - saved predictions to:",
        f"   - {folder}/a_disp.jpeg",
        f"   - {folder}/a_disp.npy",
        "   Processed 2 of 2 images - saved predictions to:",
        f"   - {folder}/b_disp.jpeg",
        f"   - {folder}/b_disp.npy",
        "-> Done!",
    ]
    small = disparities().batch([photo(0)])[0]
    stored = np.load(folder / "a_disp.npy")
    assert stored.shape == (1, 1, *SIZE) and stored.dtype == np.float32
    np.testing.assert_array_equal(stored[0], small)
    disparity = enlarged(disparities().batch([photo(1, 60, 50)])[0], 60, 50)
    colors = magma(disparity, *color_range(disparity))
    shown = np.asarray(Image.open(folder / "b_disp.jpeg"))
    assert shown.shape == (60, 50, 3)
    assert np.abs(shown.astype(int) - colors).mean() < 4  # JPEG's loss


def test_results_of_an_earlier_run_are_no_inputs(folder, capsys):
    for _ in range(2):
        predict_beside(disparities(), None, str(folder), BOTH, False)
    assert len(names(folder)) == 6
    assert capsys.readouterr().out.count("-> Predicting on 2 test images") == 2
    (folder / "a.png").rename(folder / "x_disp.jpg")
    predict_beside(disparities(), None, str(folder), BOTH, False)
    assert "-> Predicting on 1 test images" in capsys.readouterr().out
    (folder / "b.png").unlink()
    with pytest.raises(InputError, match="holds only results"):
        predict_beside(disparities(), None, str(folder), BOTH, False)


@pytest.mark.parametrize("scale", [5.4, 2.5, None])
def test_metric_depth_in_place_of_disparity(folder, capsys, scale):
    """Without a known scale KITTI's is taken, with the original's warning."""
    predict_beside(disparities(), scale, str(folder / "a.png"), BOTH, True)
    assert names(folder) == ["a.png", "a_depth.npy", "a_disp.jpeg", "b.png"]
    small = disparities().batch([photo(0)])[0]
    depth = np.load(folder / "a_depth.npy")
    np.testing.assert_allclose(depth, (scale or 5.4) / small[None], rtol=1e-6)
    warned = "Warning: The --pred_metric_depth flag only makes sense for stereo-trained KITTI"
    assert (warned in capsys.readouterr().out) is (scale is None)
    predict_beside(disparities(), scale, str(folder / "b.png"), ["npy"], True)
    assert "b_disp.jpeg" not in names(folder)


def test_depth_does_not_change_the_colours(folder):
    predict_beside(disparities(), 5.4, str(folder / "a.png"), BOTH, True)
    metric = (folder / "a_disp.jpeg").read_bytes()
    predict_beside(disparities(), 5.4, str(folder / "a.png"), BOTH, False)
    assert (folder / "a_disp.jpeg").read_bytes() == metric


def test_files_of_one_stem_keep_their_ending(folder):
    Image.fromarray(photo(2)).save(folder / "a.bmp")
    predict_beside(disparities(), None, str(folder), ["npy"], False)
    results = ["a_bmp_disp.npy", "a_png_disp.npy", "b_disp.npy"]
    assert [name for name in names(folder) if "disp" in name] == results


def test_a_bad_image_is_left_out_or_named(folder):
    (folder / "a.png").write_bytes(b"broken")
    with pytest.raises(InputError, match=r"a\.png"):
        predict_beside(disparities(), None, str(folder), BOTH, False)
    predict_beside(disparities(), None, str(folder), BOTH, False, True)
    assert names(folder) == ["a.png", "b.png", "b_disp.jpeg", "b_disp.npy"]


def test_a_video_gets_one_colour_video_and_a_folder_of_maps(tmp_path, footage, capsys):
    video = tmp_path / "clip.mp4"
    video.write_bytes((footage / "drive_0.mp4").read_bytes())
    predict_beside(disparities(4), None, str(video), BOTH, False)
    assert names(tmp_path) == ["clip", "clip.mp4", "clip_color.mp4"]
    assert len(names(tmp_path / "clip")) == 14 and "000000_disp.npy" in names(tmp_path / "clip")
    assert cv2.VideoCapture(str(tmp_path / "clip_color.mp4")).get(cv2.CAP_PROP_FRAME_COUNT) == 14
    assert f"   - {tmp_path}/clip_color.mp4\n   - {tmp_path}/clip\n" in capsys.readouterr().out


def test_the_colours_of_a_video_follow_slowly():
    """A range that doubles from one frame to the next moves by a tenth."""
    ramp = np.linspace(1, 2, 64, dtype=np.float32).reshape(1, 1, 64).repeat(32, 1)
    video = Path("v.mp4")
    frame = Frame(video, video, 0, photo(0, 32, 64))
    job = BesideImages([video], "", disparities(), "disparity", BOTH)
    job.color(frame, ramp)
    first = job.limits[video]
    job.color(frame, 2 * ramp)
    np.testing.assert_allclose(job.limits[video], 1.1 * first)


def test_magma_from_the_least_value_to_the_95th_percentile():
    """matplotlib's table: nearly black, and at its brightest (252, 253, 191)."""
    disparity = np.arange(101, dtype=np.float32).reshape(1, 101)
    low, high = color_range(disparity)
    assert (low, high) == (0, 95)
    colors = magma(disparity, low, high)[0]
    assert colors[0].tolist() == [0, 0, 4] and colors[100].tolist() == [252, 253, 191]
    assert (colors[95:] == colors[100]).all() and (colors[94] != colors[100]).any()
    middle = magma(np.float32([[0.5]]), 0, 1)[0, 0]  # place 128 of 256
    assert middle.tolist() == [183, 55, 121]
    assert magma(np.ones((2, 2), np.float32), 1, 1).tolist() == [[[0, 0, 4]] * 2] * 2


def test_other_formats_need_a_folder():
    check_formats(BOTH, "")
    check_formats(["png", "ply"], "out")
    with pytest.raises(InputError, match="formats png ply are not for beside images; add --output"):
        check_formats(["npy", "png", "ply"], "")

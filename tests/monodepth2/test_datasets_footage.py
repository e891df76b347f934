"""Own footage: what is a sequence, whose intrinsics hold, which frames are learnt from."""

import json
import os
import shutil

import cv2
import numpy as np
import pytest
from PIL import Image

from monodepth2.src.datasets import Camera, open_samples
from monodepth2.src.datasets.footage import (
    FootageFrames,
    FootageSequence,
    find_intrinsics,
    find_sequences,
    open_sequences,
)
from monodepth2.src.model_utils.errors import InputError
from monodepth2.src.sfm_utils.footage import Footage
from monodepth2.src.sfm_utils.frame_selection import Selection
from monodepth2.src.sfm_utils.intrinsics import Intrinsics, write_intrinsics

SIZE = (32, 64)
FOUR = (72, 72, 50, 30)


@pytest.fixture
def video(footage, tmp_path):
    """The video alone, without a file of intrinsics."""
    shutil.copy(footage / "drive_0.mp4", tmp_path)
    return tmp_path / "drive_0.mp4"


def sequences(path, camera, tmp_path, **options):
    return open_sequences(path, camera, cache=tmp_path / "cache", size=SIZE, **options)


def test_what_is_a_sequence(footage, tmp_path):
    found = find_sequences(footage)
    right = footage / "drive_0_right"
    assert found == {
        "drive_0": (footage / "drive_0", right),
        "drive_0.mp4": (footage / "drive_0.mp4", right),
    }
    assert find_sequences(footage / "drive_0") == {"drive_0": (footage / "drive_0", right)}
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(InputError, match="holds no footage: expected a video"):
        find_sequences(tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        find_sequences(tmp_path / "none")


def test_a_video_with_nothing_but_four_numbers(video, tmp_path, capsys):
    samples = open_samples(
        video,
        dataset="folder",
        split="",
        split_dir="",
        height=32,
        width=64,
        sources=[-1, 1],
        camera=Camera(FOUR),
        cache=tmp_path / "cache",
    )
    out = capsys.readouterr().out
    assert "without motion left out; frame step 1" in out
    assert f"Using footage:\n   {video} (1 sequence)\nThere are {len(samples.train)} " in out
    assert len(samples.train) > 5
    assert (len(samples.val), samples.metric_scale) == (1, None)
    sample = samples.val.load(0, np.random.default_rng(0))
    expected = [[72 * 64 / 96, 0, 50 * 64 / 96], [0, 36, 15], [0, 0, 1]]
    np.testing.assert_allclose(sample["K"], expected, rtol=1e-6)
    with Image.open(samples.train.name(0)) as image:
        assert image.size == (64, 32)  # no larger than needed


def test_frames_are_taken_out_of_a_video_once(video, tmp_path, capsys):
    camera = Camera(FOUR)
    first = sequences(video, camera, tmp_path)[0]
    stamp = first.files[0].stat().st_mtime_ns
    again = sequences(video, camera, tmp_path)[0]
    assert again == first
    assert first.files[0].stat().st_mtime_ns == stamp
    assert capsys.readouterr().out.count("taking its frames out") == 1
    record = tmp_path / "cache" / "drive_0.mp4" / "frames" / "frames.json"
    assert json.loads(record.read_text())[1] == {"count": 14}


@pytest.mark.parametrize(
    "change", ["another video", "a lost frame", "a damaged record", "no record"]
)
def test_frames_that_do_not_belong_to_the_video_are_made_anew(video, tmp_path, capsys, change):
    first = sequences(video, Camera(FOUR), tmp_path)[0]
    if change == "another video":
        os.utime(video, ns=(1, 1))
    elif change == "a lost frame":
        first.files[3].unlink()
    else:
        record = first.files[0].parent / "frames.json"
        text = record.read_text()
        record.write_text(text.replace("14", "13") if change == "a damaged record" else "{")
    assert sequences(video, Camera(FOUR), tmp_path)[0] == first
    assert first.files[3].is_file()
    assert capsys.readouterr().out.count("taking its frames out") == 2


def test_an_interrupted_extraction_leaves_nothing(video, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("monodepth2.src.datasets.frame_cache._jpeg", fail)
    with pytest.raises(KeyboardInterrupt):
        sequences(video, Camera(FOUR), tmp_path)
    assert not list((tmp_path / "cache").rglob("frames"))


def test_both_cameras(footage, tmp_path):
    found = sequences(footage, Camera(baseline=0.25), tmp_path, sources=[-1, 1, "s"])
    frames = FootageFrames(found[:1], is_val=False)
    assert frames.path(0, "s") == footage / "drive_0_right" / frames.path(0, 0).name
    assert Camera(baseline=0.25).metric_scale == 2.5
    with pytest.raises(InputError, match="use_stereo needs --baseline"):
        sequences(footage, Camera(), tmp_path, sources=["s"])


def test_a_right_camera_that_does_not_fit_is_refused(footage, tmp_path):
    left, right = tmp_path / "a", tmp_path / "a_right"
    shutil.copytree(footage / "drive_0", left)
    camera, options = Camera(FOUR, baseline=0.25), {"sources": ["s"]}
    with pytest.raises(InputError, match="a has no right camera: a_right is not beside it"):
        sequences(left, camera, tmp_path, **options)
    shutil.copytree(footage / "drive_0_right", right)
    (right / "000013.jpg").unlink()
    with pytest.raises(InputError, match=r"a_right has 13 frames, .*a has 14"):
        sequences(left, camera, tmp_path, **options)
    for file in right.iterdir():
        Image.new("RGB", (48, 32)).save(file)
    with pytest.raises(InputError, match=r"a_right is 48x32, but .*a is 96x64"):
        sequences(left, camera, tmp_path, **options)


def test_whose_intrinsics_hold(footage, tmp_path):
    folder = tmp_path / "clips" / "a"
    folder.mkdir(parents=True)
    image = Image.fromarray(np.zeros((64, 96, 3), np.uint8))
    tags = image.getexif()
    tags.get_ifd(0x8769)[0xA405] = 26
    for number in range(2):
        image.save(folder / f"{number}.jpg", exif=tags)
    frames, top = Footage(folder), folder.parent

    def focal(camera=Camera()):  # noqa: B008
        return find_intrinsics(frames, camera, top).fx

    assert focal() == pytest.approx(26 * np.hypot(64, 96) / np.hypot(36, 24))
    assert focal(Camera(field_of_view=90)) == pytest.approx(48)
    write_intrinsics(top / "intrinsics.json", Intrinsics(50.0, 50.0, 48.0, 32.0, 96, 64))
    assert focal(Camera(field_of_view=90)) == 50
    write_intrinsics(folder / "intrinsics.json", Intrinsics(60.0, 60.0, 48.0, 32.0, 96, 64))
    assert focal() == 60
    assert focal(Camera(FOUR)) == 72


def test_intrinsics_that_are_not_known_or_do_not_fit(video):
    frames = Footage(video)
    with pytest.raises(InputError, match="give --intrinsics fx fy cx cy"):
        find_intrinsics(frames, Camera(), video.parent)
    with pytest.raises(InputError, match="are 96x64, but the intrinsics hold for 640x480"):
        find_intrinsics(frames, Camera((500, 500, 320, 240, 640, 480)), video.parent)


def sequence(kept, step=1, reach=1, val_share=0.2, **options):
    camera = options.pop("camera", Intrinsics(70.0, 70.0, 40.0, 30.0, 96, 64))
    files = [f"{number}.jpg" for number in range(max(kept) + 1)]
    return FootageSequence("a", files, [], camera, Selection(kept, step, 0, 0.01), reach, val_share)


def test_neighbours_are_frames_with_motion():
    frames = FootageFrames([sequence([0, 2, 3, 5, 7, 8, 9], step=2)], is_val=False)
    assert [frames.path(0, frame_id) for frame_id in (-1, 0, 1)] == ["0.jpg", "3.jpg", "7.jpg"]


def test_the_end_of_each_sequence_is_for_validation():
    several = [sequence(list(range(12))), sequence(list(range(7)))]
    train, val = (FootageFrames(several, is_val) for is_val in (False, True))
    assert train.places == [(0, n) for n in range(1, 9)] + [(1, n) for n in range(1, 5)]
    assert val.places == [(0, 9), (0, 10), (1, 5)]


def test_a_wide_neighbourhood_needs_room():
    frames = FootageFrames([sequence(list(range(9)), reach=2)], is_val=False)
    assert frames.path(0, -2) == "0.jpg"


def test_mirroring_moves_an_axis_that_is_off_the_middle():
    frames = FootageFrames([sequence(list(range(9)))], is_val=False)
    plain, turned = (frames.matrix(0, 64, 96, is_mirrored)[0, 2] for is_mirrored in (False, True))
    assert (plain, turned) == (40, 55)  # of columns 0 to 95
    assert frames.matrix(0, 32, 48, True)[0, 2] == 27.5


def test_static_stretches_are_left_out_and_counted(tmp_path, capsys):
    wide = cv2.GaussianBlur(np.random.default_rng(0).random((64, 400, 3), np.float32), (0, 0), 3)
    wide = np.uint8(255 * (wide - wide.min()) / (wide.max() - wide.min()))
    folder = tmp_path / "a"
    folder.mkdir()
    places = [0, 4, 8, 8, 8, 8, 12, 16, 20, 24]
    for number, place in enumerate(places):
        Image.fromarray(wide[:, place : place + 96]).save(folder / f"{number}.png")
    (found,) = sequences(folder, Camera(FOUR), tmp_path, frame_step=1)
    assert found.selection.kept == [0, 1, 2, 6, 7, 8, 9]
    assert "10 frames, 3 without motion left out; frame step 1" in capsys.readouterr().out


def test_too_few_frames(video, tmp_path):
    with pytest.raises(InputError, match="frames show motion"):
        sequences(video, Camera(FOUR), tmp_path, frame_step=6)

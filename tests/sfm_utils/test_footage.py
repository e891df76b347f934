"""Own footage: folders and videos, their order and size, intrinsics, motion, and what cannot be."""

import cv2
import numpy as np
import pytest
from PIL import Image

from monodepth2.src.model_utils.errors import InputError
from monodepth2.src.model_utils.images import read_rgb
from monodepth2.src.sfm_utils import frame_selection, intrinsics
from monodepth2.src.sfm_utils.footage import Footage
from monodepth2.src.sfm_utils.intrinsics import Intrinsics, intrinsics_from_numbers

CAMERA = Intrinsics(60.0, 60.0, 47.5, 31.5, 96, 64)


def texture(height=64, width=400, seed=0):
    """(H, W, 3) uint8 with detail at every scale that the flow can follow."""
    coarse = np.random.default_rng(seed).integers(0, 256, (height // 6, width // 6, 3), np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def view(offset, height=64, width=96):
    """What a camera sees that has moved along the texture by so many pixels."""
    shift = np.float32([[1, 0, -offset], [0, 1, 0]])
    return cv2.warpAffine(texture(), shift, (width, height), flags=cv2.INTER_LINEAR)


def write_folder(folder, images, ending="png", first=0):
    folder.mkdir(parents=True, exist_ok=True)
    for index, image in enumerate(images, first):
        Image.fromarray(image).save(folder / f"{index:04d}.{ending}")


def write_video(path, images):
    size = images[0].shape[1::-1]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 10, size)
    for image in images:
        writer.write(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    writer.release()


def test_a_folder_in_the_order_of_its_names(tmp_path):
    images = [view(offset) for offset in (0, 10, 20)]
    write_folder(tmp_path, images)
    (tmp_path / "notes.txt").write_text("no image")
    footage = Footage(tmp_path, CAMERA)
    assert footage.size == (64, 96) and len(footage.files) == 3
    np.testing.assert_array_equal(list(footage.frames()), images)
    np.testing.assert_array_equal(list(footage.frames()), images)


def test_names_that_are_numbers_are_sorted_by_value(tmp_path):
    for name in ("10", "9", "100"):
        Image.fromarray(view(0)).save(tmp_path / f"{name}.png")
    assert [file.stem for file in Footage(tmp_path).files] == ["9", "10", "100"]
    Image.fromarray(view(0)).save(tmp_path / "x.png")
    assert [file.stem for file in Footage(tmp_path).files] == ["10", "100", "9", "x"]


def test_a_video(tmp_path):
    images = [view(offset) for offset in (0, 10, 20)]
    write_video(tmp_path / "clip.mp4", images)
    footage = Footage(tmp_path / "clip.mp4", CAMERA)
    assert footage.size == (64, 96) and footage.files is None
    frames = np.array(list(footage.frames()), int)
    assert frames.shape == (3, 64, 96, 3) and np.abs(frames - images).mean() < 15
    order = [np.abs(frame - np.array(images, int)).mean((1, 2, 3)).argmin() for frame in frames]
    assert order == [0, 1, 2]


class Capture:
    """Stands for cv2.VideoCapture, which decodes a damaged video in ways that no file shows."""

    def __init__(self, frames):
        self.frames, self.released = list(frames), False

    def isOpened(self):
        return True

    def read(self):
        frame = self.frames.pop(0) if self.frames else None
        if isinstance(frame, Exception):
            raise frame
        return frame is not None, frame

    def release(self):
        self.released = True


@pytest.mark.parametrize(
    "second, what",
    [
        (np.zeros((32, 96, 3), np.uint8), "its frames differ in size"),
        (cv2.error("bad"), "a frame cannot be decoded"),
    ],
)
def test_a_video_that_is_damaged_further_on_is_named(tmp_path, monkeypatch, second, what):
    path = tmp_path / "clip.mp4"
    write_video(path, [view(0), view(1)])
    footage, capture = Footage(path), Capture([np.zeros((64, 96, 3), np.uint8), second])
    monkeypatch.setattr(cv2, "VideoCapture", lambda name: capture)
    frames = footage.frames()
    assert next(frames).shape == (64, 96, 3)
    with pytest.raises(InputError, match=f"clip.mp4 is damaged: {what}"):
        next(frames)
    assert capture.released


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientations_are_those_that_the_images_are_read_with(tmp_path, orientation):
    image = Image.fromarray(view(0))
    tags = image.getexif()
    tags[0x0112] = orientation
    path = tmp_path / "photo.jpg"
    image.save(path, exif=tags)
    assert intrinsics.shown_size(path) == read_rgb(path).shape[:2]


def test_an_image_that_was_taken_sideways_is_upright(tmp_path):
    image = Image.fromarray(view(0))
    tags = image.getexif()
    tags[0x0112] = 6
    for index in range(2):
        image.save(tmp_path / f"{index}.jpg", exif=tags)
    footage = Footage(tmp_path)
    assert footage.size == (96, 64) == next(footage.frames()).shape[:2]
    Image.fromarray(view(0)).save(tmp_path / "2.jpg")
    with pytest.raises(InputError, match="2.jpg is 96x64, but 0.jpg is 64x96"):
        Footage(tmp_path)


def test_an_image_whose_size_changes_after_the_check_is_named(tmp_path):
    write_folder(tmp_path / "images", [view(0), view(1)])
    frames = Footage(tmp_path / "images").frames()
    next(frames)
    write_folder(tmp_path / "images", [view(1, height=32)], first=1)
    with pytest.raises(InputError, match="0001.png is damaged: another size than its header tells"):
        next(frames)


def test_what_is_no_footage_is_named(tmp_path):
    with pytest.raises(InputError, match="none does not exist; give a folder of images or a video"):
        Footage(tmp_path / "none")
    with pytest.raises(InputError, match="holds no image; a sequence needs two or more"):
        Footage(tmp_path)
    write_folder(tmp_path, [view(0)])
    with pytest.raises(InputError, match="holds one image; a sequence needs two or more"):
        Footage(tmp_path)
    write_folder(tmp_path, [view(0, 32)], first=1)
    with pytest.raises(InputError, match="0001.png is 96x32, but 0000.png is 96x64; the frames of"):
        Footage(tmp_path)
    (tmp_path / "0001.png").write_bytes((tmp_path / "0000.png").read_bytes()[:-9])
    with pytest.raises(InputError, match="0001.png is truncated"):
        Footage(tmp_path)


@pytest.mark.parametrize("data", [b"", b"no video at all", b"\0\0\0 ftypisom" + b"\0" * 500])
def test_a_video_that_cannot_be_decoded_is_named(tmp_path, data):
    path = tmp_path / "clip.mp4"
    path.write_bytes(data)
    with pytest.raises(InputError) as error:
        Footage(path)
    assert str(error.value) == f"{path}: no frame can be decoded; broken, or not a video"


def test_intrinsics_of_another_size_are_refused_before_anything_starts(tmp_path):
    write_folder(tmp_path / "images", [view(0), view(1)])
    write_video(tmp_path / "clip.mp4", [view(0), view(1)])
    for path in (tmp_path / "images", tmp_path / "clip.mp4"):
        with pytest.raises(InputError) as error:
            Footage(path, Intrinsics(60.0, 60.0, 47.5, 31.5, 192, 128))
        assert str(error.value).startswith(f"{path}: the images are 96x64, but the intrinsics hold")


def test_intrinsics_from_numbers():
    assert intrinsics_from_numbers([60, 60, 47.5, 31.5], (64, 96)) == CAMERA
    assert intrinsics_from_numbers([60, 60, 47.5, 31.5, 96, 64], (1, 1)) == CAMERA
    for numbers, size in (
        ([60, 60], (64, 96)),
        ([60] * 4, None),
        ([60, 60, 4, float("nan")], (1, 1)),
    ):
        with pytest.raises(InputError, match="expected fx fy cx cy, or these and width height"):
            intrinsics_from_numbers(numbers, size)


def test_intrinsics_from_exif(tmp_path):
    image = Image.fromarray(np.zeros((240, 320, 3), np.uint8))
    tags = image.getexif()
    tags.get_ifd(0x8769)[0xA405] = 27
    image.save(tmp_path / "photo.jpg", exif=tags)
    camera = intrinsics.read_exif_intrinsics(tmp_path / "photo.jpg")
    assert camera.fx == camera.fy == pytest.approx(27 * 400 / 43.2666)
    assert (camera.cx, camera.cy, camera.width, camera.height) == (159.5, 119.5, 320, 240)
    for millimetres, good in (0, False), (1, True), (5000, True), (5001, False):
        tags.get_ifd(0x8769)[0xA405] = millimetres
        image.save(tmp_path / "other.jpg", exif=tags)
        if good:
            camera = intrinsics.read_exif_intrinsics(tmp_path / "other.jpg")
            assert camera.fx == pytest.approx(millimetres * 400 / 43.2666)
        else:
            with pytest.raises(InputError, match="other.jpg tells no focal length"):
                intrinsics.read_exif_intrinsics(tmp_path / "other.jpg")
    image.save(tmp_path / "plain.jpg")
    with pytest.raises(InputError, match="plain.jpg tells no focal length"):
        intrinsics.read_exif_intrinsics(tmp_path / "plain.jpg")


@pytest.mark.parametrize("offset", [0.5, 2, 5])
def test_motion_is_the_median_flow_as_a_part_of_the_width(offset):
    meter = frame_selection.MotionMeter()
    first, second = (meter.prepared(view(x)) for x in (0, offset))
    assert meter.between(first, second) == pytest.approx(offset / 96, rel=0.15)


def test_a_car_that_moves_is_no_motion_of_the_camera():
    still, moved = view(0), view(0)
    moved[20:40, 30:60] = view(7)[20:40, 30:60]
    meter = frame_selection.MotionMeter()
    assert meter.between(meter.prepared(still), meter.prepared(moved)) < frame_selection.STATIC


def test_frames_without_motion_are_left_out():
    """A drive that stands still twice, with noise, and once creeps."""
    offsets = [0, 1, 2, 2, 2, 2, 3, 4, 4.05, 4.1, 4.15, 4.2, 5, 6]
    noise = np.random.default_rng(0)
    frames = [np.uint8(np.clip(view(x) + noise.normal(0, 2, (64, 96, 3)), 0, 255)) for x in offsets]
    found = frame_selection.select_frames(frames)
    assert found.kept[:5] == [0, 1, 2, 6, 7] and found.kept[-2:] == [12, 13]
    assert len(found.kept) <= 9 and found.static == len(offsets) - len(found.kept)
    assert found.step == 1 and found.motion == pytest.approx(1 / 96, rel=0.2)
    text = f"14 frames, {found.static} without motion left out; frame step 1 (motion "
    assert str(found) == f"{text}{100 * found.motion:.2f} % of the width per frame)"
    assert 0.9 < 100 * found.motion < 1.2


@pytest.mark.parametrize("speed, step", [(0.25, 4), (0.5, 2), (1, 1), (4, 1)])
def test_the_step_follows_the_motion(speed, step):
    found = frame_selection.select_frames(view(speed * index) for index in range(12))
    assert (found.step, found.static) == (step, 0)
    assert found.targets[0] == (0, step, 2 * step)
    assert found.targets[-1] == (11 - 2 * step, 11 - step, 11)
    assert len(found.targets) == 12 - 2 * step


def test_the_step_can_be_given_and_has_a_limit():
    frames = [view(index) for index in range(7)]
    assert frame_selection.select_frames(frames, step=3).targets == [(0, 3, 6)]
    with pytest.raises(InputError, match="6 of 6 frames show motion, .* at a step of 3 need 7"):
        frame_selection.select_frames(frames[:6], step=3)
    assert frame_selection.select_frames(frames[:3]).targets == [(0, 1, 2)]
    slow = [view(0.12 * index) for index in range(40)]
    assert frame_selection.select_frames(slow, wanted=1).step == frame_selection.MOST_FRAMES


def test_too_little_motion_is_named():
    with pytest.raises(InputError, match="clip.mp4: 1 of 5 frames show motion, .* at a step of 1"):
        frame_selection.select_frames([view(0)] * 5, name="clip.mp4")
    with pytest.raises(InputError, match="2 of 2 frames show motion, .* need 3; give a longer"):
        frame_selection.select_frames([view(0), view(3)])
    with pytest.raises(InputError, match="0 of 0 frames"):
        frame_selection.select_frames([])

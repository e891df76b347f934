"""Whose camera: as told, from a file, from a field of view, from EXIF, or a line that asks."""

import numpy as np
import pytest
from PIL import Image

from geonet.src.model_utils.errors import InputError
from geonet.src.model_utils.media import find_inputs
from geonet.src.prediction.cameras import Camera, camera_of, cameras_of
from geonet.src.prediction.inputs import sequences_of
from geonet.src.sfm_utils.intrinsics import Intrinsics, read_intrinsics, write_intrinsics
from tests.geonet.predicted import grey, save

OTHER = Intrinsics(60, 50, 30, 14, 64, 32)


def found(path, **told):
    (sequence,) = sequences_of(find_inputs(str(path)))
    return camera_of(sequence, Camera(**told))


@pytest.fixture
def folder(tmp_path):
    """Two images of 64x32."""
    return save(tmp_path / "drives" / "a", **{"1": grey(1), "2": grey(2)})


def test_the_camera_lies_in_the_folder_or_beside_it(folder):
    write_intrinsics(folder.parent / "intrinsics.json", OTHER)
    assert found(folder) == found(folder, field_of_view=90) == OTHER
    nearer = Intrinsics(61, 50, 30, 14, 64, 32)
    write_intrinsics(folder / "intrinsics.json", nearer)
    assert found(folder) == nearer
    assert found(folder, intrinsics=[70, 71, 32, 16]) == Intrinsics(70, 71, 32, 16, 64, 32)


def test_the_camera_of_a_video_lies_beside_it(footage):
    expected = read_intrinsics(footage / "intrinsics.json")
    for name in ("drive_0.mp4", "drive_0", "drive_0/000003.jpg"):
        assert found(footage / name) == expected


def test_a_field_of_view_and_exif(folder):
    camera = found(folder, field_of_view=90)
    assert (camera.fx, camera.fy) == pytest.approx((32, 32))
    assert (camera.cx, camera.cy, camera.width, camera.height) == (31.5, 15.5, 64, 32)
    image = Image.fromarray(grey(1))
    tags = image.getexif()
    tags[0x8769] = {0xA405: 24}  # millimetres on 36x24
    image.save(folder / "1.png", exif=tags)
    camera = found(folder)
    assert camera.fx == camera.fy == pytest.approx(24 * np.hypot(64, 32) / np.hypot(36, 24))


def test_an_unknown_camera_is_asked_for(folder, footage, tmp_path):
    line = "a: its camera is not known; give --intrinsics fx fy cx cy .pixels., an intrinsics.json"
    with pytest.raises(InputError, match=line):
        found(folder)
    video = tmp_path / "clip.mp4"
    video.write_bytes((footage / "drive_0.mp4").read_bytes())
    with pytest.raises(InputError, match="clip.mp4: its camera is not known"):
        found(video)


def test_a_camera_of_another_size_is_refused(folder):
    with pytest.raises(InputError, match=r"1\.png: .* 64x32, but the intrinsics hold for 96x64"):
        found(folder, intrinsics=[60, 50, 40, 20, 96, 64])


def test_each_sequence_has_its_own(folder):
    beside = save(folder.parent / "b", one=grey(1, 40, 80))
    write_intrinsics(folder / "intrinsics.json", OTHER)
    wide = Intrinsics(70, 70, 40, 20, 80, 40)
    write_intrinsics(beside / "intrinsics.json", wide)
    cameras = cameras_of(find_inputs(str(folder.parent / "*" / "*.png")), Camera())
    assert cameras == {folder: OTHER, beside: wide}


def test_images_of_a_folder_have_one_size_unless_they_are_broken(folder):
    write_intrinsics(folder / "intrinsics.json", OTHER)
    for name in ("0.png", "3.png"):
        (folder / name).write_bytes(b"broken")
    files = find_inputs(str(folder))
    assert cameras_of(files, Camera()) == {folder: OTHER}
    save(folder, **{"4": grey(1, 40, 64)})
    with pytest.raises(InputError, match=r"4\.png: the images are 64x40, but the intrinsics hold"):
        cameras_of(find_inputs(str(folder)), Camera())

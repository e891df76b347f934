"""Images to maps: what the network sees, sizes, batches; which inputs, and whose camera."""

import cv2
import numpy as np
import pytest
from PIL import Image

from monodepth2.src.datasets import Camera
from monodepth2.src.model_utils.errors import InputError
from monodepth2.src.model_utils.media import find_inputs
from monodepth2.src.prediction import (
    Enlarged,
    FrameSource,
    Network,
    camera_of,
    inputs_of,
    predict_into,
)
from monodepth2.src.prediction.predictors import Depths, enlarged
from monodepth2.src.sfm_utils.intrinsics import Intrinsics, write_intrinsics
from monodepth2.src.sfm_utils.trajectories import read_tum
from tests.monodepth2.predicted import SIZE, ahead, disparities, grey, photo, save


def lanczos(image):
    """As the original prepares an image, (3, h, w) 0..1."""
    small = Image.fromarray(image).resize(SIZE[::-1], Image.Resampling.LANCZOS)
    return np.float32(np.asarray(small).transpose(2, 0, 1)) / np.float32(255)


def test_a_network_sees_images_as_in_training():
    (disparity,) = disparities().batch([photo(0)])
    assert disparity.shape == (1, *SIZE) and disparity.dtype == np.float32
    np.testing.assert_array_equal(disparity, 1 + lanczos(photo(0))[:1])


@pytest.mark.parametrize("batch_size", [1, 2, 4])
def test_a_short_batch_is_filled_and_cut(batch_size):
    """Every call has the same shape, and what fills it up is not given back."""
    shapes = []

    def cell(images):
        shapes.append(images.shape)
        return images[:, :1]

    images = [photo(seed, 40 + seed, 80) for seed in range(3)]
    maps = Network(cell, *SIZE, batch_size).batch(images)
    assert set(shapes) == {(batch_size, 3, *SIZE)} and len(maps) == 3
    for image, found in zip(images, maps):
        np.testing.assert_array_equal(found, lanczos(image)[:1])


def test_a_network_of_two_images_takes_tuples():
    def second(image, after):
        return after[:, :1] - image[:, :1]

    pairs = [(photo(0), photo(1)), (photo(1), photo(2))]
    for (image, after), found in zip(pairs, Network(second, *SIZE, 2).batch(pairs)):
        np.testing.assert_allclose(found, (lanczos(after) - lanczos(image))[:1], atol=1e-7)


def test_a_map_is_enlarged_with_half_pixel_centres():
    """Two columns become four: 0, 1/4, 3/4, 1 of the way, as torch's align_corners=False."""
    found = enlarged(np.float32([[[0, 4], [0, 4]]]), 3, 4)
    np.testing.assert_allclose(found, np.tile([0, 1, 3, 4], (3, 1)), atol=1e-6)


def test_maps_have_their_images_sizes():
    images = [photo(0), photo(1, 60, 50)]
    maps = Enlarged(disparities(2)).batch(images)
    assert [one.shape for one in maps] == [(48, 80), (60, 50)]
    small = disparities().batch(images)[1]
    np.testing.assert_array_equal(maps[1], cv2.resize(small[0], (50, 60)))
    metres = Depths(Enlarged(disparities()), 5.4).batch(images)[1]
    np.testing.assert_allclose(metres, 5.4 / maps[1], rtol=1e-6)


def test_ext_chooses_the_files_of_a_folder(tmp_path):
    folder = save(tmp_path / "a [b]", one=grey(1), two=grey(2))
    Image.fromarray(grey(3)).save(folder / "three.jpg")
    assert len(find_inputs(inputs_of(str(folder)))) == 3
    for ext in ("png", ".png"):
        names = [path.name for path in find_inputs(inputs_of(str(folder), ext))]
        assert names == ["one.png", "two.png"]
    single = inputs_of(str(folder / "three.jpg"), "png")
    assert find_inputs(single) == [folder / "three.jpg"]
    with pytest.raises(InputError, match=r"holds no image \*\.bmp; give another --ext"):
        inputs_of(str(folder), "bmp")
    with pytest.raises(InputError, match="nowhere does not exist"):
        inputs_of("nowhere", "jpg")


def test_the_source_is_the_first_folder_in_its_order_or_a_video(tmp_path, footage):
    folder = save(tmp_path / "a", **{str(number): grey(number) for number in (9, 10, 8)})
    source = FrameSource.of(str(folder))
    assert [file.name for file in source.files] == ["8.png", "9.png", "10.png"]
    assert [image[0, 0, 0] for image in source.frames(2)] == [8, 10]
    assert source.path == folder and source.size == (32, 64)
    video = FrameSource.of(str(footage / "drive_0.mp4"))
    assert video.files is None and video.size == (64, 96)
    assert len(list(video.frames())) == 14 and len(list(video.frames(5))) == 3


def test_the_camera_is_told_or_lies_beside_the_images(tmp_path, footage):
    told = camera_of(FrameSource.of(str(footage / "drive_0")), Camera([60, 50, 40, 20]))
    assert told == Intrinsics(60, 50, 40, 20, 96, 64)
    for name in ("drive_0", "drive_0.mp4", "drive_0/000003.jpg"):
        found = camera_of(FrameSource.of(str(footage / name)), Camera())
        assert found.width == 96 and found != told
    folder = save(tmp_path / "a", one=grey(1))
    with pytest.raises(InputError, match="a: its camera is not known; give --intrinsics"):
        camera_of(FrameSource.of(str(folder)), Camera())
    write_intrinsics(folder / "intrinsics.json", told)
    with pytest.raises(InputError, match="64x32, but the intrinsics hold for 96x64"):
        camera_of(FrameSource.of(str(folder)), Camera())


def into(folder, scale, formats, metric=False, camera=None, poses=None):
    """The files of predict_into."""
    out = folder.parent / "out"
    options = {"camera": camera, "output_path": out}
    predict_into(disparities(), poses, scale, str(folder), formats, metric, **options)
    return out


def test_a_folder_of_its_own_gets_the_house_s_files(tmp_path):
    folder = save(tmp_path / "in", a=photo(0), b=photo(1, 40, 50))
    camera = Intrinsics(60, 60, 40, 24, 80, 48)
    out = into(folder, 5.4, ["npy", "pfm", "png", "color"])
    assert len(list(out.iterdir())) == 8
    disparity = np.load(out / "a.npy")
    np.testing.assert_array_equal(disparity, Enlarged(disparities()).batch([photo(0)])[0])
    millimetres = cv2.imread(str(out / "a.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_allclose(millimetres, 5400 / disparity, atol=1)
    folder = save(tmp_path / "one" / "in", a=photo(0))
    out = into(folder, None, ["ply", "png"], camera=camera)
    header = (out / "a.ply").read_bytes()[:200]
    assert b"element vertex 3840" in header
    assert cv2.imread(str(out / "a.png"), cv2.IMREAD_UNCHANGED).max() >= 65534  # relative


def test_metres_are_written_once_and_not_scaled_again(tmp_path):
    folder = save(tmp_path / "in", a=photo(0))
    out = into(folder, 2.0, ["npy", "png"], metric=True)
    disparity = Enlarged(disparities()).batch([photo(0)])[0]
    np.testing.assert_allclose(np.load(out / "a.npy"), 2 / disparity, rtol=1e-6)
    millimetres = cv2.imread(str(out / "a.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_allclose(millimetres, 2000 / disparity, atol=1)


@pytest.mark.parametrize("scale", [None, 3.0])
def test_the_camera_s_path_in_metres_where_the_scale_is_known(tmp_path, scale):
    """Steps of 2 and 4 units ahead, as ten times the next image's red value."""
    folder = save(tmp_path / "in", **{"1": grey(0), "2": grey(51), "3": grey(102)})
    out = into(folder, scale, ["tum"], poses=Network(ahead, *SIZE))
    places = read_tum(out / "trajectory.txt").world_from_camera[:, :3, 3]
    expected = np.float64([[0, 0, 0], [0, 0, 2], [0, 0, 6]]) * (scale or 1)
    np.testing.assert_allclose(places, expected, atol=1e-5)
    assert [path.name for path in out.iterdir()] == ["trajectory.txt"]

"""Cityscapes: samples of every second frame, and their camera."""

import json
import shutil

import numpy as np
import pytest

from geonet.src.model_utils.errors import InputError
from geonet.src.preparation import cityscapes
from tests.synthetic.writers_footage import city_camera

CAMERA = {"intrinsic": {"fx": 60.5, "fy": 61.0, "u0": 27.25, "v0": 19.5}}


def make_city(root, numbers, cameras):
    """A city of empty images, and camera files of {frame: fx}."""
    images, folder = (root / name / "train" / "jena" for name in ("leftImg8bit_sequence", "camera"))
    images.mkdir(parents=True)
    folder.mkdir(parents=True)
    for number in numbers:
        (images / f"jena_000004_{number:06d}_leftImg8bit.png").touch()
    for number, fx in cameras.items():
        text = json.dumps({"intrinsic": {**CAMERA["intrinsic"], "fx": fx}})
        (folder / f"jena_000004_{number:06d}_camera.json").write_text(text)


def test_every_second_frame_of_the_split_train(city, capsys):
    strips = cityscapes.city_strips(city, 3)
    assert capsys.readouterr().out == "Total frames collected: 14\n"
    names = [(strip.folder, strip.name) for strip in strips]
    assert names == [(c, f"{c}_000000_{n:06d}") for c in ("aachen", "bochum") for n in (2, 3, 4)]
    images = city / "leftImg8bit_sequence" / "train" / "aachen"
    expected = [images / f"aachen_000000_{n:06d}_leftImg8bit.png" for n in (1, 3, 5)]
    assert strips[1].images == tuple(expected)
    np.testing.assert_allclose(strips[0].projection, city_camera(64))
    assert strips[0].size is None


def test_the_camera_of_the_nearest_frame(tmp_path):
    make_city(tmp_path, [100, 102, 104, 300, 302, 304], {119: 50, 319: 70})
    strips = cityscapes.city_strips(tmp_path, 3)
    assert [strip.projection[0, 0] for strip in strips] == [50, 70]
    # the frames 104 and 300 are not two apart
    assert [strip.name for strip in strips] == ["jena_000004_000102", "jena_000004_000302"]


def test_cities_without_images_or_cameras(city, tmp_path):
    with pytest.raises(InputError, match="holds no images of a city; check --dataset_dir"):
        cityscapes.city_strips(tmp_path, 3)
    make_city(tmp_path, range(5), {})
    with pytest.raises(InputError, match=r"camera/train/jena/jena_000004_\*_camera.json is miss"):
        cityscapes.city_strips(tmp_path, 3)


def test_stray_files_are_no_cities(city, tmp_path):
    shutil.copytree(city, tmp_path, dirs_exist_ok=True)
    (tmp_path / "leftImg8bit_sequence" / "train" / "index.html").write_text("x")
    assert len(cityscapes.city_strips(tmp_path, 3)) == 6


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("{", "is damaged: not JSON"),
        ("[" * 100_000, "is damaged: not JSON"),
        ("[]", "has no intrinsic with fx, fy, u0, v0"),
        ('{"intrinsic": {"fx": 1}}', "has no intrinsic with fx, fy, u0, v0"),
        (json.dumps(CAMERA).replace("60.5", "true"), "fx True; expected pixels, above 0"),
        (json.dumps(CAMERA).replace("61.0", "-61"), "fy -61; expected pixels, above 0"),
        (json.dumps(CAMERA).replace("27.25", "NaN"), "u0 nan; expected pixels, above 0"),
    ],
)
def test_a_damaged_camera_is_named(tmp_path, text, error):
    path = tmp_path / "camera.json"
    path.write_text(text)
    with pytest.raises(InputError) as found:
        cityscapes.read_city_camera(path)
    assert str(found.value).startswith(str(path))
    assert error in str(found.value)

"""Sizes, resizing, normalisation, training pairs and depth files equal the original's goldens."""

import json

import cv2
import numpy as np
import pytest

from midas.src.datasets.readers import read_dpt, read_kitti_depth, read_tum_depth
from midas.src.datasets.training import MixedPairs, read_target, training_pairs
from midas.src.model_utils.images import read_png, read_rgb, to_png16, write_pfm
from midas.src.transforms import network_size, prepare_image, resize_nearest
from tests.golden_files import golden_dir

GOLDEN = golden_dir("midas")
# The image's tolerance of the goldens' README; JPEG decoders differ.
ATOL_IMAGE, ATOL_JPEG = 2e-5, 0.05
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def load(name):
    with np.load(GOLDEN / name) as file:
        return {key: file[key] for key in file.files}


def test_every_row_of_the_resize_table():
    golden = load("resize_table.npz")
    columns, compared = list(golden["columns"]), 0
    for values in golden["table"]:
        row = dict(zip(columns, values.tolist()))
        got = network_size(
            (row["width"], row["height"]),
            (row["target_width"], row["target_height"]),
            method=str(golden["methods"][row["method"]]),
            keep_aspect_ratio=bool(row["keep_aspect_ratio"]),
            multiple_of=row["multiple_of"],
        )
        assert got == (row["new_width"], row["new_height"]), row
        compared += 1
    assert compared == len(golden["table"]) > 0


def cases():
    """case name -> (aim, method, keep aspect, multiple); README of the goldens."""
    return {
        "train384": ((384, 384), "upper_bound", False, 32),
        "eval_upper": ((384, 384), "upper_bound", True, 32),
        "eval_lower": ((384, 384), "lower_bound", True, 32),
        "down_minimal": ((32, 32), "minimal", True, 1),
        "up_small": ((96, 64), "upper_bound", True, 32),
    }


@pytest.mark.parametrize("case", cases())
def test_preprocessing(case):
    golden = load("preprocess.npz")
    image, depth, mask = (golden[key] for key in ("image_u8_rgb", "depth", "mask"))
    aim, *rule = cases()[case]
    rule = dict(zip(("method", "keep_aspect_ratio", "multiple_of"), rule))
    size = network_size((image.shape[1], image.shape[0]), aim, **rule)
    got = {
        "image": prepare_image(image, size, MEAN, STD),
        "depth": resize_nearest(depth, size),
        "mask": resize_nearest(mask.astype(bool), size),
    }
    compared = 0
    for key, expected in golden.items():
        if not key.startswith(f"{case}/"):
            continue
        kind, _, step = key.split("/")[1].partition("_sub")
        if kind == "shape":
            assert got["image"].shape == tuple(expected)
        else:
            step = int(step or 1)
            values = got[kind][..., ::step, ::step]
            atol = ATOL_IMAGE if kind == "image" else 0
            np.testing.assert_allclose(values, expected, rtol=0, atol=atol, err_msg=key)
        compared += 1
    assert compared >= 2


def test_the_image_on_disk_is_read_as_rgb():
    golden = load("preprocess.npz")
    np.testing.assert_array_equal(
        read_rgb(GOLDEN / "files" / "preprocess.png"), golden["image_u8_rgb"]
    )


def training_samples(root, *, mask_invalid, **lists):
    """Samples of 384 x 384, which the goldens' size rule gives for every image."""
    image = {"size": (384, 384), "mean": MEAN, "std": STD}
    target = {"mask_invalid": mask_invalid, "flip_probability": 0.0}
    return MixedPairs(training_pairs(root, mixdata="mixdata.json", **lists), **image, **target)


def test_training_samples(tmp_path):
    golden = load("redweb_train.npz")
    (tmp_path / "ReDWeb_V1").symlink_to(GOLDEN / "files" / "ReDWeb_V1")
    mix = {"img": {"RW": "/ReDWeb_V1/Imgs/*"}, "depth": {"RW": "/ReDWeb_V1/RDs/*"}}
    (tmp_path / "mixdata.json").write_text(json.dumps(mix))
    data, compared = training_samples(tmp_path, mask_invalid=False), 0
    assert len(data) == len({key.split("/")[0] for key in golden})
    for key, expected in golden.items():
        index, name = key.split("/")
        sample = data.load(int(index), np.random.default_rng(0))
        kind, _, step = name.partition("_sub")
        if kind == "mask_mean":
            assert sample["mask"].mean() == expected
        else:
            values = {"image": sample["img"], "depth": sample["depth"]}[kind]
            values = values[..., :: int(step), :: int(step)]
            atol = ATOL_JPEG if kind == "image" else 0
            np.testing.assert_allclose(values, expected, rtol=0, atol=atol, err_msg=key)
        compared += 1
    assert compared == len(golden) >= 3 * len(data)


def test_our_default_masks_what_has_no_depth(tmp_path):
    """The one difference to the golden's mask of ones, where the target is 0."""
    listed = "ReDWeb_V1/Imgs/im0.jpg ReDWeb_V1/RDs/im0.png\n"
    (tmp_path / "ReDWeb_V1").symlink_to(GOLDEN / "files" / "ReDWeb_V1")
    (tmp_path / "pairs.txt").write_text(listed)
    data = training_samples(tmp_path, mask_invalid=True, train_list="pairs.txt")
    sample = data.load(0, np.random.default_rng(0))
    assert (sample["depth"] == 0).any()
    np.testing.assert_array_equal(sample["mask"], sample["depth"] > 0)


def test_depth_files():
    golden, files = load("files.npz"), GOLDEN / "files"
    np.testing.assert_array_equal(
        read_kitti_depth(files / "kitti_depth.png"), golden["kitti_depth"]
    )
    np.testing.assert_array_equal(read_png(files / "kitti_depth.png", 16), golden["kitti_raw_u16"])
    np.testing.assert_array_equal(read_dpt(files / "sintel.dpt"), golden["sintel_depth"])
    tum = files / "tum_depth.png"
    np.testing.assert_array_equal(read_tum_depth(tum), golden["tum_depth_correct"])
    eight = read_tum_depth(tum, as_8_bit=True)
    np.testing.assert_array_equal(eight, golden["tum_depth_upstream_8bit_bug"])


def test_16_bit_targets_share_the_range_of_8_bit_ones(tmp_path):
    values = np.array([[0, 257, 65535]], np.uint16)
    cv2.imwrite(str(tmp_path / "a.png"), values)
    np.testing.assert_array_equal(read_target(tmp_path / "a.png"), [[0, 1, 255]])


def test_written_depth(tmp_path):
    """The PNG truncates in float32, so one step is allowed; the PFM is equal byte for byte."""
    golden = load("files.npz")
    got = to_png16(golden["write_in"], "inverse_depth")
    assert got.dtype == np.uint16
    assert np.abs(got.astype(int) - golden["png16"].astype(int)).max() <= 1
    write_pfm(tmp_path / "a.pfm", golden["write_in"])
    expected = (GOLDEN / "files" / "write_depth_16bit.pfm").read_bytes()
    assert (tmp_path / "a.pfm").read_bytes() == expected

"""Images, samples and test lists against those of the PyTorch original."""

import hashlib
import json

import numpy as np
import pytest
from PIL import Image

from monodepth2.src.datasets.kitti import KittiFrames
from monodepth2.src.datasets.samples import VideoSamples
from monodepth2.src.sfm_utils.eigen import eigen_test_frames
from monodepth2.src.sfm_utils.kitti import KittiRaw
from monodepth2.src.sfm_utils.lists import Frame
from monodepth2.src.transforms import (
    Jitter,
    adjust_brightness,
    adjust_contrast,
    adjust_hue,
    adjust_saturation,
)
from tests.golden_files import golden_dir

GOLDEN = golden_dir("monodepth2")
DRIVE = "2011_09_26/2011_09_26_drive_0001_sync"
LETTERS = {"b": "brightness", "c": "contrast", "s": "saturation", "h": "hue"}
FACTORS = {"brightness": 1.15, "contrast": 0.85, "saturation": 1.1, "hue": -0.07}


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN / "dataset.npz") as found:
        return dict(found)


ADJUST = {
    "brightness": adjust_brightness,
    "contrast": adjust_contrast,
    "saturation": adjust_saturation,
    "hue": adjust_hue,
}


def test_colour_changes():
    with np.load(GOLDEN / "color_jitter.npz") as golden:
        image = Image.fromarray(golden["in"])
        for change, factor in (name.split("_") for name in golden.files if name != "in"):
            found = np.asarray(ADJUST[change](image, float(factor)))
            np.testing.assert_array_equal(found, golden[f"{change}_{factor}"])


def sample_of(golden, name):
    """The sample that a golden's name describes, such as train_l_flip_aug_hscb."""
    part, side, *changes = name.split("_")
    height, width = golden["val_l_color_0_0"].shape[1:]
    jitter = Jitter(**FACTORS, order=[LETTERS[x] for x in changes[2]]) if changes[2:] else None
    # png images of kitti_mini: image_02 0 to 2, image_03 1 alone
    frames = KittiFrames(KittiRaw(GOLDEN / "kitti_mini", ".png"), [Frame(DRIVE, 1, side)])
    sources = [-1, 1, "s"] if side == "l" else ["s"]
    samples = VideoSamples(
        frames,
        height=height,
        width=width,
        sources=sources,
        seen=[0, *sources],
        v1_multiscale=True,
        with_depth=True,
        is_train=part == "train",
    )
    return samples.make(0, jitter, "flip" in changes)


NAMES = ["val_l", "val_r", "train_l_flip_noaug", "train_r_flip_noaug"]
NAMES += ["train_l_noflip_aug_bcsh", "train_l_flip_aug_hscb"]


@pytest.mark.parametrize("name", NAMES)
def test_samples(golden, name):
    sample = sample_of(golden, name)
    keys = [key.removeprefix(f"{name}_") for key in golden if key.startswith(name)]
    arrays = {key: golden[f"{name}_{key}"] for key in keys}
    images = {key: value for key, value in arrays.items() if key.startswith("color")}
    assert images
    for key, expected in images.items():
        is_seen, scale = key.startswith("color_aug"), int(key[-1])
        if is_seen and scale:
            continue  # no network sees it
        found = sample[key[:-2] if is_seen else key]
        np.testing.assert_array_equal(found, expected, err_msg=key)
    if not any(key.startswith("color_aug") for key in images):
        np.testing.assert_array_equal(sample["color_aug_0"], sample["color_0_0"])
    np.testing.assert_array_equal(sample["stereo_T"], arrays["stereo_T"])
    if "depth_gt_index" in arrays:
        check_depth(sample["depth_gt"], arrays)


def check_depth(found, arrays):
    shape, index, value = (arrays[f"depth_gt_{part}"] for part in ("shape", "index", "value"))
    assert found.shape == tuple(shape)
    np.testing.assert_array_equal(np.flatnonzero(found), index)
    np.testing.assert_allclose(found.ravel()[index], value, rtol=1e-6)


@pytest.mark.parametrize("scale", range(4))
def test_the_camera_at_every_scale(golden, scale):
    frames = KittiFrames(KittiRaw(GOLDEN), [Frame(DRIVE, 1, "l")])
    height, width = golden[f"val_l_color_0_{scale}"].shape[1:]
    K = frames.matrix(0, height, width, is_mirrored=True)
    np.testing.assert_array_equal(K, golden[f"K_{scale}"][:3, :3])
    np.testing.assert_allclose(
        np.linalg.inv(K), golden[f"inv_K_{scale}"][:3, :3], rtol=1e-6, atol=1e-7
    )


@pytest.fixture(scope="module")
def facts():
    return json.loads((GOLDEN / "splits_facts.json").read_text())


@pytest.mark.parametrize(("split", "form"), [("eigen", "010d"), ("eigen_benchmark", "d")])
def test_the_lists_of_eigen_by_rule(facts, split, form):
    frames, expected = eigen_test_frames(split), facts["files"][f"{split}/test_files.txt"]
    assert "joined by LF, without final LF" in facts["_note"]
    lines = sorted(f"{frame.folder} {frame.index:{form}} {frame.side}" for frame in frames)
    assert len(lines) == expected["lines"]
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    assert digest == expected["sha256_sorted_lines"]
    counts = dict.fromkeys(expected["per_drive_counts"], 0)
    for frame in frames:
        counts[frame.folder] += 1
    assert counts == expected["per_drive_counts"]


def test_each_drive_of_eigen(facts):
    table = facts["eigen_test_table"]
    assert len(table) == facts["eigen_test_regeneration"]["eigen_drives"]
    for row in table:
        step, pieces = row["sorted_step"], row["sorted_pieces_[start,count]"]
        expected = [first + step * n for first, count in pieces for n in range(count)]
        assert expected == [f.index for f in eigen_test_frames() if f.folder == row["drive"]]
    dropped = facts["eigen_benchmark_relation"]["dropped_eigen_indices"]
    assert len(dropped) == len(eigen_test_frames()) - len(eigen_test_frames("eigen_benchmark"))


def test_none_of_the_originals_training_drives_is_tested(facts):
    drives = {frame.folder for frame in eigen_test_frames()}
    for split in ("eigen_zhou", "eigen_full"):
        trained = facts["files"][f"{split}/train_files.txt"]["per_drive_counts"]
        assert len(drives & set(trained)) == facts["relations"]["test_drives_in_train"] == 0

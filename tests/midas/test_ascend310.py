"""The 310 path: .bin files of the evaluation images, and the scores of result files."""

import re
import shutil

import cv2
import numpy as np
import pytest

from midas.src.ascend310 import open_dataset, score_results, write_inputs
from midas.src.datasets.zero_shot import PROTOCOLS
from midas.src.model_utils.config import read_options
from midas.src.model_utils.errors import InputError
from midas.src.transforms import prepare_image
from tests.conftest import REPOSITORY

STANDARD, MODELZOO = PROTOCOLS["standard"], PROTOCOLS["modelzoo"]
MEAN, STD = [0.5, 0.4, 0.3], [0.25, 0.2, 0.1]
SIZE = (8, 4)  # width, height
DRIVE = "2011_09_26_drive_0002_sync"


@pytest.fixture
def kitti(tmp_path):
    """Two images of 8 x 4 whose depths are 2 m at the left and 4 m at the right."""
    root = tmp_path / "data" / "Kitti_raw_data" / DRIVE
    rng = np.random.default_rng(0)
    for name in ("0000000006", "0000000009"):
        for part in ("image", "depth"):
            (root / part).mkdir(parents=True, exist_ok=True)
        image = rng.integers(0, 256, (4, 8, 3), dtype=np.uint8)
        cv2.imwrite(str(root / "image" / f"{name}.png"), image)
        depth = np.full((4, 8), 4 * 256, np.uint16)
        depth[:, :4] = 2 * 256
        cv2.imwrite(str(root / "depth" / f"{name}.png"), depth)
    return open_dataset("Kitti", tmp_path / "data", STANDARD)


def write(folder, *values):
    """Result files <frame>_0.bin of 8 x 4 for the two images."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in zip(("0000000006", "0000000009"), values):
        np.broadcast_to(np.float32(value), (4, 8)).tofile(folder / f"{name}_0.bin")


def test_a_folder_has_two_names_for_sintel(midas_data, tmp_path):
    found = open_dataset("Sintel", midas_data / "data", STANDARD)
    assert len(found) == 4 and found.root.name == "sintel-data"
    shutil.copytree(found.root, tmp_path / "Sintel")
    shutil.copytree(found.root, tmp_path / "sintel" / "sintel-data")
    assert open_dataset("Sintel", tmp_path, STANDARD).root == tmp_path / "Sintel"
    with pytest.raises(InputError, match="TUM: .*TUM is not there; check --dataset_path"):
        open_dataset("TUM", tmp_path, STANDARD)


def test_the_choices_of_config_yaml_can_be_opened(midas_data):
    names = read_options(REPOSITORY / "midas" / "config.yaml").allowed["dataset_name"]
    assert [open_dataset(n, midas_data / "data", STANDARD).title for n in names] == names


def test_inputs_are_prepared_as_in_training(kitti, tmp_path, capsys):
    write_inputs(kitti, tmp_path / "bins", size=(6, 3), mean=MEAN, std=STD)
    files = sorted((tmp_path / "bins").rglob("*.bin"))
    assert [str(path.relative_to(tmp_path / "bins")) for path in files] == [
        f"{DRIVE}/0000000006.bin",
        f"{DRIVE}/0000000009.bin",
    ]
    for index, path in enumerate(files):
        expected = prepare_image(kitti.load(index).image, (6, 3), MEAN, STD)
        np.testing.assert_array_equal(np.fromfile(path, np.float32), expected.ravel())
    assert f"wrote 2 images to {tmp_path / 'bins'}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "stem"),
    [("Kitti", r"\S+_sync/\d+"), ("Sintel", r"[^/]+/frame_\d+"), ("TUM", r"TUM/\d+\.\d+")],
)
def test_names_are_those_that_the_program_writes(midas_data, tmp_path, name, stem):
    dataset = open_dataset(name, midas_data / "data", STANDARD)
    write_inputs(dataset, tmp_path, size=SIZE, mean=MEAN, std=STD)
    files = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.bin")]
    assert len(files) == len(dataset)
    assert all(re.fullmatch(rf"{stem}\.bin", file) for file in files), files


# 7 and 5 fit the disparities 1/2 and 1/4 exactly. Alternating columns fit nothing: aligned they
# are 3/8 everywhere, 2.67 m, beyond 1.25 of both depths.
RIGHT, WRONG = np.repeat([7.0, 5.0], 4), np.tile([0.0, 1.0], 4)


@pytest.mark.parametrize("places", [("Kitti", DRIVE), (DRIVE,)])
def test_scores_by_hand(kitti, tmp_path, places):
    write(tmp_path.joinpath("results", *places), RIGHT, RIGHT)
    assert score_results(kitti, tmp_path / "results", SIZE) == (0.0, [])
    write(tmp_path.joinpath("results", *places), RIGHT, WRONG)
    value, _ = score_results(kitti, tmp_path / "results", SIZE)
    assert value == pytest.approx(50)


def test_the_folder_of_the_dataset_comes_first(kitti, tmp_path):
    write(tmp_path / DRIVE, WRONG, WRONG)
    write(tmp_path / "Kitti" / DRIVE, RIGHT, RIGHT)
    assert score_results(kitti, tmp_path, SIZE)[0] == 0


@pytest.mark.parametrize("places", [("TUM", "TUM"), ("TUM",), ()])
def test_tum_s_results_may_lie_flat(midas_data, tmp_path, places):
    dataset = open_dataset("TUM", midas_data / "data", STANDARD)
    folder = tmp_path.joinpath(*places)
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(len(dataset)):
        sample = dataset.load(index)
        truth = np.where(sample.mask, 1 / np.where(sample.mask, sample.depth, 1), 0)
        name = dataset.items[index][0].stem
        truth.astype(np.float32).tofile(folder / f"{name}_0.bin")
    value, _ = score_results(dataset, tmp_path, sample.depth.shape[::-1])
    assert value == pytest.approx(0, abs=1e-6)


def test_results_are_resized_with_half_pixel_centres(kitti, tmp_path):
    """Two columns become eight: 0, 0, 1/8, 3/8, 5/8, 7/8, 1, 1 of the way, aligned and scored."""
    small = np.float32([[1, 0], [1, 0]])
    for name in ("0000000006", "0000000009"):
        path = tmp_path / DRIVE / f"{name}_0.bin"
        path.parent.mkdir(exist_ok=True)
        small.tofile(path)
    row = 1 - np.array([0, 0, 1, 3, 5, 7, 8, 8]) / 8
    truth = np.repeat([0.5, 0.25], 4)
    scale, shift = np.polyfit(row, truth, 1)
    ratio = (scale * row + shift) / truth
    expected = 100 * np.mean(np.maximum(ratio, 1 / ratio) > 1.25)
    assert 0 < expected < 100
    assert score_results(kitti, tmp_path, (2, 2))[0] == pytest.approx(expected)


def test_images_without_a_valid_pixel_are_named(kitti, tmp_path):
    write(tmp_path / DRIVE, RIGHT, RIGHT)
    empty = kitti.items[1][1]
    cv2.imwrite(str(empty), np.zeros((4, 8), np.uint16))
    value, left_out = score_results(kitti, tmp_path, SIZE)
    assert (value, left_out) == (0.0, [f"{DRIVE}/image/0000000009.png"])
    kitti.protocol = MODELZOO
    assert np.isnan(score_results(kitti, tmp_path, SIZE)[0])


def test_bad_results_are_named(kitti, tmp_path):
    with pytest.raises(InputError, match="Kitti/.*0000000006_0.bin does not exist; run the 310"):
        score_results(kitti, tmp_path, SIZE)
    write(tmp_path / DRIVE, RIGHT, RIGHT)
    with pytest.raises(
        InputError, match="0000000006_0.bin has 128 bytes, expected 144 .9x4 float32"
    ):
        score_results(kitti, tmp_path, (4, 9))

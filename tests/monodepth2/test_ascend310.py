"""The 310 path: .bin files of Eigen's test set, and the scores of result files."""

import json

import numpy as np
import pytest
from PIL import Image

from monodepth2.src.ascend310 import (
    GraphFacts,
    graph_facts,
    open_test_set,
    score_results,
    write_inputs,
)
from monodepth2.src.datasets.gt_depths import write_gt_depths
from monodepth2.src.exporting import sidecar
from monodepth2.src.model_utils.errors import InputError
from monodepth2.src.transforms import network_input

DRIVE = "2011_09_29/2011_09_29_drive_0003_sync"
TRUTH = [np.full((375, 1242), depth, np.float32) for depth in (8.0, 12.0)]


@pytest.fixture
def splits(tmp_path):
    """Lists of two frames, and their ground truth: 8 m and 12 m everywhere."""
    for split in ("eigen", "eigen_benchmark"):
        folder = tmp_path / "splits" / split
        folder.mkdir(parents=True)
        (folder / "test_files.txt").write_text(f"{DRIVE} 5 l\n{DRIVE} 2 l\n")
        write_gt_depths(folder / "gt_depths.npz", TRUTH)
    return tmp_path / "splits"


def opened(splits, split="eigen", data_path="KITTI", needs_truth=True):
    return open_test_set(split, splits, data_path, needs_truth)


def test_inputs_are_prepared_as_in_training(kitti, splits, tmp_path, capsys):
    (splits / "eigen" / "gt_depths.npz").unlink()
    write_inputs(opened(splits, "eigen", kitti, False), tmp_path / "bins", 32, 96)
    files = sorted(path for path in (tmp_path / "bins").rglob("*.bin"))
    names = [path.relative_to(tmp_path / "bins").as_posix() for path in files]
    assert names == [f"{DRIVE}/0000000002.bin", f"{DRIVE}/0000000005.bin"]
    for path in files:
        image = kitti / DRIVE / "image_02" / "data" / f"{path.stem}.jpg"
        planes = network_input(np.asarray(Image.open(image)), 32, 96)
        found = np.fromfile(path, np.float32).reshape(3, 32, 96)
        np.testing.assert_array_equal(found, np.float32(planes) / 255)
    assert f"wrote 2 images to {tmp_path / 'bins'}" in capsys.readouterr().out


def test_a_missing_image_is_named_before_anything_is_written(kitti, splits, tmp_path):
    (splits / "eigen" / "test_files.txt").write_text(f"{DRIVE} 5 l\n{DRIVE} 99 l\n")
    with pytest.raises(InputError, match=r"0000000099\.jpg .*; unpack KITTI's 2011_09_"):
        write_inputs(opened(splits, "eigen", kitti), tmp_path / "bins", 32, 96)
    assert not (tmp_path / "bins").exists()


def write(folder, *depths):
    """Results of 4 x 8: the disparities of these depths, for frames 5 and 2."""
    for number, depth in zip((5, 2), depths):
        path = folder / DRIVE / f"{number:010d}_0.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.full((4, 8), 1 / np.float32(depth), np.float32).tofile(path)


def score(splits, folder, facts, split="eigen"):
    """The means that are written."""
    score_results(opened(splits, split), folder, facts, folder / "val.json")
    assert len((folder / "val.csv").read_text().splitlines()) == 3
    return json.loads((folder / "val.json").read_text())


def test_metric_depths_are_scored_as_they_are(splits, tmp_path, capsys):
    """8.8 m for 8 m and 12 m for 12 m, in units of 5.4 m: abs_rel 0.1 and 0, sq_rel 0.08 and 0."""
    write(tmp_path, 8.8 / 5.4, 12 / 5.4)
    metrics = score(splits, tmp_path, GraphFacts(4, 8, 5.4))
    assert metrics["abs_rel"] == pytest.approx(0.05, abs=1e-6)
    assert metrics["sq_rel"] == pytest.approx(0.04, abs=1e-6)
    out = capsys.readouterr().out
    assert "Stereo evaluation - disabling median scaling, scaling by 5.4" in out
    assert "&   0.050  &   0.040  " in out
    write(tmp_path, 8.8 / 2, 12 / 2)  # of other cameras
    assert score(splits, tmp_path, GraphFacts(4, 8, 2)) == pytest.approx(metrics, abs=1e-6)


def test_other_depths_are_scaled_by_their_medians(splits, tmp_path, capsys):
    write(tmp_path, 2, 6)
    metrics = score(splits, tmp_path, GraphFacts(4, 8, None), "eigen_benchmark")
    assert metrics["abs_rel"] == pytest.approx(0, abs=1e-6) and metrics["a1"] == 1
    assert " Scaling ratios | med: 3.000 | std: 0.333\n" in capsys.readouterr().out


def test_the_benchmark_counts_what_eigen_crops_away(splits, tmp_path):
    truth = [depth.copy() for depth in TRUTH]
    for depth in truth:
        depth[:100] = 4
    write(tmp_path, 8, 12)
    for split in ("eigen", "eigen_benchmark"):
        write_gt_depths(splits / split / "gt_depths.npz", truth)
    facts = GraphFacts(4, 8, 1.0)
    assert score(splits, tmp_path, facts)["abs_rel"] == pytest.approx(0, abs=1e-6)
    benchmark = score(splits, tmp_path, facts, "eigen_benchmark")["abs_rel"]
    assert benchmark == pytest.approx(100 / 375 * 1.5, rel=1e-3)


def test_what_does_not_fit_is_told(splits, tmp_path):
    facts = GraphFacts(4, 8, None)
    with pytest.raises(InputError, match="0000000005_0.bin does not exist; run the 310 program"):
        score(splits, tmp_path, facts)
    write(tmp_path, 2, 6)
    with pytest.raises(InputError, match="has 128 bytes, expected 256"):
        score(splits, tmp_path, GraphFacts(8, 8, None))
    write(tmp_path, 2, -6)
    with pytest.raises(InputError, match="0000000002_0.bin holds values that are not above 0"):
        score(splits, tmp_path, facts)
    write(tmp_path, 2, 6)
    write_gt_depths(splits / "eigen" / "gt_depths.npz", TRUTH[:1])
    with pytest.raises(InputError, match="has 1 depth maps for 2 frames"):
        score(splits, tmp_path, facts)
    (splits / "eigen" / "gt_depths.npz").unlink()
    with pytest.raises(InputError, match=r"gt_depths\.npz is missing; python export_gt_depth\.py"):
        score(splits, tmp_path, facts)
    with pytest.raises(InputError, match="odom_9: the 310 path serves eigen and eigen_benchmark"):
        score(splits, tmp_path, facts, "odom_9")
    assert not (tmp_path / "val.json").exists()


@pytest.mark.parametrize("scale", [5.4, None])
def test_a_sidecar_tells_the_size_and_the_scale(tmp_path, scale):
    (tmp_path / "d.json").write_text(json.dumps(sidecar("depth", 1, 32, 96, scale)))
    assert graph_facts(tmp_path / "d.mindir") == (32, 96, scale)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (None, "d.json does not exist; export.py writes it"),
        ("{", "no sidecar of a graph of disparity"),
        ("[]", "no sidecar of a graph of disparity"),
        ({"outputs": []}, "no sidecar of a graph of disparity"),
        ({"model": "midas"}, "expected a graph of disparity of Monodepth2, got 'midas'"),
        ({"outputs": [{"shape": [1, 1, 0, 9], "meaning": "disparity"}]}, "expected a graph"),
        ({"outputs": [{"shape": [1, 1, 9, 9], "meaning": "depth"}]}, "expected a graph"),
    ],
)
def test_another_sidecar_is_refused(tmp_path, change, message):
    if isinstance(change, dict):
        change = json.dumps({**sidecar("depth", 1, 32, 96, None), **change})
    if change is not None:
        (tmp_path / "d.json").write_text(change)
    with pytest.raises(InputError, match=message):
        graph_facts(tmp_path / "d.mindir")

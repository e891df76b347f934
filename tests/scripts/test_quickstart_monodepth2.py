"""What Monodepth2's quickstart compares the network with, and what it says of it."""

import json
import re

import numpy as np
import pytest

from monodepth2.src.datasets.gt_depths import (
    NAME,
    ground_truth,
    read_gt_depths,
    write_gt_depths,
)
from monodepth2.src.model_utils.metrics import NAMES
from monodepth2.src.sfm_utils.depth_evaluation import GEONET_EIGEN, valid_pixels
from monodepth2.src.sfm_utils.eigen import eigen_frames
from scripts.quickstart import compare_monodepth2
from scripts.quickstart.compare_monodepth2 import GRID, best_constant, mean_map, training_depths
from tests.synthetic.__main__ import main as render


@pytest.fixture(scope="module")
def kitti(tmp_path_factory):
    """Two drives to learn from, one to test on, with its ground truth."""
    out = tmp_path_factory.mktemp("quick") / "drives"
    flags = "--drives 2 --test 1 --frames 8 --height 48 --laser 120 --images jpg --workers 1"
    render(["kitti_drives", str(out), *flags.split()])
    maps = ground_truth(out, eigen_frames(out / "splits", "eigen"), "eigen")
    write_gt_depths(out / "splits" / "eigen" / NAME, list(maps))
    return out


def test_the_mean_map_holds_the_mean_of_each_cell_or_of_the_nearest_one():
    rows, columns = GRID
    depths = [np.zeros((2 * rows, 3 * columns), np.float32) for _ in range(2)]
    depths[0][:2, :3] = [[4, 0, 0], [0, 0, 8]]  # the first cell
    depths[1][0, 1] = 9
    depths[1][-1, -1] = 50  # the last one
    found = mean_map(depths)
    assert found.shape == GRID and found.dtype == np.float32
    assert found[0, 0] == found[1, 2] == 7 and found[-1, -1] == found[-2, -3] == 50
    assert set(np.unique(found)) == {7, 50}


def test_the_constant_is_the_best_of_all_on_the_pixels_that_count(kitti):
    depths = list(training_depths(kitti))
    values = np.concatenate([depth[valid_pixels(depth, GEONET_EIGEN)] for depth in depths])
    assert len(depths) > 2 and len(values) > 1000

    def abs_rel(metres):
        return np.mean(np.abs(metres - values) / values)

    found = best_constant(depths)
    assert 1 < found < 80
    assert abs_rel(found) <= min(map(abs_rel, np.linspace(1, 80, 400))) + 1e-6


def verdict_on(abs_rel, kitti, folder, capsys):
    """(exit status, printed text) for a network with that error."""
    path = folder / "metrics.json"
    path.write_text(json.dumps({**dict.fromkeys(NAMES, 0.5), "abs_rel": abs_rel}))
    return compare_monodepth2.main(kitti, path), capsys.readouterr().out


@pytest.mark.parametrize(
    ("rival", "column", "margin"), [("constant", 1, 0.3), ("mean map", 2, 0.15)]
)
def test_the_network_must_be_better_by_a_margin(
    kitti, tmp_path, capsys, monkeypatch, rival, column, margin
):
    assert margin == compare_monodepth2.MARGINS[rival]
    monkeypatch.setattr(compare_monodepth2, "MARGINS", {rival: margin})
    _, out = verdict_on(0.0, kitti, tmp_path, capsys)
    rows = {line.split()[0]: line.split() for line in out.splitlines()[1 : 1 + len(NAMES)]}
    assert list(rows) == list(NAMES) and "held-out frames" in out
    limit = (1 - margin) * float(rows["abs_rel"][column])
    for error, status in ((0.99 * limit, 0), (1.01 * limit, 1), (np.nan, 1)):
        assert verdict_on(error, kitti, tmp_path, capsys)[0] == status


def test_the_rivals_are_scored_in_metres(kitti, tmp_path, capsys):
    _, out = verdict_on(0.2, kitti, tmp_path, capsys)
    constant = float(re.search(r"constant = (\d+\.\d\d) m", out)[1])
    errors = []
    for target in read_gt_depths(kitti / "splits" / "eigen" / NAME):
        depth = target[valid_pixels(target, GEONET_EIGEN)]
        errors.append(np.mean(np.abs(constant - depth) / depth))
    row = next(line for line in out.splitlines() if line.startswith("abs_rel"))
    assert float(row.split()[1]) == pytest.approx(np.mean(errors), rel=2e-3)  # both are rounded


def test_one_missed_margin_is_enough(kitti, tmp_path, capsys, monkeypatch):
    for margins in ({"constant": -9, "mean map": 2}, {"constant": 2, "mean map": -9}):
        monkeypatch.setattr(compare_monodepth2, "MARGINS", margins)
        assert verdict_on(0.2, kitti, tmp_path, capsys)[0] == 1

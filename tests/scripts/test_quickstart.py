"""The constants that the networks of the quickstarts have to beat."""

import json
from pathlib import Path

import cv2
import mindspore as ms
import numpy as np
import pytest

from depthnet.src import metrics
from depthnet.src.datasets import NyuTest, NyuTrain
from depthnet.src.losses import DepthLoss
from midas.src.datasets.zero_shot import DATASETS, PROTOCOLS, dataset_root
from midas.src.evaluation.evaluator import mean_of, score_sample
from midas.src.evaluation.rivals import constant_fit
from midas.src.metrics import depth_score
from midas.src.model_utils.config import load_config
from scripts.quickstart import compare_depthnet, compare_midas
from tests.synthetic.__main__ import main as render


@pytest.fixture(scope="module")
def nyu(tmp_path_factory):
    out = tmp_path_factory.mktemp("quick") / "NYU"
    render(["nyu", str(out), "--train", "5", "--test", "2", "--workers", "1", "--seed", "1"])
    return out


@pytest.fixture(scope="module")
def redweb(tmp_path_factory):
    """Flags of MiDaS's programs for a small rendered tree."""
    out = tmp_path_factory.mktemp("quick") / "rendered"
    size = ["--height", "96", "--width", "128"]
    render(["midas", str(out), "--train", "3", "--test", "2", "--workers", "1", *size])
    return ["--train_data_dir", str(out), "--img_width", "64", "--img_height", "64"]


@pytest.mark.slow
def test_the_constant_is_the_best_of_all(nyu):
    data = NyuTrain(nyu, augment=False)
    known = np.stack([data.load(i, None)["depth"] for i in range(len(data))])
    best, targets = compare_depthnet.best_constant(known), ms.Tensor(known)

    def cost(value):
        return float(DepthLoss()(ms.ops.full_like(targets, float(value)), targets).asnumpy())

    assert cost(best) <= min(cost(value) for value in np.linspace(-1, 2.2, 33)) + 1e-5


@pytest.mark.parametrize(("factor", "status"), [(1.05, 0), (3.0, 1)])
def test_the_table_says_whether_the_network_beats_the_constant(
    nyu, tmp_path, capsys, factor, status
):
    test = NyuTest(nyu / "Test")
    targets = [test.load(i)["depth"] for i in range(len(test))]
    rows = [metrics.image_metrics(np.log(target * factor), target) for target in targets]
    average = {stage: metrics.average(rows) for stage in ("coarse", "fine")}
    (tmp_path / "m.json").write_text(json.dumps({"average": average}))
    assert compare_depthnet.main(nyu, tmp_path / "m.json") == status
    out = capsys.readouterr().out
    assert all(name in out for name in metrics.NAMES) and "constant" in out
    assert f"{average['fine']['abs_relative_loss']:.4f}" in out


def midas_sets(flags):
    """(configuration, {name: data set})."""
    config = load_config(compare_midas.CONFIG, flags)
    folder = config.train_data_dir
    roots = {n: dataset_root(n, getattr(config, f"datapath_{n}"), folder)[0] for n in DATASETS}
    return config, {
        name: DATASETS[name](root, PROTOCOLS["standard"]) for name, root in roots.items()
    }


def test_the_constant_of_midas_is_the_mean_disparity(redweb):
    sample = midas_sets(redweb)[1]["Sintel"].load(0)
    truth = sample.depth[sample.mask].astype(np.float64)
    expected = np.mean(np.abs(1 / np.mean(1 / truth) - truth) / truth)
    fit = constant_fit(sample)
    score = depth_score(fit, sample.depth, sample.mask, 72, "abs_rel")
    np.testing.assert_allclose(score.value, expected, rtol=1e-5)
    # What the evaluation makes of a constant itself: everything at the cap.
    blunt = depth_score(np.ones_like(fit), sample.depth, sample.mask, 72, "abs_rel")
    np.testing.assert_allclose(blunt.value, np.mean(72 / truth - 1), rtol=1e-5)


def test_the_mean_map_is_the_mean_of_the_targets(redweb):
    config, _ = midas_sets([*redweb, "--flip_probability", "0"])
    files = sorted(Path(config.train_data_dir, "ReDWeb_V1", "RDs").iterdir())
    targets = [cv2.imread(str(file), cv2.IMREAD_UNCHANGED) for file in files]
    small = [cv2.resize(t, (64, 64), interpolation=cv2.INTER_NEAREST) for t in targets]
    known = np.ma.masked_equal(np.float64(small), 0)
    data, _ = compare_midas.opened(config)
    np.testing.assert_allclose(compare_midas.mean_map(data), known.mean(0).filled(0))


def mean_error(dataset, predict):
    scores = []
    for index in range(len(dataset)):
        sample = dataset.load(index)
        scores.append((dataset.name(index), score_sample(dataset, sample, predict(sample))))
    return mean_of(dataset, scores, PROTOCOLS["standard"])[0]


def scaled_truth(sample):
    return 40 / np.where(sample.mask, sample.depth, 1) + 7


@pytest.mark.parametrize(
    ("predict", "order", "status"),
    # The last one: upside down, which only DIW sees, because its order is not aligned.
    [(scaled_truth, 0.0, 0), (constant_fit, 0.5, 1), (scaled_truth, 1.0, 1)],
)
def test_the_table_of_midas_says_whether_the_network_beats_the_constant(
    redweb, tmp_path, capsys, predict, order, status
):
    _, sets = midas_sets(redweb)
    errors = {n: order if n == "DIW" else mean_error(d, predict) for n, d in sets.items()}
    (tmp_path / "val.json").write_text(json.dumps(errors))
    assert compare_midas.main(tmp_path / "val.json", redweb) == status
    out = capsys.readouterr().out
    lines = [line for line in out.splitlines() if "training pairs" not in line]
    heading, rows, verdict_lines = lines[0], lines[1 : 1 + len(sets)], lines[1 + len(sets) :]
    assert heading.split() == ["constant", "mean", "map", "network"]
    assert "the constant's (wanted: 25 % below)" in verdict_lines[-1]
    assert ("worse than the constant: DIW" in verdict_lines) == (order == 1.0)
    assert [row.split()[0] for row in rows] == list(sets)
    for row, error in zip(rows, errors.values()):
        assert row.split()[-1] == f"{error:.4f}"

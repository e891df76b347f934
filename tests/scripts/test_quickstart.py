"""quickstart.sh: usage, steps that are skipped when done, progress, and the constants to beat."""

import io
import json
import subprocess
import sys
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
from midas.src.metrics import depth_score
from midas.src.model_utils.config import load_config
from scripts.models import MODELS
from scripts.quickstart import compare_depthnet, compare_midas
from scripts.quickstart.comparison import verdict
from scripts.quickstart.progress import Progress
from scripts.quickstart.steps import Steps
from tests.conftest import REPOSITORY
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


@pytest.mark.parametrize("words", [["nonsense"], ["depthnet", "extra"], ["depthnet", "", "extra"]])
def test_wrong_arguments_print_the_usage(words):
    command = ["bash", "scripts/quickstart.sh", *words]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 2 and "usage: bash scripts/quickstart.sh" in done.stderr


def append(text):
    return [sys.executable, "-c", f"open('trace', 'a').write('{text}'); print('did {text}')"]


def test_steps_run_once_and_again_when_something_before_them_changed(tmp_path, capsys):
    for second in ("b", "b", "c"):
        steps = Steps(tmp_path)
        steps.run("one", *append("a"))
        steps.run("two", *append(second))
        steps.run("three", *append("z"))
    assert (tmp_path / "trace").read_text() == "abz" + "" + "cz"
    assert capsys.readouterr().out.count("done before") == 4
    assert (tmp_path / "two.log").read_text() == "did c\n"


def test_a_failing_step_shows_its_last_lines_and_is_not_done(tmp_path, capsys):
    fail = [sys.executable, "-c", "print('reason'); raise SystemExit(3)"]
    for _ in range(2):
        with pytest.raises(SystemExit) as caught:
            Steps(tmp_path).run("bad", *fail)
        assert caught.value.code == 1
        out = capsys.readouterr().out
        assert "reason" in out and "bad failed with exit code 3" in out and "bad.log" in out


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


TRAINING = (
    "training coarse net, step: {} loss: 0.5 time cost: 1.2  (3.3 examples/s, {} %, 0:01:0{} left)"
)


def test_a_terminal_has_one_live_line(tmp_path):
    log, stream = tmp_path / "train.log", Terminal()
    log.write_text("config: ...\n")
    progress = Progress("train", log, stream)
    progress.look()
    assert stream.getvalue() == "\r\033[Ktrain: 0 s"  # it compiles: nothing to tell yet
    with log.open("a") as file:
        for step in range(3):
            file.write(TRAINING.format(step, step, 9 - step) + "\n")
        file.write(TRAINING.format(3, 3, 6)[:30])  # half a line is no news
        file.flush()
        progress.look()
        shown = stream.getvalue().rpartition("\r\033[K")[2]
        assert shown == f"train: {TRAINING.format(2, 2, 7)}"[:79] and "loss: 0.5" in shown
        file.write(TRAINING.format(3, 3, 6)[30:] + "\nsaved a.ckpt\n")
        file.flush()
        progress.look()
    assert "step: 3 " in stream.getvalue().rpartition("\r")[2]
    progress.end()
    assert stream.getvalue().endswith("\r\033[K") and "\n" not in stream.getvalue()


def test_a_file_gets_a_line_now_and_then(tmp_path):
    log, stream = tmp_path / "evaluate.log", io.StringIO()
    progress = Progress("evaluate", log, stream, every=0.2)
    lines = [f"evaluated: {n} / 9, 2.00 images/s, {9 - n} s left" for n in range(9)]
    log.write_text(lines[0] + "\n")
    progress.look()
    assert stream.getvalue() == ""
    progress.printed -= 1
    progress.look()
    progress.look()
    assert stream.getvalue() == f"evaluate: {lines[0]}\n"
    log.write_text("\n".join(lines) + "\n")
    progress.look()
    progress.printed -= 1
    progress.look()
    progress.printed -= 1
    progress.look()  # nothing new
    progress.end()
    assert stream.getvalue() == f"evaluate: {lines[0]}\nevaluate: {lines[8]}\n"


def test_a_training_step_of_every_quickstart_tells_each_step(tmp_path):
    """One log line per step, so that the live line moves."""
    for model in MODELS.values():
        for quickstart in model.quickstarts.values():
            for name, program, *words in quickstart.steps:
                if program == "train.py":
                    assert words[words.index("--log_steps") + 1] == "1", name


def test_a_running_step_shows_its_progress(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    line = TRAINING.format(7, 7, 1)
    work = f"import time; print('{line}', flush=True); time.sleep(1.5)"
    Steps(tmp_path).run("train", sys.executable, "-c", work)
    assert "\r\033[Ktrain: training coarse net, step: 7 loss: 0.5" in capsys.readouterr().out


@pytest.mark.slow
def test_the_constant_is_the_best_of_all(nyu):
    data = NyuTrain(nyu, augment=False)
    best = compare_depthnet.best_constant(data)
    targets = ms.Tensor(np.stack([data.load(i, None)["depth"] for i in range(len(data))]))

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


@pytest.mark.parametrize(("gain", "status"), [(0.26, 0), (0.24, 1), (-1.0, 1), (float("nan"), 1)])
def test_the_verdict_wants_a_quarter_less(capsys, gain, status):
    assert verdict("its error", gain) == status
    assert "its error" in capsys.readouterr().out


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
    fit = compare_midas.constant_fit(sample)
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
    [(scaled_truth, 0.0, 0), (compare_midas.constant_fit, 0.5, 1), (scaled_truth, 1.0, 1)],
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
    assert "below the constant's" in verdict_lines[-1]
    assert ("worse than the constant: DIW" in verdict_lines) == (order == 1.0)
    assert [row.split()[0] for row in rows] == list(sets)
    for row, error in zip(rows, errors.values()):
        assert row.split()[-1] == f"{error:.4f}"

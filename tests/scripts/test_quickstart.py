"""quickstart.sh: usage, steps that are skipped when done, and the constant to beat."""

import json
import subprocess
import sys

import mindspore as ms
import numpy as np
import pytest

from depthnet.src import metrics
from depthnet.src.dataset import NyuTest, NyuTrain
from depthnet.src.loss import DepthLoss
from scripts import compare_depthnet
from scripts.quickstart import Steps
from tests.conftest import REPOSITORY
from tests.synthetic.__main__ import main as render


@pytest.fixture(scope="module")
def nyu(tmp_path_factory):
    out = tmp_path_factory.mktemp("quick") / "NYU"
    render(["nyu", str(out), "--train", "5", "--test", "2", "--workers", "1", "--seed", "1"])
    return out


@pytest.mark.parametrize("words", [["nonsense"], ["depthnet", "extra"]])
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


def test_the_constant_is_the_best_of_all(nyu):
    data = NyuTrain(nyu, augment=False)
    best = compare_depthnet.best_constant(data)
    targets = ms.Tensor(np.stack([data.load(i, None)[1] for i in range(len(data))]))

    def cost(value):
        return float(DepthLoss()(ms.ops.full_like(targets, float(value)), targets).asnumpy())

    assert cost(best) <= min(cost(value) for value in np.linspace(-1, 2.2, 33)) + 1e-5


@pytest.mark.parametrize(("factor", "status"), [(1.05, 0), (3.0, 1)])
def test_the_table_says_whether_the_network_beats_the_constant(
    nyu, tmp_path, capsys, factor, status
):
    test = NyuTest(nyu / "Test")
    targets = [test.load(i)[1] for i in range(len(test))]
    rows = [metrics.image_metrics(np.log(target * factor), target) for target in targets]
    average = {stage: metrics.average(rows) for stage in ("coarse", "fine")}
    (tmp_path / "m.json").write_text(json.dumps({"average": average}))
    assert compare_depthnet.main(nyu, tmp_path / "m.json") == status
    out = capsys.readouterr().out
    assert all(name in out for name in metrics.NAMES) and "constant" in out
    assert f"{average['fine']['abs_relative_loss']:.4f}" in out

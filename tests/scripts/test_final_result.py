"""The result of a whole-card run in the form of the zoo for TensorFlow, from its logs."""

import os
import platform

import pytest

from scripts.launching.checks import RunError
from scripts.launching.final_result import accuracy_of, final_result, log_lines

ATE = r"ATE mean: (\S+), std: (\S+)"
ACCURACY = ("eval_{device_id}.log", ATE)


def line(step, seconds, loss):
    """A log line with the progress that GeoNet's own has not."""
    text = f"Iteration: [{step:7d}] | Time: {seconds}s/iter | Loss: {loss}"
    return f"{text}  (40.1 examples/s, 3.1 %, 0:12:00 left)\n"


@pytest.fixture
def values(tmp_path):
    """Of a run of 600 steps whose log has five lines, among others that say nothing."""
    lines = [(100, "2.8347", "3.112"), (200, "0.1000", "2.696"), (300, "0.0999", "2.420")]
    lines += [(400, "0.0999", "2.276"), (500, "0.1007", "2.782")]
    text = "Trainable variables: \n" + "".join(line(*each) for each in lines) + "saved\n"
    (tmp_path / "train_3.log").write_text(text)
    (tmp_path / "eval_3.log").write_text("Predictions dir: P\nATE mean: 0.0123, std: 0.0045\n")
    run = {"logs": tmp_path, "model": "geonet", "seconds": 61}
    return {"steps": "600", "batch_size": "4", "device_id": "3", **run}


def report(values, last=30, accuracy=None, case="{model}_bs{batch_size}_1p_x"):
    return final_result(case, "train_{device_id}.log", last, accuracy)(values, None)


def test_the_last_lines_are_averaged_to_awk_s_digits(values):
    """(0.1 + 0.0999 + 0.0999 + 0.1007) / 4 = 0.100125; 4 / 0.100125 = 39.95; the first is left out.

    Over all five lines 0.64704, 6.18.
    """
    files = (
        f"written: {values['logs']}/geonet_bs4_1p_x.log, {values['logs']}/geonet_bs4_1p_x_loss.txt"
    )
    assert report(values, last=4) == [
        "mean of the last 4 of 5 log lines",
        files,
        "------------------ Final result ------------------",
        "Final Performance images/sec : 39.95",
        "Final Performance sec/step : 0.100125",
        "E2E Training Duration sec : 61",
        "Final Train Accuracy : ",
    ]
    for last in (5, 30):
        lines = report(values, last=last)
        assert lines[0] == "mean of all 5 log lines; the time of the first includes compilation"
        assert lines[3:5] == [
            "Final Performance images/sec : 6.18",
            "Final Performance sec/step : 0.64704",
        ]


def test_the_files_have_the_zoo_s_lines(values):
    """The losses as the log has them, each after a blank; the accuracy only where there is one."""
    assert report(values, 4, ACCURACY)[-1] == "Final Train Accuracy : 0.0123, 0.0045"
    folder, case = values["logs"], "geonet_bs4_1p_x"
    losses = " 3.112\n 2.696\n 2.420\n 2.276\n 2.782\n"
    assert (folder / f"{case}_loss.txt").read_text() == losses
    expected = [
        "Network = geonet",
        "RankSize = 1",
        "BatchSize = 4",
        f"DeviceType = {platform.machine()}",
        f"CaseName = {case}",
        "ActualFPS = 39.95",
        "TrainingTime = 0.100125",
        "ActualLoss = 2.782",
        "E2ETrainingTime = 61",
        "TrainAccuracy = 0.0123, 0.0045",
    ]
    assert (folder / f"{case}.log").read_text().splitlines() == expected
    report(values, 4)
    assert (folder / f"{case}.log").read_text().splitlines() == expected[:-1]
    logs = {"train_3.log", "eval_3.log"}
    assert set(os.listdir(folder)) == {*logs, f"{case}.log", f"{case}_loss.txt"}


@pytest.mark.parametrize(
    ("steps", "logged", "good"),
    [
        (600, [100, 200, 300, 400, 500], True),  # the original trains 599
        (601, [100, 200, 300, 400, 500], False),
        (501, [100, 200, 300, 400, 500], True),
        (6, [2, 4], True),
        (7, [2, 4], False),
        (100, [50], True),
        (101, [50], False),
        (3200, [3100], True),  # resumed after step 3000
        (6, [2, 4, 5], True),  # its last step is logged too
    ],
)
def test_a_training_that_stopped_early_is_no_success(tmp_path, steps, logged, good):
    path = tmp_path / "train.log"
    path.write_text("".join(line(step, "0.1", "2.0") for step in logged))
    if good:
        assert [step for step, _, _ in log_lines(path, steps)] == logged
        return
    with pytest.raises(RunError) as caught:
        log_lines(path, steps)
    text = f"{path}: the training stopped after step {logged[-1]} of {steps}; see its end"
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("time", "loss"),
    [("x", "2.0"), ("nan", "2.0"), ("inf", "2.0"), ("0.1", "nan"), ("0.1", "x"), ("0.1", "inf")],
)
def test_a_number_that_is_none_is_damage(tmp_path, time, loss):
    path = tmp_path / "train.log"
    path.write_text(line(100, "0.1", "2.0") + line(200, time, loss))
    with pytest.raises(RunError, match=f"{path} is damaged, its times and losses must be numbers"):
        log_lines(path, 300)


@pytest.mark.parametrize("time", ["0.0000", "-0.1", "1e308"])
def test_a_time_that_cannot_be_is_damage(values, time):
    text = "".join(line(step, time, "2.0") for step in (100, 200))
    (values["logs"] / "train_3.log").write_text(text)
    with pytest.raises(RunError, match=r"train_3.log: .* s/iter is no time of a step"):
        report({**values, "steps": "300"})


def test_what_says_nothing_is_told(values):
    """And nothing is written."""
    folder = values["logs"]
    before = sorted(os.listdir(folder))
    train, evaluation = folder / "train_3.log", folder / "eval_3.log"
    evaluation.write_text("ATE mean: nan, std: nan\n")
    for text in ("ATE mean: nan, std: nan\n", "ATE mean: 0.1, std: nan\n", "ATE: 0.1\n", "\0\n"):
        evaluation.write_text(text)
        with pytest.raises(RunError) as caught:
            report(values, 4, ACCURACY)
        assert str(caught.value) == f"{evaluation} has no line with the accuracy; see the logs"
    train.write_bytes(b"Iteration: [    100] | Time: \xff\n")
    with pytest.raises(RunError) as caught:
        report(values)
    assert str(caught.value) == (
        f"{train} has no line 'Iteration: ... s/iter'; log more often, such as --log_steps 1"
    )
    assert sorted(os.listdir(folder)) == before
    train.unlink()
    with pytest.raises(RunError, match=f"{train}: No such file or directory"):
        report(values)


def test_the_last_accuracy_counts(tmp_path):
    (tmp_path / "e.log").write_text("ATE mean: 1, std: 2\nATE mean: 0.0070, std: 0.1\n")
    assert accuracy_of(tmp_path / "e.log", ATE) == "0.0070, 0.1"

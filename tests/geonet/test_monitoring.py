"""What a training tells: the original's lines, when it saves, what the weights carry, panels."""

import re
import time

import mindspore as ms
import numpy as np

from geonet.src import monitoring
from geonet.src.model_utils.device import Device
from geonet.src.model_utils.hooks import Moment, Report


def report(step, total=10, loss=2.6958):
    """A look after a step."""
    return Report(
        step=step,
        total=total,
        steps_per_epoch=5,
        stage="train_rigid",
        values={"loss": loss},
        seconds=0.1,
        wait_share=0.0,
        examples_per_s=40.0,
        left=61.0,
        optimizer=None,
    )


def test_the_original_s_line(capsys, monkeypatch):
    now = iter([100.0, 102.0, 102.3])
    monkeypatch.setattr(time, "perf_counter", lambda: next(now))
    line = monitoring.IterationLine(3)
    for step in range(7):
        if line.needs_look(Moment(step, 10, 5)):
            line.after_look(report(step))
    lines = capsys.readouterr().out.splitlines()
    progress = "  (40 examples/s, {}0.0 %, 0:01:01 left)"
    assert lines == [
        "Iteration: [      3] | Time: 0.6667s/iter | Loss: 2.696" + progress.format(3),
        "Iteration: [      6] | Time: 0.1000s/iter | Loss: 2.696" + progress.format(6),
    ]


def test_a_resumed_run_times_its_own_iterations(capsys, monkeypatch):
    now = iter([100.0, 101.0])
    monkeypatch.setattr(time, "perf_counter", lambda: next(now))
    line = monitoring.IterationLine(100)
    for step in range(98, 100):
        if line.needs_look(Moment(step, 1000, 500)):
            line.after_look(report(step, 1000))
    assert "[    100] | Time: 0.5000s/iter" in capsys.readouterr().out


def test_weights_are_saved_every_so_often_and_at_the_end():
    is_due = monitoring.saves(4)
    assert [n + 1 for n in range(10) if is_due(Moment(n, 10, 5))] == [4, 8, 10]


def test_files_of_weights(tmp_path):
    network = ms.nn.Dense(2, 1)
    device = Device("CPU")
    files = {"every": 2, "keep": 2, "record": {"mode": "train_rigid"}, "device": device}
    hook = monitoring.model_files({"pose_net": network}, tmp_path, **files)
    for step in range(7):
        hook.after_look(report(step, total=7))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model-6.ckpt", "model-7.ckpt"]


def test_variables_as_the_original_prints_them(capsys):
    weight = ms.Parameter(ms.ops.zeros((2, 3)))
    monitoring.say_variables({"pose_net/Conv/weights": weight, "pose_net/Conv/biases": weight})
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "Trainable variables: ",
        "pose_net/Conv/weights:0",
        "pose_net/Conv/biases:0",
        "parameter_count = 12",
    ]


def test_what_weights_carry():
    options = dict.fromkeys(("mode", "dispnet_encoder", "scale_normalize", "flownet_type"), "x")
    options |= {"img_height": 64, "img_width": 96, "seq_length": 3, "learning_rate": 1}
    record = monitoring.weights_record(options, {"depth_net": None, "pose_net": None})
    assert record["networks"] == ["depth_net", "pose_net"]
    assert record["img_height"] == 64 and "learning_rate" not in record
    assert len(record) == 8


def panel_of(**maps):
    """A panel of 64 x 128 pixels."""
    size = 64, 128
    sample = {"target": np.zeros((3, *size)), "warped": np.ones((3, *size))}
    return monitoring.draw_panel({**sample, **maps})


def test_panels_show_each_mode_s_maps():
    size = 64, 128
    disparity = np.linspace(0, 1, 64 * 128).reshape(1, *size)
    rigid = panel_of(disparity=disparity, error=np.ones((1, *size)))
    flow = panel_of(flow=np.ones((2, *size)), mask=np.zeros((1, *size)))
    direct = panel_of(flow=np.ones((2, *size)))
    assert rigid.dtype == np.uint8 and rigid.shape[2] == 3
    assert rigid.shape == flow.shape  # four tiles each
    assert direct.shape[1] < flow.shape[1]
    assert re.match(r"\(\d+, \d+, 3\)", str(rigid.shape))

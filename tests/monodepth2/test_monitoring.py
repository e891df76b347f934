"""Hooks of Monodepth2's training, on made-up reports."""

import sys
import types

import numpy as np
import pytest
from mindspore import nn

from monodepth2.src import monitoring
from monodepth2.src.model_utils.device import Device
from monodepth2.src.model_utils.hooks import Moment, Report
from monodepth2.src.model_utils.stream import SampleStream

CPU = Device("CPU")
OTHER_RANK = Device("CPU", rank=1, size=2)


def report(step=0, total=8, images=None, left=0.0, **values):
    return Report(
        step=step,
        total=total,
        steps_per_epoch=4,
        stage="monodepth2",
        values=values,
        seconds=0.5,
        wait_share=0.0,
        examples_per_s=24.04,
        left=left,
        optimizer=nn.Cell(),
        images=images or {},
    )


def test_the_original_s_log_line(monkeypatch):
    monkeypatch.setattr(monitoring.time, "perf_counter", lambda: 100.0)
    line = monitoring.BatchLine()
    monkeypatch.setattr(monitoring.time, "perf_counter", lambda: 100.0 + 3725)
    assert line(report(step=6, left=62, loss=0.123456)) == (
        "epoch   1 | batch      2 | examples/s:  24.0 | loss: 0.12346 "
        "| time elapsed: 01h02m05s | time left: 00h01m02s"
    )


def test_the_line_of_an_epoch_s_validation(capsys):
    hook = monitoring.EpochLoss()
    hook.after_look(report(step=7, val_loss=0.25))
    hook.after_look(report(step=7, loss=0.25))
    assert capsys.readouterr().out == "In epoch 1, the validation loss is 0.25.\n"


def saves(every):
    """{step after which weights are saved: name of their folder}."""
    saved = []

    class Folder:
        def __truediv__(self, name):
            return name

    hook = monitoring.epoch_weights({}, Folder(), every=every, record={}, device=CPU)
    for step in range(12):
        moment = Moment(step, 12, 4)
        if hook.needs_look(moment):
            saved.append((step, hook.path(moment)))
    return dict(saved)


def test_weights_are_saved_after_each_epoch_or_every_few():
    assert saves(1) == {3: "weights_0", 7: "weights_1", 11: "weights_2"}
    assert saves(2) == {7: "weights_1"}


def test_a_sudden_drop_of_the_masked_share_is_told(capsys):
    hook = monitoring.MaskWatch()
    shares = [0.4, 0.5, 0.4, 0.3, 0.4, 0.11, 0.05]
    for step, share in enumerate(shares):
        hook.after_look(report(step=step, masked=share))
    hook.after_look(report(step=9))
    out = capsys.readouterr().out.splitlines()
    assert out == [
        "warning: step 6: 5.00 % of the pixels are masked, 34.20 % before; look at the panels"
    ]


class Batches:
    """Samples whose image tells their number; the first `known` have ground truth."""

    def __init__(self, count, known):
        self.count, self.known = count, known

    def __len__(self):
        return self.count

    def name(self, index):
        return str(index)

    def load(self, index, rng):
        depth = np.zeros((1, 375, 1242), np.float32)
        if index < self.known:
            depth[0, 200:300, 100:900] = 7
        return {"color_0_0": np.full((3, 4, 8), index, np.uint8), "depth_gt": depth}


class Step:
    """In place of an EvalStep: remembers its batches, predicts a flat scene."""

    fields = ("color_0_0",)

    def __init__(self):
        self.seen = []

    def __call__(self, batch):
        self.seen += [int(number) for number in batch[0].asnumpy()[:, 0, 0, 0]]
        return {"loss": 0.5}, {"disparity": np.full((len(batch[0]), 1, 4, 8), 0.1, np.float32)}


def monitor(known, device=CPU):
    step = Step()
    stream = SampleStream(Batches(6, known), 2, seed=0)
    hook = monitoring.MonitorBatch(step, stream, 2, (0.1, 100), device)
    return hook, step


def test_a_monitor_batch_is_scaled_and_measured():
    hook, step = monitor(known=6)
    looks = [report(step=number, loss=1.0) for number in range(5)]
    for look in looks:
        hook.after_look(look)
    assert [hook.needs_look(look) for look in looks] == [True, False, True, False, True]
    assert len(step.seen) == 6 and sorted(step.seen) == [0, 1, 2, 3, 4, 5]
    values = looks[2].values
    names = ["de/abs_rel", "de/sq_rel", "de/rms", "de/log_rms", "da/a1", "da/a2", "da/a3"]
    assert list(values) == ["loss", "val_batch_loss", *names]
    # Both are flat: the ratio of their medians makes them equal.
    assert [values[name] for name in names] == pytest.approx([0, 0, 0, 0, 1, 1, 1], abs=1e-6)


@pytest.mark.parametrize("known", [0, 5])
def test_a_batch_without_ground_truth_has_its_loss_only(known):
    hook, _ = monitor(known)
    for number in (0, 2, 4):
        look = report(step=number)
        hook.after_look(look)
        assert look.values["val_batch_loss"] == 0.5
    assert known or list(look.values) == ["val_batch_loss"]


def test_other_ranks_monitor_nothing():
    hook, step = monitor(6, OTHER_RANK)
    hook.after_look(report())
    assert not step.seen


@pytest.fixture
def events(monkeypatch):
    """What goes to TensorBoard, by a module in place of tensorboardX."""
    written = []

    class SummaryWriter:
        def __init__(self, folder):
            self.mode = folder.rpartition("/")[2]

        def add_scalar(self, name, value, step):
            written.append((self.mode, name, value, step))

        def add_image(self, name, image, step):
            written.append((self.mode, name, image.shape, step))

        def flush(self):
            pass

    module = types.ModuleType("tensorboardX")
    module.SummaryWriter, module.__spec__ = SummaryWriter, types.SimpleNamespace()
    monkeypatch.setitem(sys.modules, "tensorboardX", module)
    return written


def test_events_of_training_and_validation(events, tmp_path):
    hook = monitoring.Events(tmp_path, every=2, count=1, device=CPU)
    hook.after_look(report(step=1, loss=0.5))
    hook.after_look(report(step=2, loss=0.4, val_batch_loss=0.3))
    images = {"disparity": np.zeros((2, 1, 4, 8))}
    hook.after_look(report(step=3, loss=0.2, val_loss=0.1, images=images))
    assert events == [
        ("train", "loss", 0.4, 2),
        ("val", "batch_loss", 0.3, 2),
        ("val", "loss", 0.1, 3),
        ("val", "disparity/0", (1, 4, 8), 3),
    ]
    events.clear()
    monitoring.Events(tmp_path, every=2, count=1, device=OTHER_RANK).after_look(report(loss=1.0))
    assert not events


def test_without_tensorboardx_a_line_says_so(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(monitoring.importlib.util, "find_spec", lambda name: None)
    monitoring.Events(tmp_path, every=1, count=1, device=CPU).after_look(report(loss=1.0))
    assert capsys.readouterr().out.startswith("tensorboardX is not installed")
    assert not list(tmp_path.iterdir())


def test_a_panel_shows_every_image():
    height, width = 16, 48
    plane, image = np.zeros((1, height, width), np.float32), np.ones((3, height, width), np.float32)
    ramp = np.linspace(0, 1, width, dtype=np.float32) * np.ones_like(plane)
    sample = {"disparity": ramp, "target": image, "error": plane, "automask": ramp > 0.5}
    sample |= {"warped_m1": -image, "warped_s": image / 2}  # a warped image may leave 0..1
    drawn = monitoring.draw_panel(sample)
    assert drawn.dtype == np.uint8 and drawn.shape[1] == 6 * width
    tiles = np.split(drawn[24 : 24 + height], 6, 1)
    assert (tiles[0] == 255).all() and (tiles[2] == 0).all() and (tiles[3] == 128).all()
    sample["target"] = 2 * image
    assert (monitoring.draw_panel(sample)[24 : 24 + height, :width] == 255).all()
    assert tiles[5][:, 0].min() == 255 and tiles[5][:, -1].max() == 0  # black is left out
    assert tiles[1][:, -1].sum() > tiles[1][:, 0].sum()
    del sample["automask"]
    assert monitoring.draw_panel(sample).shape[1] == 5 * width

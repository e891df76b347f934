"""Hooks: log lines, metrics.csv and checkpoints, by the reports that they are given."""

import csv
import re
import sys

import mindspore as ms
import numpy as np
import pytest
from mindspore import nn

from depthnet.src.model_utils import hooks
from depthnet.src.model_utils.checkpoint import read_parameters, read_record
from depthnet.src.model_utils.device import Device
from depthnet.src.model_utils.hooks import (
    Checkpoints,
    Csv,
    EpochLine,
    Hook,
    LogLine,
    Moment,
    Report,
    learning_rates,
)

CPU = Device("CPU")


def adam(rates=(0.1,)):
    """An optimizer with a group of parameters for each rate."""
    nets = [nn.Dense(2, 1) for _ in rates]
    for number, net in enumerate(nets):
        net.update_parameters_name(f"{number}.")
    if len(rates) == 1:
        return nn.Adam(nets[0].trainable_params(), rates[0])
    groups = [{"params": n.trainable_params(), "lr": rate} for n, rate in zip(nets, rates)]
    return nn.Adam(groups, 0.5)


@pytest.fixture(scope="module")
def optimizer():
    return adam()


@pytest.fixture
def report(optimizer):
    """A function that makes the Report of a step."""

    def make(step=0, total=10, steps_per_epoch=4, **given):
        given = {"seconds": 0.5, "wait_share": 0.123456, "examples_per_s": 16.0, **given}
        given = {"left": 3725.9, "values": {"loss": 0.25}, "optimizer": optimizer, **given}
        return Report(step, total, steps_per_epoch, stage="tiny", **given)

    return make


def test_a_moment_counts_from_zero():
    moments = [Moment(step, total=8, steps_per_epoch=4) for step in range(8)]
    assert [moment.done for moment in moments] == list(range(1, 9))
    assert [moment.step for moment in moments if moment.is_last] == [7]
    assert [moment.step for moment in moments if moment.ends_epoch] == [3, 7]


def test_progress_is_speed_share_and_time_left(report):
    assert report(step=4).progress() == "(16 examples/s, 50.0 %, 1:02:05 left)"
    text = report(step=0, total=8, examples_per_s=0.123456, left=59.99).progress()
    assert text == "(0.123 examples/s, 12.5 %, 0:00:59 left)"
    assert "1:00:00 left" in report(left=3600.0).progress()


def test_a_hook_does_nothing_unless_it_overrides(report):
    hook = Hook()
    assert hook.needs_look(report()) is False and hook.after_look(report()) is None
    assert hook.state() == {} and hook.restore({"a": 1}) is None and hook.name == ""


class Falling(nn.learning_rate_schedule.LearningRateSchedule):
    def construct(self, step):
        return 0.1 - 0.01 * step


def test_learning_rates_are_read_from_the_optimizer():
    assert learning_rates(adam()) == [0.1]
    assert learning_rates(adam((1e-4, 1e-5, 1e-4))) == [1e-5, 1e-4]
    falling = adam((Falling(), 0.5))
    for updates, rate in ((0, 0.1), (1, 0.1), (4, 0.07)):
        falling.global_step.set_data(ms.Tensor([updates], ms.int32))
        assert learning_rates(falling) == [pytest.approx(rate), 0.5]


def test_a_log_line_every_so_many_steps_and_at_the_end(report, printed):
    hook = LogLine(lambda r: f"step {r.step}", 4)
    for step in range(10):
        assert hook.needs_look(report(step=step)) == (step in (0, 4, 8, 9))
        hook.after_look(report(step=step))
    lines = printed().splitlines()
    assert [line.split("  ")[0] for line in lines] == ["step 0", "step 4", "step 8", "step 9"]
    assert lines[0] == "step 0  (16 examples/s, 10.0 %, 1:02:05 left)"


def test_on_a_terminal_there_is_one_live_line_too(report, printed, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    LogLine(lambda r: "line", 4).after_look(report(step=1))
    text = "tiny step 1 loss 0.25 (16 examples/s, 20.0 %, 1:02:05 left)"
    assert printed() == f"\r\033[K{text}\r"


def test_an_epoch_s_line_has_its_time_and_the_time_per_step(report, printed, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(hooks.time, "perf_counter", lambda: now[0])
    log = LogLine(lambda r: "log", 2)
    hook = EpochLine(lambda r: f"step {r.step}", log)
    looked = []
    for step in range(2, 12):  # a resumed run, in the middle of its first epoch
        now[0] += 1
        if hook.needs_look(report(step=step, total=20)):
            looked.append(step)
        hook.after_look(report(step=step, total=20))
    assert looked == [3, 7, 11]
    assert printed().splitlines() == [
        "step 3",
        "epoch time: 2000.000 ms, per step time: 1000.000 ms",
        "step 7",
        "epoch time: 4000.000 ms, per step time: 1000.000 ms",
        "step 11",
        "epoch time: 4000.000 ms, per step time: 1000.000 ms",
    ]


def test_an_epoch_s_line_is_not_printed_twice(report, printed):
    log = LogLine(lambda r: "log", 3)
    hook = EpochLine(lambda r: "epoch's own", log)
    hook.needs_look(report(step=0))
    hook.after_look(report(step=3))
    assert re.fullmatch(r"epoch time: .*\n", printed())


def rows(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def test_a_row_of_metrics_at_each_log_step_and_with_each_validation(report, tmp_path):
    hook = Csv(tmp_path / "m.csv", 4, CPU)
    for step in range(10):
        assert hook.needs_look(report(step=step)) == (step in (0, 4, 8, 9))
        values = {"loss": 0.5 * step, **({"val_loss": 7.0} if step == 5 else {})}
        hook.after_look(report(step=step, values=values))
    table = rows(tmp_path / "m.csv")
    assert [row["step"] for row in table] == ["0", "4", "5", "8", "9"]
    assert [row["val_loss"] for row in table] == ["", "", "7.0", "", ""]
    own = {"stage": "tiny", "step": "4", "loss": "2.0", "lr": "0.1", "examples_per_s": "16.0"}
    assert table[1] == {**own, "wait_share": "0.1235", "val_loss": ""}


def test_a_row_has_the_largest_and_the_smallest_of_several_rates(report, tmp_path):
    for number, rates in enumerate([(1e-4, 1e-5, 5e-5), (1e-4, 1e-5)]):
        path = tmp_path / f"{number}.csv"
        Csv(path, 1, CPU).after_look(report(optimizer=adam(rates)))
        (row,) = rows(path)
        assert (row["lr"], row["lr_min"]) == ("0.0001", "1e-05")


def test_a_resumed_csv_replaces_the_rows_from_its_first_step_on(report, tmp_path):
    for first in (0, 3):
        hook = Csv(tmp_path / "m.csv", 1, CPU)
        for step in range(first, 5):
            hook.after_look(report(step=step, values={"loss": float(first)}))
    assert [row["loss"] for row in rows(tmp_path / "m.csv")] == ["0.0"] * 3 + ["3.0"] * 2


def test_other_ranks_write_no_rows(report, tmp_path):
    Csv(tmp_path / "m.csv", 1, Device("CPU", rank=1, size=2)).after_look(report())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("active", [True, False])
def test_checkpoints_are_saved_when_due_and_the_newest_kept(report, tmp_path, active):
    net = nn.Dense(2, 1)
    hook = Checkpoints(
        {"net": net},
        due=lambda moment: moment.done % 2 == 0,
        path=lambda moment: tmp_path / f"net_{moment.done}.ckpt",
        pattern="net_*.ckpt",
        keep=2,
        record={"size": [4, 4]},
        active=active,
    )
    for step in range(7):
        assert hook.needs_look(report(step=step)) == (step in (1, 3, 5))
        hook.after_look(report(step=step))
    found = sorted(path.name for path in tmp_path.iterdir())
    assert found == (["net_4.ckpt", "net_6.ckpt"] if active else [])
    if active:
        assert read_record(tmp_path / "net_6.ckpt") == {"size": [4, 4], "step": 6}
        saved = read_parameters(tmp_path / "net_4.ckpt")
        np.testing.assert_array_equal(saved["weight"].asnumpy(), net.weight.asnumpy())


def test_checkpoints_are_written_unless_told_otherwise(report, tmp_path):
    paths = {"path": lambda moment: tmp_path / "a" / "net.ckpt", "pattern": "*", "keep": 0}
    Checkpoints({"n": nn.Dense(2, 1)}, due=lambda moment: True, **paths).after_look(report())
    assert read_record(tmp_path / "a" / "net.ckpt") == {"step": 1}

"""Validation while a training runs: means over samples and ranks, the best model, panels."""

import math

import cv2
import numpy as np
import pytest
from mindspore import nn

from depthnet.src.model_utils.checkpoint import read_parameters, read_record
from depthnet.src.model_utils.device import Device
from depthnet.src.model_utils.errors import InputError
from depthnet.src.model_utils.hooks import Report
from depthnet.src.model_utils.stream import SampleStream
from depthnet.src.model_utils.validation import BestModel, Panels, Validation
from tests.model_utils.test_stream import Numbers

CPU = Device("CPU")


def report(step=3, **given):
    given = {"values": {"loss": 1.0}, "images": {}, **given}
    speed = {"seconds": 1.0, "wait_share": 0.0, "examples_per_s": 1.0, "left": 1.0}
    return Report(step, 100, 10, stage="tiny", optimizer=None, **speed, **given)


class Step:
    """In place of an EvalStep: the mean of a batch's indices, and the indices as images."""

    fields = ("index",)

    def __init__(self):
        self.batches = []

    def __call__(self, batch):
        (index,) = (column.asnumpy() for column in batch)
        self.batches.append(index.ravel().tolist())
        return {"loss": float(index.mean()), "twice": 2 * float(index.mean())}, {"map": index}


class Pair:
    """In place of the Device of one of two ranks, whose other one finds 10 more."""

    def mean(self, values):
        return [value + 5 for value in values]


def validation(device=CPU, count=7, due=lambda moment: moment.done % 4 == 0):
    step = Step()
    stream = SampleStream(Numbers(count), 2, seed=0, shuffle=False)
    return step, Validation(step, stream, due=due, device=device)


def test_every_batch_counts_and_the_means_are_added(printed):
    step, hook = validation()
    given = report()
    hook.after_look(given)
    assert step.batches == [[0, 1], [2, 3], [4, 5]]  # the incomplete one is left out
    assert given.values == {"loss": 1.0, "val_loss": 2.5, "val_twice": 5.0}
    text = "validation of tiny after 4 steps: loss 2.5, twice 5\n"
    assert printed() == text
    # The first batch's images, and each validation begins anew.
    assert given.images["map"].ravel().tolist() == [0, 1]
    hook.after_look(report(step=7))
    assert step.batches[3:] == step.batches[:3]


def test_one_batch_is_enough():
    _, hook = validation(count=3)
    given = report()
    hook.after_look(given)
    assert given.values["val_loss"] == 0.5


@pytest.mark.parametrize(("given", "expected"), [({}, 1), ({"workers": 3}, 3)])
def test_samples_are_loaded_by_as_many_as_told(monkeypatch, given, expected):
    seen, batches = [], SampleStream.batches

    def note(self, *arguments, **options):
        seen.append(options)
        return batches(self, *arguments)

    monkeypatch.setattr(SampleStream, "batches", note)
    stream = SampleStream(Numbers(2), 2, seed=0)
    hook = Validation(Step(), stream, due=lambda moment: True, device=CPU, **given)
    hook.after_look(report())
    assert seen == [{"workers": expected}]


def test_it_validates_only_when_due():
    step, hook = validation()
    assert [hook.needs_look(report(step=s)) for s in range(4)] == [False] * 3 + [True]
    given = report(step=4)
    hook.after_look(given)
    assert not step.batches and given.values == {"loss": 1.0} and not given.images


def test_the_means_are_those_of_all_ranks():
    _, hook = validation(Pair())
    given = report()
    hook.after_look(given)
    assert (given.values["val_loss"], given.values["val_twice"]) == (7.5, 10.0)


def test_no_sample_to_validate_is_an_error():
    with pytest.raises(InputError, match="fewer than batch_size"):
        validation(count=1)


def best(path, device=CPU, **given):
    networks = {"net": nn.Dense(2, 1)}
    return BestModel(networks, path, device=device, **given)


def test_the_lowest_value_is_kept(tmp_path, printed):
    path = tmp_path / "best.ckpt"
    hook = best(path, record={"size": [4, 4]})
    assert hook.state() == {}
    for step, value in enumerate([3.0, 2.0, 2.0, math.nan, 2.5]):
        hook.after_look(report(step=step, values={"val_loss": value}))
    hook.after_look(report(step=9, values={"loss": 0.0}))  # no validation in this step
    assert read_record(path) == {"size": [4, 4], "step": 2, "val_loss": 2.0}
    assert list(read_parameters(path)) == ["weight", "bias"]
    assert hook.state() == {"value": 2.0}
    lines = printed().splitlines()
    assert lines == [f"best val_loss so far: {value}, saved in {path}" for value in (3, 2)]


def test_the_best_value_survives_a_stop(tmp_path):
    hook = best(tmp_path / "best")
    hook.restore({"value": 2.0})
    hook.after_look(report(values={"val_loss": 2.5}))
    assert not list(tmp_path.iterdir())
    hook.after_look(report(values={"val_loss": 1.5}))
    assert read_record(tmp_path / "best" / "net.ckpt")["val_loss"] == 1.5
    hook.restore({})
    assert hook.best == math.inf and hook.name == "best"


def test_another_term_may_decide_and_rank_0_alone_writes(tmp_path):
    hook = best(tmp_path / "best", Device("CPU", rank=1, size=2), term="val_rmse")
    hook.after_look(report(values={"val_loss": 1.0, "val_rmse": 4.0}))
    assert hook.best == 4.0 and not list(tmp_path.iterdir())


def draw(sample):
    assert set(sample) == {"map", "other"}
    return np.full((2, 2, 3), sample["map"][0] + sample["other"], np.uint8)


@pytest.mark.parametrize(("count", "written"), [(2, 2), (9, 3)])
def test_panels_of_the_first_samples(tmp_path, count, written):
    hook = Panels(tmp_path, draw, count, CPU)
    hook.after_look(report())  # without a validation there is nothing to draw
    images = {"map": np.array([[1], [2], [3]]), "other": np.array([10, 20, 30])}
    hook.after_look(report(step=3, images=images))
    names = [f"tiny_0000004_{number}.png" for number in range(written)]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    for name, value in zip(names, (11, 22, 33)):
        assert (cv2.imread(str(tmp_path / name)) == value).all()


def test_other_ranks_draw_nothing(tmp_path):
    images = {"map": np.array([[1]]), "other": np.array([1])}
    hook = Panels(tmp_path, draw, 1, Device("CPU", rank=1, size=2))
    hook.after_look(report(images=images))
    assert not list(tmp_path.iterdir())

"""What every run begins and ends with: saved configuration, curves, ModelArts' folders."""

import argparse
import sys
import types
from dataclasses import FrozenInstanceError

import pytest
import yaml

from depthnet.src.model_utils import context
from depthnet.src.model_utils.device import Device
from depthnet.src.model_utils.errors import InputError
from depthnet.src.model_utils.record import Record
from depthnet.src.model_utils.stream import SampleStream
from tests.model_utils.test_stream import Numbers


@pytest.fixture
def config(tmp_path):
    """A configuration, all of whose loop options differ from their defaults."""
    return argparse.Namespace(
        device_target="CPU",
        device_id=3,
        seed=7,
        run_distribute=False,
        resume="auto",
        resume_steps=11,
        host_every=12,
        log_steps=13,
        jit_level="O1",
        amp_level="O3",
        num_parallel_workers=14,
        worker_processes=True,
        is_modelarts=False,
        modelarts_data=str(tmp_path / "cache"),
        modelarts_output=str(tmp_path / "output"),
        train_url=str(tmp_path / "out"),
    )


@pytest.fixture
def started(monkeypatch):
    """The arguments of `setup`; `rank` may be changed."""
    seen = argparse.Namespace(rank=0)

    def setup(target, number, **named):
        seen.arguments = (target, number, named)
        return Device(target, rank=seen.rank, size=2, number=number)

    monkeypatch.setattr(context, "setup", setup)
    return seen


@pytest.fixture
def copies(monkeypatch):
    """What moxing, which only ModelArts has, is asked to copy."""
    found = []
    file = types.SimpleNamespace(
        copy_parallel=lambda src_url, dst_url: found.append((src_url, dst_url))
    )
    monkeypatch.setitem(sys.modules, "moxing", types.SimpleNamespace(file=file))
    return found


def test_a_program_that_does_not_train_starts_its_device(config, started):
    assert context.start(config) == Device("CPU", rank=0, size=2, number=3)
    assert started.arguments == ("CPU", 3, {"amp_level": "O3"})
    del config.amp_level  # a program that does not read it computes in float32
    context.start(config)
    assert started.arguments == ("CPU", 3, {"amp_level": "O0"})


def test_a_training_saves_its_configuration_and_gives_its_options_to_the_loop(
    config, started, tmp_path
):
    with context.training(config) as run:
        assert run.folder == tmp_path / "out" and run.local("x/y").as_posix() == "x/y"
        loop = run.trainer(SampleStream(Numbers(4), 2, 0))
        saved = yaml.safe_load((tmp_path / "out" / "config.yaml").read_text())
        assert saved == vars(config)
        with pytest.raises(FrozenInstanceError):
            run.folder = tmp_path
    named = {"seed": 7, "distributed": False, "amp_level": "O3"}
    assert started.arguments == ("CPU", 3, named)
    assert (loop.device, loop.folder) == (run.device, run.folder)
    assert (loop.resume, loop.resume_steps, loop.host_every) == ("auto", 11, 12)
    assert (loop.jit_level, loop.loaders) == ("O1", {"workers": 14, "processes": True})
    config.host_every, config.device_target = 0, "Ascend"
    with context.training(config) as run:
        assert run.trainer(SampleStream(Numbers(4), 2, 0)).host_every == 13


def test_the_configuration_goes_where_it_is_told(config, started, tmp_path):
    with context.training(config, saved="ckpt/config.yaml") as run:
        run.trainer(SampleStream(Numbers(4), 2, 0))
        assert (tmp_path / "out" / "ckpt" / "config.yaml").is_file()


def test_data_that_is_not_there_leaves_the_configuration_of_an_earlier_run(
    config, started, tmp_path
):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "config.yaml").write_text("seed: 3\n")
    with pytest.raises(InputError), context.training(config):
        raise InputError("NYU/Train is not there")
    assert (tmp_path / "out" / "config.yaml").read_text() == "seed: 3\n"


@pytest.mark.parametrize("error", [None, RuntimeError("failed"), SystemExit(0)])
def test_curves_are_drawn_at_the_end_of_any_kind(config, started, tmp_path, error):
    def train():
        with context.training(config) as run:
            Record(run.folder / "metrics.csv", "a", 0).add(step=0, loss=1)
            assert not (tmp_path / "out" / "curves.png").exists()
            if error is not None:
                raise error

    if error is None:
        train()
    else:
        with pytest.raises(type(error)):
            train()
    assert (tmp_path / "out" / "curves.png").is_file()


def test_a_full_disk_at_the_end_of_a_failed_run_hides_no_error(config, started, monkeypatch):
    def fail(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(context, "draw_curves", fail)
    with pytest.raises(RuntimeError, match="the reason"), context.training(config):
        raise RuntimeError("the reason")
    with pytest.raises(OSError, match="No space"), context.training(config):
        pass


def test_other_ranks_write_nothing(config, started, tmp_path, copies):
    started.rank, config.is_modelarts = 1, True
    with context.training(config) as run:
        assert run.local("obs://data").as_posix() == str(tmp_path / "cache" / "1")
        run.trainer(SampleStream(Numbers(4), 2, 0))
    assert copies == [("obs://data", str(tmp_path / "cache" / "1"))]
    assert not (tmp_path / "output").exists()


@pytest.mark.parametrize("error", [None, KeyboardInterrupt()])
def test_on_modelarts_data_comes_in_and_results_go_out_also_after_a_failure(
    config, started, tmp_path, copies, error
):
    config.is_modelarts, config.train_url = True, "obs://results"

    def train():
        with context.training(config) as run:
            assert run.folder == tmp_path / "output"
            assert run.local("obs://data").as_posix() == str(tmp_path / "cache" / "0")
            assert len(copies) == 1
            if error is not None:
                raise error

    if error is None:
        train()
    else:
        with pytest.raises(KeyboardInterrupt):
            train()
    data = ("obs://data", str(tmp_path / "cache" / "0"))
    assert copies == [data, (str(tmp_path / "output"), "obs://results")]


def test_modelarts_elsewhere_is_answered_before_anything_is_written(
    config, started, tmp_path, monkeypatch
):
    config.is_modelarts = True
    monkeypatch.setitem(sys.modules, "moxing", None)
    with pytest.raises(InputError, match="is_modelarts needs moxing"), context.training(config):
        pass
    assert not list(tmp_path.iterdir())

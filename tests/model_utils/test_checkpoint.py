"""Checkpoints of named networks: no clash, no silent damage, nothing half-written."""

import os
import signal
import subprocess
import sys

import mindspore as ms
import numpy as np
import pytest
from mindspore import nn

from depthnet.src.model_utils import checkpoint
from depthnet.src.model_utils.errors import InputError, RunError
from tests.conftest import REPOSITORY


def values(net):
    return {p.name: p.asnumpy().copy() for p in net.get_parameters()}


def test_what_was_saved_is_loaded(tmp_path):
    net, other = nn.Dense(3, 2), nn.Dense(3, 2)
    checkpoint.save_networks({"net": net}, tmp_path / "a" / "net.ckpt")
    assert checkpoint.load_networks({"net": other}, tmp_path / "a" / "net.ckpt") == []
    for name, value in values(net).items():
        np.testing.assert_array_equal(values(other)[name], value)
    assert os.listdir(tmp_path / "a") == ["net.ckpt"]


def test_state_holds_optimizer_and_progress(tmp_path):
    net = nn.Dense(3, 2)
    optimizer = nn.Adam(net.trainable_params(), 0.1)
    optimizer((ms.Tensor(np.ones((2, 3), np.float32)), ms.Tensor(np.ones(2, np.float32))))
    parameters = checkpoint.unique([*net.get_parameters(), *optimizer.get_parameters()]).values()
    checkpoint.save_state(tmp_path / "s.ckpt", parameters, {"step": 7, "stage": "x"})
    fresh = nn.Dense(3, 2)
    again = nn.Adam(fresh.trainable_params(), 0.1)
    state = [*fresh.get_parameters(), *again.get_parameters()]
    assert checkpoint.load_state(tmp_path / "s.ckpt", state) == {"step": 7, "stage": "x"}
    for old, new in zip(parameters, checkpoint.unique(state).values()):
        np.testing.assert_array_equal(new.asnumpy(), old.asnumpy(), err_msg=old.name)


def test_float16_weights_load_into_a_float32_network(tmp_path):
    net = nn.Dense(3, 2)
    half = [ms.Parameter(p.astype(ms.float16), name=p.name) for p in net.get_parameters()]
    checkpoint.save_parameters(half, tmp_path / "half.ckpt")
    checkpoint.load_networks({"net": net}, tmp_path / "half.ckpt")
    assert all(p.dtype == ms.float32 for p in net.get_parameters())


def save_other(path, *shapes):
    named = [
        ms.Parameter(np.ones(shape, np.float32), name=name)
        for name, shape in zip(("weight", "bias"), shapes)
    ]
    checkpoint.save_parameters(named, path)


def truncate(path):
    checkpoint.save_parameters(nn.Dense(300, 20).get_parameters(), path)
    path.write_bytes(path.read_bytes()[:-1000])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "does not exist"),
        (
            lambda path: path.write_bytes(b""),
            "truncated or not a MindSpore checkpoint|another model",
        ),
        (lambda path: path.write_bytes(os.urandom(500)), "truncated or not a MindSpore"),
        (truncate, "truncated or not a MindSpore|wrong shape"),
        (lambda path: path.mkdir(), "does not exist"),
        (lambda path: save_other(path, (2, 3)), "1 missing: bias"),
        (lambda path: save_other(path, (2, 4), (2,)), r"1 wrong shape: weight \(2, 4\), expected"),
    ],
)
def test_bad_files_are_refused_and_change_nothing(tmp_path, make, message):
    net = nn.Dense(3, 2)
    before = values(net)
    make(tmp_path / "bad.ckpt")
    with pytest.raises(InputError, match=message):
        checkpoint.load_networks({"net": net}, tmp_path / "bad.ckpt")
    for name, value in before.items():
        np.testing.assert_array_equal(values(net)[name], value)


def test_weights_are_no_state(tmp_path):
    net = nn.Dense(3, 2)
    checkpoint.save_parameters(net.get_parameters(), tmp_path / "net.ckpt")
    with pytest.raises(InputError, match="weights only"):
        checkpoint.load_state(tmp_path / "net.ckpt", net.get_parameters())


def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "net.ckpt"
    checkpoint.save_parameters(nn.Dense(3, 2).get_parameters(), path)
    before = path.read_bytes()

    def fail(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(RunError, match="No space left"):
        checkpoint.save_parameters(nn.Dense(3, 2).get_parameters(), path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["net.ckpt"]


KILLED_WHILE_SAVING = """
import os, signal, sys
from mindspore import nn
from depthnet.src.model_utils import checkpoint
os.fsync = lambda fd: os.kill(os.getpid(), signal.SIGKILL)
checkpoint.save_parameters(nn.Dense(3, 2).get_parameters(), sys.argv[1])
"""


def test_a_kill_during_a_save_leaves_the_old_file_and_the_next_save_cleans_up(tmp_path):
    path = tmp_path / "net.ckpt"
    checkpoint.save_parameters(nn.Dense(3, 2).get_parameters(), path)
    before = path.read_bytes()
    command = [sys.executable, "-c", KILLED_WHILE_SAVING, str(path)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True)
    assert done.returncode == -signal.SIGKILL
    assert path.read_bytes() == before
    checkpoint.load_networks({"net": nn.Dense(3, 2)}, path)
    assert len(os.listdir(tmp_path)) == 2
    checkpoint.save_parameters(nn.Dense(3, 2).get_parameters(), path)
    assert os.listdir(tmp_path) == ["net.ckpt"]


def resnet():
    """A network whose parameters have the names of every other one that is built like it."""
    return nn.SequentialCell(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dense(4, 2))


@pytest.mark.parametrize("place", ["two.ckpt", "two"])
def test_two_networks_of_one_kind_survive_in_a_file_and_in_a_folder(tmp_path, place):
    first, second = {"a": resnet(), "b": resnet()}, {"a": resnet(), "b": resnet()}
    checkpoint.save_networks(first, tmp_path / place, {"step": 3})
    assert checkpoint.load_networks(second, tmp_path / place) == []
    for name in "ab":
        for key, value in values(first[name]).items():
            np.testing.assert_array_equal(values(second[name])[key], value)
    assert not np.array_equal(second["a"][0].weight.asnumpy(), second["b"][0].weight.asnumpy())
    files = {"two.ckpt": ["two.ckpt"], "two": ["two/a.ckpt", "two/b.ckpt"]}[place]
    assert [checkpoint.read_record(tmp_path / file) for file in files] == [{"step": 3}] * len(files)


def test_files_keep_the_bare_names_of_networks_whose_names_were_prefixed(tmp_path):
    bare, prefixed = {"a": resnet(), "b": resnet()}, {"a": resnet(), "b": resnet()}
    checkpoint.prefix_names(prefixed)
    names = [p.name for net in prefixed.values() for p in net.get_parameters()]
    assert len(set(names)) == len(names) and "b.0.weight" in names
    checkpoint.save_networks(bare, tmp_path / "two")
    checkpoint.load_networks(prefixed, tmp_path / "two")
    checkpoint.save_networks({"a": prefixed["a"]}, tmp_path / "a.ckpt")
    saved = checkpoint.read_parameters(tmp_path / "a.ckpt")
    assert list(saved) == [p.name for p in bare["a"].get_parameters()]
    np.testing.assert_array_equal(saved["0.weight"].asnumpy(), bare["a"][0].weight.asnumpy())


def test_parameters_of_one_name_are_an_error(tmp_path):
    clash = [*resnet().get_parameters(), *resnet().get_parameters()]
    with pytest.raises(ValueError, match="two parameters are called 0.weight"):
        checkpoint.save_parameters(clash, tmp_path / "net.ckpt")
    assert not list(tmp_path.iterdir())


def test_names_that_would_clash_in_one_file_are_an_error_and_apart_in_a_folder(tmp_path):
    class Inner(nn.Cell):
        def __init__(self, name):
            super().__init__()
            self.w = ms.Parameter(np.float32([len(name)]), name=name)

    # "a" + "b.w" and "a.b" + "w" are both a.b.w.
    networks = {"a": Inner("b.w"), "a.b": Inner("w")}
    with pytest.raises(ValueError, match=r"two parameters would be called a\.b\.w in .*net.ckpt"):
        checkpoint.save_networks(networks, tmp_path / "net.ckpt")
    assert not list(tmp_path.iterdir())
    checkpoint.save_networks(networks, tmp_path / "nets")
    found = checkpoint.read_parameters(tmp_path / "nets" / "a.b.ckpt")
    assert {name: value.asnumpy().tolist() for name, value in found.items()} == {"w": [1.0]}


def test_prefixing_again_takes_the_new_name_only(tmp_path):
    net = nn.Dense(3, 2)
    checkpoint.prefix_names({"a": net})
    checkpoint.prefix_names({"b": net})
    assert [p.name for p in net.get_parameters()] == ["b.weight", "b.bias"]
    checkpoint.save_networks({"b": net}, tmp_path / "net.ckpt")
    assert list(checkpoint.read_parameters(tmp_path / "net.ckpt")) == ["weight", "bias"]


def test_a_folder_without_one_of_its_networks_fills_none(tmp_path):
    checkpoint.save_networks({"a": resnet()}, tmp_path / "models")
    nets = {"a": resnet(), "b": resnet()}
    before = values(nets["a"])
    with pytest.raises(InputError, match="models/b.ckpt does not exist"):
        checkpoint.load_networks(nets, tmp_path / "models")
    np.testing.assert_array_equal(values(nets["a"])["0.weight"], before["0.weight"])


def test_mindspore_s_own_functions_read_a_file_with_a_record(tmp_path):
    net, other = resnet(), resnet()
    checkpoint.save_networks({"net": net}, tmp_path / "net.ckpt", {"options": {"features": 8}})
    found = ms.load_checkpoint(str(tmp_path / "net.ckpt"))
    assert list(found) == list(values(net))
    assert ms.load_param_into_net(other, found) == ([], [])


READ_BY_2_0_0 = """
import sys
import mindspore as ms
found = ms.load_checkpoint(sys.argv[1])
print(ms.__version__, {name: value.asnumpy().tolist() for name, value in found.items()})
"""


@pytest.mark.slow
def test_mindspore_2_0_0_reads_a_file_with_a_record(tmp_path, export_python):
    net = nn.Dense(3, 2)
    checkpoint.save_networks({"net": net}, tmp_path / "net.ckpt", {"options": {"a": "x" * 500}})
    command = [export_python, "-c", READ_BY_2_0_0, tmp_path / "net.ckpt"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    printed = subprocess.check_output(list(map(str, command)), env=environment, text=True)
    expected = {name: value.tolist() for name, value in values(net).items()}
    assert printed.splitlines()[-1] == f"2.0.0 {expected}"


def test_an_unfitting_network_is_told_what_the_file_was_saved_with(tmp_path):
    checkpoint.save_networks(
        {"net": nn.Dense(3, 2)}, tmp_path / "n.ckpt", {"options": {"width": 2}}
    )
    with pytest.raises(InputError, match=r"weight \(2, 3\), expected \(2, 5\).*saved with width 2"):
        checkpoint.load_networks({"net": nn.Dense(5, 2)}, tmp_path / "n.ckpt")


def test_a_state_that_does_not_fit_names_both_versions_of_mindspore(tmp_path, monkeypatch):
    path, here = tmp_path / "state.ckpt", ms.__version__
    with monkeypatch.context() as other:
        other.setattr(ms, "__version__", "2.6.9")
        checkpoint.save_state(path, nn.Dense(3, 2).get_parameters(), {"step": 1})
    with pytest.raises(InputError, match=f"; it was saved with MindSpore 2.6.9, this is {here}$"):
        checkpoint.load_state(path, nn.Dense(5, 2).get_parameters())
    assert checkpoint.load_state(path, nn.Dense(3, 2).get_parameters()) == {"step": 1}
    checkpoint.save_state(path, nn.Dense(3, 2).get_parameters(), {"step": 1})
    with pytest.raises(InputError, match=r"expected \(2, 5\)$"):
        checkpoint.load_state(path, nn.Dense(5, 2).get_parameters())


def test_no_flipped_byte_loads_silently(tmp_path):
    """Anywhere in the file: it is named, or what is loaded is what was saved."""
    net, path = nn.Dense(3, 2), tmp_path / "net.ckpt"
    checkpoint.save_networks({"net": net}, path, {"step": 1})
    good, refused = path.read_bytes(), 0
    for place in range(len(good)):
        data = bytearray(good)
        data[place] ^= 1
        path.write_bytes(data)
        other = nn.Dense(3, 2)
        try:
            checkpoint.load_networks({"net": other}, path)
        except InputError as err:
            assert "net.ckpt" in str(err)
            refused += 1
            continue
        for name, value in values(net).items():
            np.testing.assert_array_equal(values(other)[name], value)
    assert refused >= len(good) - 8  # the eight bytes that mark the record


def test_a_file_that_mindspore_cannot_parse_is_told_by_its_checksum(tmp_path):
    path = tmp_path / "net.ckpt"
    checkpoint.save_networks({"net": nn.Dense(2, 2)}, path)
    path.write_bytes(b"\xff" * 8 + path.read_bytes()[8:])
    with pytest.raises(Exception, match=".+"):
        ms.load_checkpoint(str(path))
    with pytest.raises(InputError, match="net.ckpt is damaged, its checksum differs; use another"):
        checkpoint.read_parameters(path)


def test_the_state_before_the_last_is_kept(tmp_path):
    parameters = list(nn.Dense(3, 2).get_parameters())
    for step in range(3):
        checkpoint.save_state(tmp_path / "state.ckpt", parameters, {"step": step})
    assert sorted(os.listdir(tmp_path)) == ["state.ckpt", "state.previous.ckpt"]
    steps = [
        checkpoint.load_state(tmp_path / name, parameters)["step"]
        for name in ("state.ckpt", "state.previous.ckpt")
    ]
    assert steps == [2, 1]


def test_a_state_of_version_0_1_resumes(tmp_path):
    """It kept the progress as an entry of its own and had neither record nor checksum."""
    net = nn.Dense(3, 2)
    items = [{"name": p.name, "data": p} for p in net.get_parameters()]
    path = str(tmp_path / "state.ckpt")
    ms.save_checkpoint(items, path, append_dict={"progress": '{"step": 5}'})
    other = nn.Dense(3, 2)
    assert checkpoint.load_state(path, other.get_parameters()) == {"step": 5}
    np.testing.assert_array_equal(other.weight.asnumpy(), net.weight.asnumpy())


def test_a_flipped_byte_of_one_network_names_the_intact_folder_before_it(tmp_path):
    for step in (1, 2):
        networks = {"depth": nn.Dense(3, 2), "pose": nn.Dense(3, 2)}
        checkpoint.save_networks(networks, tmp_path / f"weights_{step}", {"step": step})
    file = tmp_path / "weights_2" / "pose.ckpt"
    data = bytearray(file.read_bytes())
    data[40] ^= 1
    file.write_bytes(data)
    before = values(networks["depth"])
    checkpoint.save_networks({"depth": nn.Dense(3, 2)}, tmp_path / "other.ckpt")
    message = r"weights_2/pose.ckpt is damaged.*weights_1/pose.ckpt is intact"
    with pytest.raises(InputError, match=message):
        checkpoint.load_networks(networks, tmp_path / "weights_2")
    np.testing.assert_array_equal(values(networks["depth"])["weight"], before["weight"])


def test_missing_parameters_may_be_allowed_and_are_told(tmp_path):
    save_other(tmp_path / "net.ckpt", (2, 3))
    net = nn.Dense(3, 2)
    bias = net.bias.asnumpy().copy()
    assert checkpoint.load_networks({"n": net}, tmp_path / "net.ckpt", True) == ["bias"]
    np.testing.assert_array_equal(net.weight.asnumpy(), np.ones((2, 3)))
    np.testing.assert_array_equal(net.bias.asnumpy(), bias)
    save_other(tmp_path / "none.ckpt", (9,))
    with pytest.raises(InputError, match="1 wrong shape: weight"):
        checkpoint.load_networks({"n": net}, tmp_path / "none.ckpt", True)


def test_a_checkpoint_of_another_model_is_told_by_three_names_of_each_list(tmp_path):
    net = nn.SequentialCell(*[nn.Dense(2, 2) for _ in range(2)])
    other = [ms.Parameter(np.ones(1, np.float32), name=f"x{i}") for i in range(2)]
    checkpoint.save_parameters(other, tmp_path / "net.ckpt")
    with pytest.raises(InputError) as caught:
        checkpoint.load_networks({"n": net}, tmp_path / "net.ckpt", allow_missing=True)
    assert str(caught.value).endswith(
        "is of another model: 4 missing: 0.weight, 0.bias, 1.weight, ...; 2 unexpected: x0, x1"
    )


def test_the_file_that_a_save_writes_is_readable_by_all(tmp_path):
    checkpoint.save_parameters(nn.Dense(3, 2).get_parameters(), tmp_path / "net.ckpt")
    assert (tmp_path / "net.ckpt").stat().st_mode & 0o777 == 0o644


def test_what_could_not_be_saved_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="cannot save .*nothing was written"):
        checkpoint.save_parameters(nn.Dense(3, 2).get_parameters(), tmp_path / "file" / "net.ckpt")
    net = tmp_path / "net.ckpt"
    checkpoint.save_parameters(nn.Dense(3, 2).get_parameters(), net)
    with pytest.raises(RunError, match="cannot save .*the previous one is intact"):
        checkpoint.save_parameters(nn.Dense(3, 2).get_parameters(), net, {"a": object()})


def test_a_file_system_without_links_keeps_the_state_before_too(tmp_path, monkeypatch):
    def fail(*arguments):
        raise OSError("no links")

    monkeypatch.setattr(os, "link", fail)
    test_the_state_before_the_last_is_kept(tmp_path)
    (tmp_path / "state.ckpt").unlink()
    assert (tmp_path / "state.previous.ckpt").is_file()


def test_a_save_without_a_record_has_an_empty_one(tmp_path):
    checkpoint.save_parameters(nn.Dense(3, 2).get_parameters(), tmp_path / "net.ckpt")
    assert checkpoint.read_record(tmp_path / "net.ckpt") == {}
    assert (tmp_path / "net.ckpt").read_bytes().endswith(b"ZOORECRD")


def test_missing_checkpoints_are_told_before_networks_are_built(tmp_path):
    (tmp_path / "there.ckpt").touch()
    checkpoint.must_exist(tmp_path / "there.ckpt")
    with pytest.raises(InputError, match="checkpoint .*gone.ckpt does not exist; train first"):
        checkpoint.must_exist(tmp_path / "there.ckpt", tmp_path / "gone.ckpt")


@pytest.mark.parametrize("progress", [{}, {"step": "3"}])
def test_a_state_whose_progress_has_no_step_is_refused(tmp_path, progress):
    parameters = list(nn.Dense(3, 2).get_parameters())
    checkpoint.save_state(tmp_path / "state.ckpt", parameters, progress)
    with pytest.raises(InputError, match="state.ckpt is damaged, its progress cannot be read"):
        checkpoint.load_state(tmp_path / "state.ckpt", parameters)
    items = [{"name": p.name, "data": p} for p in parameters]
    for text in ("[3]", "{"):
        ms.save_checkpoint(items, str(tmp_path / "old.ckpt"), append_dict={"progress": text})
        with pytest.raises(InputError, match="old.ckpt is damaged, its progress cannot be read"):
            checkpoint.load_state(tmp_path / "old.ckpt", parameters)

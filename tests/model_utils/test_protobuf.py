"""Protobuf read in place; a .ckpt file's tensors as MindSpore reads them, or left to MindSpore."""

import mindspore as ms
import numpy as np
import pytest
from mindspore.train.checkpoint_pb2 import Checkpoint

from depthnet.src.model_utils import checkpoint, protobuf
from depthnet.src.model_utils.errors import InputError
from tests.geonet.tf_files import varint as written

ARRAYS = {
    "weight": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    "half": np.linspace(-1, 1, 5, dtype=np.float16),
    "double": np.array([[1e300]]),
    "step": np.array(7, np.int32),
    "long": np.array([2**40, -1], np.int64),
    "größe": np.zeros((1, 130, 1, 1), np.float32),  # dimensions and names of two bytes
}


def message(**changes):
    """A Checkpoint of ARRAYS, as MindSpore writes it."""
    found = Checkpoint()
    for name, array in {**ARRAYS, **changes}.items():
        entry = found.value.add(tag=name)
        entry.tensor.dims.extend(array.shape or [0])
        entry.tensor.tensor_type = array.dtype.name.capitalize()
        entry.tensor.tensor_content = array.tobytes()
    return found


@pytest.fixture
def left_to_mindspore(monkeypatch):
    """The paths that were given to MindSpore's load_checkpoint."""
    paths, load = [], ms.load_checkpoint
    monkeypatch.setattr(ms, "load_checkpoint", lambda path: paths.append(path) or load(path))
    return paths


def entries(tmp_path, data):
    (path := tmp_path / "net.ckpt").write_bytes(data)
    return protobuf.read_entries(path)


def check(found, arrays):
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        assert found[name].numpy().dtype == array.dtype and found[name].shape == array.shape
        np.testing.assert_array_equal(found[name].numpy(), array, err_msg=name)


def test_numbers_of_seven_bits_per_byte():
    for number in (0, 1, 127, 128, 300, 2**31, 2**63, 2**64 - 1):
        data = b"x" + written(number) + b"y"
        assert protobuf.varint(data, 1) == (number, len(data) - 1)
    assert written(300) == b"\xac\x02"
    with pytest.raises(ValueError, match="too many bytes"):
        protobuf.varint(b"\xff" * 11, 0)
    with pytest.raises(IndexError):
        protobuf.varint(b"\xff" * 3, 0)


def test_fields_are_parts_of_what_they_are_read_from():
    data = memoryview(b"\x08\x96\x01\x12\x03abc\x1d\x01\x00\x00\x00\x12\x00\x21" + bytes(range(8)))
    found = protobuf.fields(data)
    assert {
        key: [bytes(v) if key == 2 else v for v in values] for key, values in found.items()
    } == {
        1: [150],
        2: [b"abc", b""],
        3: [1],
        4: [int.from_bytes(range(8), "little")],
    }
    assert found[2][0].obj is data.obj  # not copied


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\x12\x04abc", "ends too early"),
        (b"\x1d\x01\x00", "ends too early"),
        (b"\x0b", "is no message"),
        (5, "a number where a message belongs"),
    ],
)
def test_what_is_no_message(data, text):
    with pytest.raises(ValueError, match=text):
        protobuf.fields(data)


def test_tensors_are_those_of_mindspore(tmp_path, left_to_mindspore):
    found = entries(tmp_path, message().SerializeToString())
    assert not left_to_mindspore
    check(found, ARRAYS)
    check(ms.load_checkpoint(str(tmp_path / "net.ckpt")), ARRAYS)


def test_what_mindspore_and_we_save_is_read_in_place(tmp_path, left_to_mindspore):
    items = [{"name": name, "data": ms.Tensor(array)} for name, array in ARRAYS.items()]
    ms.save_checkpoint(items, str(tmp_path / "theirs.ckpt"))
    parameters = [ms.Parameter(array, name=name) for name, array in ARRAYS.items()]
    checkpoint.save_parameters(parameters, tmp_path / "ours.ckpt", {"step": 3})
    for name in ("theirs", "ours"):
        check(protobuf.read_entries(tmp_path / f"{name}.ckpt"), ARRAYS)
    assert not left_to_mindspore


def test_each_tensor_starts_at_a_cache_line_of_its_own(tmp_path):
    found = entries(tmp_path, message().SerializeToString())
    starts = [tensor.numpy().ctypes.data for tensor in found.values()]
    assert [start % 64 for start in starts] == [0] * len(starts)
    found["weight"].asnumpy()[:] = -1  # as an optimizer changes it
    check({k: v for k, v in found.items() if k != "weight"}, dict(list(ARRAYS.items())[1:]))


def test_text_is_left_to_mindspore(tmp_path, left_to_mindspore):
    path = tmp_path / "net.ckpt"
    items = [{"name": "weight", "data": ms.Tensor(ARRAYS["weight"])}]
    ms.save_checkpoint(items, str(path), append_dict={"epoch": 3, "name": "net"})
    found = protobuf.read_entries(path)
    assert left_to_mindspore == [str(path)] and found["name"] == "net" and "weight" in found


def test_a_tensor_in_parts_is_left_to_mindspore(tmp_path, left_to_mindspore):
    found = message(last=ARRAYS["weight"])
    part, whole = found.value[-1], ARRAYS["weight"].tobytes()
    part.tensor.tensor_content = whole[:40]
    found.value.add().CopyFrom(part)
    found.value[-1].tensor.tensor_content = whole[40:]
    check(entries(tmp_path, found.SerializeToString()), {**ARRAYS, "last": ARRAYS["weight"]})
    assert left_to_mindspore


def test_other_types_are_left_to_mindspore(tmp_path, left_to_mindspore):
    flag = np.array([True, False])
    check(entries(tmp_path, message(flag=flag).SerializeToString()), {**ARRAYS, "flag": flag})
    assert left_to_mindspore


def test_damage_is_an_error_or_read_as_mindspore_reads_it(tmp_path):
    whole, rng = message().SerializeToString(), np.random.default_rng(0)
    damaged = [bytearray(whole[:size]) for size in range(0, len(whole), 7)]
    for place in rng.integers(0, len(whole), 300):
        damaged.append(bytearray(whole))
        damaged[-1][place] ^= 1 << rng.integers(8)
    read = 0
    for data in damaged:
        try:
            found = entries(tmp_path, data)
        except ValueError:
            continue
        expected = ms.load_checkpoint(str(tmp_path / "net.ckpt"))
        check(found, {name: value.numpy() for name, value in expected.items()})
        read += 1
    assert 100 < read < len(damaged) - 100


def test_a_number_in_place_of_the_type(tmp_path):
    tensor = b"\x10" + written(2**62) + b"\x1a\x00"
    entry = b"\x0a\x01a\x12" + written(len(tensor)) + tensor
    with pytest.raises(ValueError, match="its fields are not a checkpoint's"):
        entries(tmp_path, b"\x0a" + written(len(entry)) + entry)


def test_a_tensor_with_fewer_values_than_its_shape(tmp_path):
    found = message()
    found.value[0].tensor.dims[0] = 3
    with pytest.raises(ValueError, match=r"weight has 96 bytes, its shape is \(3, 3, 4\)"):
        entries(tmp_path, found.SerializeToString())
    with pytest.raises(InputError, match=r"net.ckpt is truncated or not .*: weight has 96 bytes"):
        checkpoint.read_parameters(tmp_path / "net.ckpt")

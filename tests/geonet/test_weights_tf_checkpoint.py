"""TensorFlow checkpoints: the original's own, shards, and what a damaged or odd one is told."""

import json

import numpy as np
import pytest

from geonet.src.model_utils.errors import InputError
from geonet.src.weights.crc32c import crc32c
from geonet.src.weights.tf_checkpoint import index_path, read_checkpoint
from tests.geonet.tf_files import GOLDEN, entry, header, index, masked, message, write_checkpoint
from tests.geonet.tf_files import number as number_field

OWN = GOLDEN / "ckpt_pose" / "model-12345.index"
ARRAYS = {
    "pose_net/Conv/weights": np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2),
    "pose_net/Conv/biases": np.float32([-1.5, 2.5]),
    "half": np.float16([0.5, 65504]),
    "double": np.float64([[1e300]]),
    "global_step_1": np.array(-7, np.int32),
    "counter": np.array(2**40, np.int64),
}


def everything(path):
    return read_checkpoint(path, lambda name: True)


def test_the_original_s_checkpoint():
    golden = json.loads((GOLDEN / "ckpt_pose_tensors.json").read_text())
    prefix, expected = golden["prefix"], golden["tensors"]
    arrays, others = everything(OWN)
    assert sorted(arrays) == sorted(prefix + name for name in expected) and others == []
    for name, array in arrays.items():
        values = np.float64(array)
        assert list(array.shape) == expected[name]["shape"]
        assert str(array.dtype) in expected[name]["dtype"]
        np.testing.assert_allclose(values.sum(), expected[name]["sum"], rtol=1e-12, atol=1e-12)
        norm = np.sqrt(np.square(values).sum())
        np.testing.assert_allclose(norm, expected[name]["l2"], rtol=1e-12)


def test_the_tests_writer_writes_what_tensorflow_wrote(tmp_path):
    write_checkpoint(tmp_path / "model-12345", everything(OWN)[0], crc32c=crc32c)
    for name in ("model-12345.index", "model-12345.data-00000-of-00001"):
        assert (tmp_path / name).read_bytes() == OWN.with_name(name).read_bytes()


@pytest.mark.parametrize(("shards", "block_size"), [(1, 1), (3, 1 << 18), (10, 64)])
def test_types_shards_and_blocks(tmp_path, shards, block_size):
    write_checkpoint(tmp_path / "a.b-7", ARRAYS, shards, block_size)
    found, others = everything(tmp_path / "a.b-7.index")
    assert sorted(found) == sorted(ARRAYS) and others == []
    for name, array in found.items():
        assert array.dtype == ARRAYS[name].dtype
        np.testing.assert_array_equal(array, ARRAYS[name])


def test_only_what_is_wanted_is_read(tmp_path):
    write_checkpoint(tmp_path / "m", ARRAYS, shards=6)
    place = sorted(ARRAYS).index("counter")
    for shard in range(6):
        if shard != place:
            (tmp_path / f"m.data-{shard:05d}-of-00006").unlink()
    found, others = read_checkpoint(tmp_path / "m.index", lambda name: name == "counter")
    assert found == {"counter": 2**40} and sorted(others) == sorted(set(ARRAYS) - {"counter"})


@pytest.mark.parametrize("ending", ["index", "meta", "data-00000-of-00001", "data-00012-of-00099"])
def test_any_file_of_a_checkpoint_leads_to_its_index(tmp_path, ending):
    assert index_path(tmp_path / f"model.ckpt-5.{ending}") == tmp_path / "model.ckpt-5.index"


@pytest.mark.parametrize("name", ["model-5", "model-5.ckpt", "model.data-0-of-1", ".index"])
def test_other_names_lead_nowhere(tmp_path, name):
    assert index_path(tmp_path / name) is None


def refuse(path):
    with pytest.raises(InputError) as error:
        everything(path)
    return str(error.value)


@pytest.fixture
def written(tmp_path):
    write_checkpoint(tmp_path / "model-7", ARRAYS)
    return tmp_path / "model-7.index", tmp_path / "model-7.data-00000-of-00001"


def test_a_missing_data_file(written):
    path, data = written
    data.unlink()
    assert refuse(path) == f"{data} does not exist; put it beside model-7.index"


def test_a_data_file_that_is_cut(written):
    path, data = written
    data.write_bytes(data.read_bytes()[:-1])
    assert refuse(path) == (
        f"{path} lists more bytes than {data.name} holds; copy the checkpoint again"
    )


@pytest.mark.parametrize("place", [0, 60, -1])
def test_a_flipped_bit_in_the_data(written, place):
    path, data = written
    content = bytearray(data.read_bytes())
    content[place] ^= 1
    data.write_bytes(content)
    line = refuse(path)
    assert line.startswith(f"{data} is damaged, the checksum of ")
    assert line.endswith(" differs; copy it again")


F32 = np.float32([1, 2, 3])
RIGHT = masked(crc32c(F32.tobytes()))


def small(tmp_path, value, head=None, key=b"name"):
    """A checkpoint of one variable of 12 bytes, whose index says what is given."""
    (tmp_path / "m.data-00000-of-00001").write_bytes(F32.tobytes())
    entries = {b"": header() if head is None else head, key: value}
    (tmp_path / "m.index").write_bytes(index(entries))
    return tmp_path / "m.index"


def test_an_index_that_says_the_truth(tmp_path):
    found, _ = everything(small(tmp_path, entry(1, (3,), 0, 12, RIGHT)))
    np.testing.assert_array_equal(found["name"], F32)


GOOD = entry(1, (3,), 0, 12, RIGHT)
LIES = {
    "a longer variable": (entry(1, (1 << 30,), 0, 1 << 32, RIGHT), "lists more bytes than m.data-"),
    "beyond the end": (entry(1, (3,), 4, 12, RIGHT), "has 12 bytes, name ends at 16"),
    "an offset of 2^63": (entry(1, (3,), 1 << 63, 12, RIGHT), "is truncated"),
    "another shape": (entry(1, (4,), 0, 12, RIGHT), r"name has shape \(4,\) and 12 bytes"),
    "a negative length": (entry(1, (2**64 - 1,), 0, 12, RIGHT), "the length 18446744073709551615"),
    "no length": (entry(1, (3, 0), 0, 12, RIGHT), "the length 0"),
    "nine dimensions": (entry(1, (3, *[1] * 8), 0, 12, RIGHT), "a shape has the length 1"),
    "another checksum": (entry(1, (3,), 0, 12, RIGHT ^ 1), "the checksum of name differs"),
    "another file": (entry(1, (3,), 0, 12, RIGHT, 1), "name lies in file 1 of 1"),
    "text": (entry(7, (3,), 0, 12, RIGHT), "the type of name is 7, expected 1"),
    "slices": (GOOD + message(7, b""), "holds name in slices, of a partitioned variable; save"),
    "a shape that is a number": (number_field(1, 1) + number_field(2, 3), "other fields"),
    "a type that is a text": (message(1, b"float"), "other fields"),
    "a length that is a message": (
        number_field(1, 1) + message(2, message(2, message(1, b"x"))),
        "the length b'x'",
    ),
    "a dimension that is a number": (message(2, number_field(2, 5)), "where a message belongs"),
    "cut": (GOOD[:-1], "an entry ends too early"),
    "cut in a number": (b"\x08\x80", "an entry ends too early"),
    "no message": (b"\x0b", "an entry is no message"),
}


@pytest.mark.parametrize("case", LIES)
def test_an_index_with_right_checksums_that_lies(tmp_path, case):
    value, reason = LIES[case]
    path = small(tmp_path, value)
    with pytest.raises(InputError, match=reason) as error:
        everything(path)
    assert str(error.value).startswith(f"{tmp_path}/m.")


HEADS = {
    "big-endian": (header(endianness=1), "big-endian: save it on another machine"),
    "no files": (header(0), "its data are in 0 files"),
    "many files": (header(1 << 40), "its data are in 1099511627776 files"),
    "text": (message(1, b"one"), "its data are in b'one' files"),
}


@pytest.mark.parametrize("case", HEADS)
def test_a_header_that_is_of_no_use(tmp_path, case):
    head, reason = HEADS[case]
    assert reason in refuse(small(tmp_path, GOOD, head))


def test_an_index_without_a_header(tmp_path):
    (tmp_path / "m.index").write_bytes(index({b"name": GOOD}))
    assert "it has no header" in refuse(tmp_path / "m.index")


@pytest.mark.parametrize("key", [b"a\nb", b"\xf0\xfe", b"\x7f"])
def test_a_name_that_cannot_be_printed(tmp_path, key):
    line = refuse(small(tmp_path, GOOD, key=key))
    assert f"a name is {key!r}" in line and "\n" not in line


def test_pieces_of_sliced_variables_have_no_name_of_their_own(tmp_path):
    assert everything(small(tmp_path, GOOD, key=b"\0name\0")) == ({}, [])

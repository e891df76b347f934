"""PyTorch's files are read without torch, and what is no tensor is refused without running."""

import pickle
import random
import time
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from depthnet.src.model_utils import torch_files
from depthnet.src.model_utils.errors import InputError
from depthnet.src.model_utils.weights import read_entries, read_weights
from tests.torch_files import MAGIC, PROTOCOL, Call, Storage, save_torch, tensor

DATA = Path(__file__).parent / "data"
TENSORS = {  # of data/README.md
    "matrix": ("float32", [[0, 1, 2], [3, 4, 5]]),
    "transposed": ("float32", [[0, 3], [1, 4], [2, 5]]),
    "part": ("float32", [3, 5, 7]),
    "half": ("float32", [0.5, -2]),
    "bfloat16": ("float32", [1, -0.15625]),
    "double": ("float64", [0.1]),
    "long": ("int64", -7),
    "int": ("int32", [1 << 20]),
    "short": ("int16", [-300]),
    "char": ("int8", [-3]),
    "byte": ("uint8", [200]),
    "bool": ("bool", [True, False]),
    "parameter": ("float32", [3, 4]),
    "empty": ("float32", np.zeros((0, 3))),
    "expanded": ("float32", [[5] * 4] * 2),
}
TRAINING = {
    "0.weight": [[1, 2]],
    "0.bias": [3],
    "1.weight": [4],
    "1.bias": [4.999],
    "1.running_mean": [0.45],
    "1.running_var": [0.95],
    "1.num_batches_tracked": 1,
}
FORMS = {"zip": False, "legacy": True}


@pytest.fixture(params=FORMS, ids=FORMS)
def is_legacy(request):
    return FORMS[request.param]


def write_pickle(path, data, is_legacy):
    """A file whose pickle is `data`, without storages."""
    if is_legacy:
        head = b"".join(pickle.dumps(value, 2) for value in (MAGIC, PROTOCOL, {}))
        path.write_bytes(head + data + pickle.dumps([], 2))
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", data)


def peak_memory(function, *arguments):
    """Bytes that were in use at most beyond those before."""
    tracemalloc.start()
    try:
        function(*arguments)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["tensors.pt", "tensors_legacy.pt"])
def test_every_kind_of_tensor_that_torch_writes(name):
    found = read_weights(DATA / name)
    assert list(found) == list(TENSORS)
    for key, (dtype, values) in TENSORS.items():
        assert found[key].dtype == dtype and found[key].dtype.isnative, key
        np.testing.assert_array_equal(found[key], np.array(values, dtype), err_msg=key)
        assert found[key].shape == np.shape(values), key


@pytest.mark.parametrize("name", ["tensors.pt", "tensors_legacy.pt"])
def test_numbers_and_texts_beside_the_tensors(name):
    tensors, rest = read_entries(DATA / name)
    assert list(tensors) == list(TENSORS)
    assert rest == {"epoch": 3, "dtype": "float32", "name": "x", "rate": 0.5}


def test_the_numbers_beside_the_weights_of_a_training_state(tmp_path, is_legacy):
    content = {"step": 9, "model": {"a": np.float32([1]), "height": 192, "use_stereo": True}}
    save_torch(tmp_path / "a.pt", content, is_legacy)
    rest = read_entries(tmp_path / "a.pt")[1]
    assert rest == {"height": 192, "use_stereo": True} and rest["use_stereo"] is True


def test_tensors_of_one_storage_share_memory():
    found = read_weights(DATA / "tensors.pt")
    assert np.shares_memory(found["matrix"], found["transposed"])
    assert not any(array.flags.writeable for array in found.values())


@pytest.mark.parametrize("name", ["training.pth.tar", "training_legacy.pth.tar"])
def test_of_a_training_state_the_weights_without_the_prefix_of_data_parallel(name):
    found = read_weights(DATA / name)
    assert list(found) == list(TRAINING)
    for key, values in TRAINING.items():
        np.testing.assert_allclose(found[key], values, rtol=1e-6, err_msg=key)


@pytest.mark.parametrize("part", ["model", "state_dict", "model_state_dict"])
def test_the_part_of_a_training_state(tmp_path, part, is_legacy):
    state = {"epoch": 3, part: {"a": np.float32([1, 2]), "text": "x"}, "b": np.float32([9])}
    save_torch(tmp_path / "a.pt", state, is_legacy)
    (item,) = read_weights(tmp_path / "a.pt").items()
    assert item[0] == "a" and item[1].tolist() == [1, 2]


def test_big_endian_values(tmp_path):
    arrays = {"a": np.float32([[1, -2.5]]), "h": np.float16([0.5]), "n": np.array(-3)}
    save_torch(tmp_path / "a.pt", arrays, is_big=True)
    found = read_weights(tmp_path / "a.pt")
    for key, value in arrays.items():
        np.testing.assert_array_equal(found[key], value)
        assert found[key].dtype.isnative


def test_pairs_in_an_ordered_dict_as_python_2_wrote_them(tmp_path, is_legacy):
    pairs = [["a", np.float32([1])], ["b", np.float32([2])]]
    save_torch(tmp_path / "a.pt", Call("collections", "OrderedDict", pairs), is_legacy)
    assert {k: v.tolist() for k, v in read_weights(tmp_path / "a.pt").items()} == {
        "a": [1],
        "b": [2],
    }


# What a file could name to run something, or to reach it by an attribute.
HOSTILE = [
    ("os", "system"),
    ("posix", "system"),
    ("builtins", "eval"),
    ("builtins", "getattr"),
    ("__builtin__", "eval"),
    ("subprocess", "Popen"),
    ("operator", "attrgetter"),
    ("functools", "partial"),
    ("copyreg", "_reconstructor"),
    ("_codecs", "encode"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"),
    ("numpy", "dtype"),
    ("collections", "OrderedDict.fromkeys"),
    ("collections.OrderedDict", "fromkeys"),
    ("torch", "load"),
    ("torch._utils", "__builtins__"),
    ("torch.FloatStorage", "__class__"),
    ("torch.storage", "_load_from_bytes"),
]


@pytest.mark.parametrize("name", HOSTILE, ids=".".join)
def test_what_could_run_is_refused_by_name_and_does_not_run(tmp_path, name, is_legacy):
    call = Call(*name, f"touch {tmp_path / 'ran'}")
    save_torch(tmp_path / "a.pt", {"a": np.float32([1]), "b": call}, is_legacy)
    with pytest.raises(InputError) as error:
        read_weights(tmp_path / "a.pt")
    expected = f"contains objects other than tensors: {'.'.join(name)}"
    assert str(error.value) == f"{tmp_path / 'a.pt'} {expected}"
    assert not (tmp_path / "ran").exists()


def test_a_damaged_name_stays_in_one_short_line(tmp_path, is_legacy):
    for module, shown in (("a" * 200, "a" * 80), ("a\x1b[1m", r"'a\x1b[1m.b'")):
        save_torch(tmp_path / "a.pt", {"a": Call(module, "b")}, is_legacy)
        with pytest.raises(InputError) as error:
            read_weights(tmp_path / "a.pt")
        assert str(error.value).endswith(f"objects other than tensors: {shown}")


def test_an_empty_tensor_at_the_end_of_its_storage(tmp_path, is_legacy):
    save_torch(tmp_path / "a.pt", {"a": tensor(Storage(FLOATS), 6, (0, 2), (2, 1))}, is_legacy)
    assert read_weights(tmp_path / "a.pt")["a"].shape == (0, 2)


STORAGES = "Float Double Half BFloat16 Long Int Short Char Byte Bool"
DTYPES = "float16 bfloat16 float32 float64 int8 uint8 int16 int32 int64 bool"
OPCODES_LEFT_OUT = """INST OBJ NEWOBJ NEWOBJ_EX EXT1 EXT2 EXT4 PERSID DUP POP_MARK LIST DICT
EMPTY_SET ADDITEMS FROZENSET LONG4 BINUNICODE8 BINBYTES8 BYTEARRAY8 NEXT_BUFFER READONLY_BUFFER"""


def test_the_names_that_are_admitted():
    expected = {("torch", f"{name}Storage") for name in STORAGES.split()}
    expected |= {("torch", name) for name in (*DTYPES.split(), "Size")}
    expected |= {("torch._utils", f"_rebuild_{name}") for name in ("tensor_v2", "parameter")}
    assert set(torch_files.Unpickler.admitted) == expected | {("collections", "OrderedDict")}


def test_the_opcodes_that_are_left_out():
    every = set(pickle._Unpickler.dispatch)
    left_out = {getattr(pickle, name)[0] for name in OPCODES_LEFT_OUT.split()}
    assert every - set(torch_files.Unpickler.dispatch) == left_out


def stack_global(module, name):
    texts = (pickle.SHORT_BINUNICODE + bytes([len(t)]) + t.encode() for t in (module, name))
    return b"".join(texts) + pickle.STACK_GLOBAL


TOUCH = b"(S'touch ran'\n"
PROGRAMS = {
    "STACK_GLOBAL": stack_global("os", "system") + b"(S'touch ran'\ntR.",
    "INST": TOUCH + b"ios\nsystem\n.",
    "OBJ": b"(cos\nsystem\nS'touch ran'\no.",
    "NEWOBJ": b"ccollections\nOrderedDict\n)\x81.",
    "EXT1": b"\x82\x01.",
    "a call of a text": b"ctorch\nfloat32\n)R.",
    "a call of an argument": b"S'os.system'\n(S'touch ran'\ntR.",
    "an attribute of what is admitted": b"ccollections\nOrderedDict\nN}S'__defaults__'\n"
    b"(I1\nt\x85s\x86b.",
    "an unknown persistent object": b"S'storage'\nQ.",
    "a set": b"\x8f.",
    "nothing": b".",
    "no end": b"}",
    "a text": b"S'x'\n.",
    "a list": b"].",
    "an empty dict": b"}.",
    "pop of nothing": b"00000.",
}


@pytest.mark.parametrize("program", PROGRAMS, ids=PROGRAMS)
def test_a_pickle_by_hand(tmp_path, monkeypatch, program, is_legacy):
    monkeypatch.chdir(tmp_path)
    write_pickle(tmp_path / "a.pt", b"\x80\x02" + PROGRAMS[program], is_legacy)
    with pytest.raises(InputError, match="a.pt"):
        read_weights(tmp_path / "a.pt")
    assert not (tmp_path / "ran").exists()
    assert torch_files.Unpickler.admitted["collections", "OrderedDict"]() == {}


def many_copies():
    """A thousand dicts, each of one and the same list of pairs."""
    pairs = b"".join(b"(I%d\nI1\nt" % i for i in range(2000))
    copy = b"ccollections\nOrderedDict\nh\x00\x85R"
    return b"](" + pairs + b"eq\x000](" + copy * 1000 + b"e."


def deep_key():
    """Tuples of twice the one before: the hash takes 2^60 steps."""
    deeper = b"".join(b"q%ch%c\x86" % (i, i) for i in range(60))
    return b"})" + deeper + b"I1\ns."


BOMBS = {
    "one large index": b"}r\xff\xff\xff\x7f.",
    "a long text": b"X\xff\xff\xff\xffabc",
    "a long frame": b"\x95" + b"\xff" * 6 + b"\0\0}.",
    "a long bytearray": b"\x96" + b"\xff" * 5 + b"\0\0\0.",
    "long bytes": b"\x8e" + b"\xff" * 5 + b"\0\0\0.",
    "a long number": b"\x8b\xff\xff\xff\x7f.",
    "many digits": b"I" + b"9" * 100_000 + b"\n.",
    "many copies of a list": many_copies(),
    "a key without end": deep_key(),
    "deep lists": b"]" * 200_000 + b"a" * 199_999 + b".",
}


@pytest.mark.parametrize("bomb", BOMBS, ids=BOMBS)
def test_a_pickle_that_would_take_memory_or_time(tmp_path, bomb, is_legacy):
    write_pickle(tmp_path / "a.pt", b"\x80\x02" + BOMBS[bomb], is_legacy)
    start = time.monotonic()

    def read():
        with pytest.raises(InputError, match="a.pt"):
            read_weights(tmp_path / "a.pt")

    size = (tmp_path / "a.pt").stat().st_size
    assert peak_memory(read) < 8e6 + 200 * size
    assert time.monotonic() - start < 20


FLOATS = np.arange(6, dtype=np.float32)
BIG = 1 << 62
BAD_TENSORS = {
    "beyond the end": (Storage(FLOATS), 0, (7,), (1,)),
    "an offset beyond the end": (Storage(FLOATS), 6, (1,), (1,)),
    "a negative offset": (Storage(FLOATS), -1, (1,), (1,)),
    "a negative stride": (Storage(FLOATS), 5, (6,), (-1,)),
    "a negative size": (Storage(FLOATS), 0, (-1,), (1,)),
    "a stride beyond the end": (Storage(FLOATS), 0, (2, 3), (4, 1)),
    "a huge size": (Storage(FLOATS), 0, (BIG, BIG), (0, 0)),
    "a repeated value": (Storage(FLOATS), 0, (1 << 21,), (0,)),
    "a huge size of nothing": (Storage(FLOATS), 0, (BIG, BIG, 0), (0, 0, 0)),
    "many dimensions": (Storage(FLOATS), 0, (1,) * 17, (1,) * 17),
    "a stride too few": (Storage(FLOATS), 0, (2, 3), (3,)),
    "sizes in a text": (Storage(FLOATS), 0, "11", "11"),
    "True for a size": (Storage(FLOATS), 0, (True,), (1,)),
    "a fraction": (Storage(FLOATS), 0.5, (1,), (1,)),
    "no storage": ("storage", 0, (1,), (1,)),
    "more values than it says": (Storage(FLOATS, count=5), 0, (5,), (1,)),
    "fewer values than it says": (Storage(FLOATS, count=7), 0, (6,), (1,)),
    "a huge storage": (Storage(FLOATS, count=BIG), 0, (6,), (1,)),
    "a storage of fewer than none": (Storage(FLOATS, count=-1), 0, (6,), (1,)),
    "a fraction of values": (Storage(FLOATS, count=6.0), 0, (6,), (1,)),
    "a number for a name": (Storage(FLOATS, key=5), 0, (6,), (1,)),
    "another kind of storage": (Storage(FLOATS, kind="DoubleStorage"), 0, (3,), (1,)),
    "an unknown kind of storage": (Storage(FLOATS, kind="Size"), 0, (3,), (1,)),
}


@pytest.mark.parametrize("case", BAD_TENSORS, ids=BAD_TENSORS)
def test_a_tensor_that_its_storage_does_not_hold(tmp_path, case, is_legacy):
    content = {"good": FLOATS, "bad": tensor(*BAD_TENSORS[case])}
    save_torch(tmp_path / "a.pt", content, is_legacy)
    with pytest.raises(InputError, match="a.pt is truncated, damaged or no file of weights"):
        read_weights(tmp_path / "a.pt")


def test_a_tensor_that_ends_where_its_storage_ends(tmp_path, is_legacy):
    content = {"last": tensor(Storage(FLOATS), 5, (1,), (1,))}
    content["all"] = tensor(Storage(FLOATS), 0, (2, 2), (4, 1))
    save_torch(tmp_path / "a.pt", content, is_legacy)
    found = read_weights(tmp_path / "a.pt")
    assert found["last"].tolist() == [5] and found["all"].tolist() == [[0, 1], [4, 5]]


def test_a_tensor_of_as_many_dimensions_and_repeats_as_are_allowed(tmp_path, is_legacy):
    repeated = tensor(Storage(FLOATS), 3, (1 << 20,), (0,))
    deep = tensor(Storage(FLOATS), 2, (1,) * 16, (1,) * 16)
    save_torch(tmp_path / "a.pt", {"repeated": repeated, "deep": deep}, is_legacy)
    found = read_weights(tmp_path / "a.pt")
    assert found["repeated"].shape == (1 << 20,) and (found["repeated"] == 3).all()
    assert found["deep"].shape == (1,) * 16 and found["deep"].item() == 2


def test_a_storage_that_is_a_part_of_another_one(tmp_path):
    content = {"a": tensor(Storage(FLOATS, view=("1", 0, 6)), 0, (6,), (1,))}
    save_torch(tmp_path / "a.pt", content, is_legacy=True)
    with pytest.raises(InputError, match="old form; save it anew with torch 1.6 or later"):
        read_weights(tmp_path / "a.pt")


def test_one_storage_under_two_descriptions(tmp_path, is_legacy):
    twice = [Storage(FLOATS, key="0"), Storage(FLOATS[:3], key="0")]
    content = {str(i): tensor(storage, 0, (3,), (1,)) for i, storage in enumerate(twice)}
    save_torch(tmp_path / "a.pt", content, is_legacy)
    with pytest.raises(InputError, match="a.pt is truncated, damaged"):
        read_weights(tmp_path / "a.pt")


def test_memory_is_that_of_the_file(tmp_path, is_legacy):
    arrays = {str(i): np.ones(1 << 18, np.float32) for i in range(8)}
    save_torch(tmp_path / "a.pt", arrays, is_legacy)
    assert peak_memory(read_weights, tmp_path / "a.pt") < 1.2 * (8 << 20)


def test_half_precision_is_widened_once_for_all_tensors_of_a_storage(tmp_path, is_legacy):
    storage = Storage(np.ones(1 << 20, np.float16))
    tensors = {str(i): tensor(storage, 0, (1 << 20,), (1,)) for i in range(50)}
    save_torch(tmp_path / "a.pt", tensors, is_legacy)
    assert peak_memory(read_weights, tmp_path / "a.pt") < 12 << 20


def test_a_pickle_of_another_program(tmp_path):
    (tmp_path / "a.pt").write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(InputError, match="a pickle, but not one that torch.save wrote"):
        read_weights(tmp_path / "a.pt")


def mutated(data, generator):
    """A copy that is cut, or has some bytes changed, left out or repeated."""
    data, place = bytearray(data), generator.randrange(len(data))
    kind = generator.randrange(4)
    if kind == 0:
        return bytes(data[:place])
    if kind == 1:
        for _ in range(generator.randrange(1, 5)):
            data[generator.randrange(len(data))] = generator.randrange(256)
    elif kind == 2:
        del data[place : place + generator.randrange(1, 40)]
    else:
        data[place:place] = data[place : place + generator.randrange(1, 40)]
    return bytes(data)


@pytest.mark.parametrize("name", ["tensors.pt", "tensors_legacy.pt", "training_legacy.pth.tar"])
def test_damage_ends_in_one_line(tmp_path, name):
    path, generator = tmp_path / "damaged.pt", random.Random(name)
    original = (DATA / name).read_bytes()
    refused = 0
    for _ in range(400):
        path.write_bytes(mutated(original, generator))
        try:
            read_weights(path)
        except InputError as error:
            assert str(path) in str(error) and "\n" not in str(error)
            refused += 1
    assert refused > 100

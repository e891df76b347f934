"""Pickles of arrays: what numpy and Paddle write is read, anything else is refused and not run."""

import io
import pickle

import numpy as np
import pytest

from monodepth2.src import numpy_pickles
from monodepth2.src.model_utils.errors import InputError
from monodepth2.src.numpy_pickles import load_arrays


def load(data):
    return load_arrays(io.BytesIO(data), "a.npz")


class Call:
    """Pickles as a call of a function."""

    def __init__(self, function, *arguments):
        self.reduced = function, arguments

    def __reduce__(self):
        return self.reduced


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_arrays_as_numpy_writes_them(protocol):
    objects = np.empty(2, object)
    objects[0] = np.arange(6, dtype=">f4").reshape(2, 3)
    objects[1] = np.asfortranarray(np.arange(12, dtype=np.uint16).reshape(4, 3))
    found = load(pickle.dumps({"data": objects, "more": [np.float64(3), np.ones(0)]}, protocol))
    assert isinstance(found["data"], list)
    for got, expected in zip(found["data"], objects):
        np.testing.assert_array_equal(got, expected)
        assert got.dtype == expected.dtype.newbyteorder("=")
    assert found["more"][0].item() == 3
    assert found["more"][1].shape == (0,)


def test_parameters_as_paddle_writes_them():
    array = np.arange(4, dtype=np.float32)
    named = Call(tuple, ["conv2d_0.w_0", array])
    found = load(pickle.dumps({"conv.weight": named, "height": 192, "use_stereo": True}, 4))
    assert found["conv.weight"][0] == "conv2d_0.w_0"
    np.testing.assert_array_equal(found["conv.weight"][1], array)
    assert (found["height"], found["use_stereo"]) == (192, True)


def test_an_array_of_a_later_numpy():
    data = pickle.dumps(np.arange(3), 2).replace(b"cnumpy.core.mul", b"cnumpy._core.mul")
    np.testing.assert_array_equal(load(data), [0, 1, 2])


HOSTILE = "os.system posix.system subprocess.Popen builtins.eval builtins.getattr builtins.list"
HOSTILE += (
    " numpy.load numpy.fromfile numpy.memmap numpy.core.multiarray.fromfile copyreg.__newobj__"
)
HOSTILE += " numpy.ndarray.tofile numpy.core.multiarray._reconstruct.__globals__ _codecs.decode"


@pytest.mark.parametrize("name", HOSTILE.split())
def test_a_name_outside_the_list_is_refused_and_does_not_run(tmp_path, name):
    module, _, function = name.rpartition(".")
    ran = tmp_path / "ran"
    argument = b"(S'touch " + str(ran).encode() + b"'\ntR"
    data = b"\x80\x02c" + f"{module}\n{function}\n".encode() + argument + b"."
    with pytest.raises(InputError, match="objects other than arrays of numbers") as error:
        load(data)
    assert str(error.value).endswith(f"'{name}'")
    assert not ran.exists()


def test_the_names_that_are_admitted():
    names = ["multiarray._reconstruct", "multiarray.scalar", "numeric._frombuffer"]
    expected = {f"numpy.{core}.{name}" for core in ("core", "_core") for name in names}
    expected |= {"numpy.ndarray", "numpy.dtype", "_codecs.encode", "builtins.tuple"}
    expected |= {"__builtin__.tuple", "__builtin__.bytes"}
    assert set(map(".".join, numpy_pickles._Unpickler.admitted)) == expected


def test_the_opcodes_that_are_left_out():
    every = set(pickle._Unpickler.dispatch)
    left_out = """INST OBJ NEWOBJ NEWOBJ_EX EXT1 EXT2 EXT4 PERSID BINPERSID DUP POP_MARK LIST DICT
    EMPTY_SET ADDITEMS FROZENSET LONG4 BINUNICODE8 BINBYTES8 NEXT_BUFFER READONLY_BUFFER"""
    assert every - set(numpy_pickles._Unpickler.dispatch) == {
        getattr(pickle, name)[0] for name in left_out.split()
    }


ARRAY = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"
F4 = b"cnumpy\ndtype\n(S'f4'\nI0\nI1\ntR(I3\nS'<'\nNNNI-1\nI-1\nI0\ntb"
DAMAGED = {
    "nothing": b"",
    "no end": b"}",
    "a dtype of its own": b"cnumpy\ndtype\n.",
    "an array without values": ARRAY + b".",
    "a dtype of texts": b"cnumpy\ndtype\n(S'U8'\nI0\nI1\ntR.",
    "fewer values than the shape": ARRAY + b"(I1\n(I9\nt" + F4 + b"I0\nC\x04abcdtb.",
    "a negative shape": ARRAY + b"(I1\n(I-1\nt" + F4 + b"I0\nC\x04abcdtb.",
    "a state of a text": b"S'x'\n}b.",
    "a call of a text": b"cnumpy\nndarray\n(I0\ntR.",
    "bytes of a size": b"c__builtin__\nbytes\n(I9\ntR.",
    "a list within itself": b"]q\x00h\x00a.",
    "a tuple as key": b"}(I1\ntI1\ns.",
    "gigabytes that are not there": b"B\xff\xff\xff\x7fabc.",
    "eight-byte gigabytes": b"\x96\xff\xff\xff\x7f\x00\x00\x00\x00abc.",
}


@pytest.mark.parametrize("case", DAMAGED, ids=DAMAGED)
def test_a_damaged_pickle_ends_in_one_line(case):
    with pytest.raises(InputError, match="a.npz is damaged: no complete pickle"):
        load(b"\x80\x02" + DAMAGED[case])


def test_a_list_shared_many_times_is_converted_once():
    shared = [np.ones(2)]
    for _ in range(60):
        shared = [shared, shared]
    assert len(load(pickle.dumps(shared, 2))) == 2

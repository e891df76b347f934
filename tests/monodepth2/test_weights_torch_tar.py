"""PyTorch's tar archives: parameters and buffers, and what is damaged in them."""

import io
import pickle
import struct
import tarfile
import tracemalloc

import numpy as np
import pytest

from monodepth2.src.model_utils import torch_files
from monodepth2.src.model_utils.errors import InputError
from monodepth2.src.weights import torch_tar
from monodepth2.src.weights.reading import read_file
from tests.monodepth2.weight_files import save_tar, write_tar

ENTRIES = {
    "conv1.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2),
    "bn1.running_mean": np.float32([1, 2]),
    "bn1.weight": np.float32([[3, 4], [5, 6]]).T,
    "bn1.num_batches_tracked": np.array(7),
}
NAMES = {"conv1.weight": "encoder.conv1.weight", "bn1.running_mean": "encoder.bn1.moving_mean"}
NAMES["bn1.weight"] = "encoder.bn1.gamma"


@pytest.mark.parametrize("form", ["oldest", "old"])
def test_parameters_and_buffers(tmp_path, form):
    save_tar(tmp_path / "a.pth", ENTRIES, form)
    found = read_file(tmp_path / "a.pth")
    assert list(found.arrays) == list(NAMES.values())
    for key, name in NAMES.items():
        np.testing.assert_array_equal(found.arrays[name], ENTRIES[key])
    assert found.left_over == ["bn1.num_batches_tracked"] and found.rest == {}


def test_numbers_beside_the_tensors(tmp_path):
    write(tmp_path / "a.pth", pickle=pickle.dumps({"height": 192}, 2))
    assert read_file(tmp_path / "a.pth").rest == {"height": 192}


def one(value):
    return pickle.dumps(value, 2)


def storages(count=2, kind=b"FloatStorage", views=(), data=bytes(8)):
    key = b"\x80\x02K\x01X\x03\x00\x00\x00cpuctorch\n" + kind + b"\n\x87."
    return one(1) + key + struct.pack("<q", count) + data + one(list(views))


def tensors(dimensions=1, size=(2,), stride=(1,), offset=0, key=1):
    head = b"\x80\x02K\x05K" + bytes([key]) + b"ctorch\nFloatTensor\n\x87."
    return one(1) + head + struct.pack("<i4x", dimensions) + numbers(*size, *stride, offset)


def numbers(*values):
    return struct.pack(f"<{len(values)}q", *values)


VALUE = b"X\x01\x00\x00\x005Q"
DICT = b"\x80\x02}X\x0c\x00\x00\x00net.0.weight%ss."


def write(path, **changed):
    members = {"storages": storages(), "tensors": tensors(), "pickle": DICT % VALUE}
    write_tar(path, {**members, **changed})


def test_the_archive_that_the_damaged_ones_differ_from(tmp_path):
    write(tmp_path / "a.pth")
    assert read_file(tmp_path / "a.pth").arrays["net.0.weight"].tolist() == [0, 0]


DAMAGED = {
    "fewer values than the storage says": {"storages": storages(count=3)},
    "a storage of fewer than none": {"storages": storages(count=-1)},
    "another kind of storage": {"storages": storages(kind=b"FloatTensor")},
    "no storage": {"storages": one("x")},
    "beyond the storage": {"tensors": tensors(size=(3,))},
    "a negative offset": {"tensors": tensors(offset=-1)},
    "a huge number of dimensions": {"tensors": tensors(dimensions=1 << 30)},
    "a negative number of dimensions": {"tensors": tensors(dimensions=-1)},
    "17 dimensions": {"tensors": tensors(dimensions=17, size=(1,) * 17, stride=(1,) * 17)},
    "a tensor of another storage": {"tensors": tensors(key=2)},
    "a tensor that is not there": {"pickle": DICT % b"X\x01\x00\x00\x006Q"},
    "an object of another class": {"pickle": DICT % b"ccollections\nOrderedDict\n)\x81"},
    "a parameter of nothing": {"pickle": DICT % b"ctorch.nn.parameter\nParameter\n)\x81)b"},
    "an empty member": {"pickle": b""},
}


@pytest.mark.parametrize("case", DAMAGED, ids=DAMAGED)
def test_a_damaged_archive_ends_in_one_line(tmp_path, case):
    write(tmp_path / "a.pth", **DAMAGED[case])
    with pytest.raises(InputError, match="a.pth is truncated or damaged; use another copy"):
        read_file(tmp_path / "a.pth")


def test_as_many_dimensions_as_are_allowed(tmp_path):
    many = tensors(dimensions=16, size=(1,) * 16, stride=(1,) * 16)
    write(tmp_path / "a.pth", tensors=many)
    assert read_file(tmp_path / "a.pth").arrays["net.0.weight"].shape == (1,) * 16


def test_views_of_a_storage_are_refused(tmp_path):
    write(tmp_path / "a.pth", storages=storages(views=[(2, 1, 0, 1)]))
    with pytest.raises(InputError, match="a.pth has tensors of one storage; save it anew"):
        read_file(tmp_path / "a.pth")


def test_another_object_than_a_dict(tmp_path):
    write(tmp_path / "a.pth", pickle=one([1]))
    with pytest.raises(InputError, match="a.pth holds no dict of tensors"):
        read_file(tmp_path / "a.pth")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE])
def test_a_member_that_is_no_file(tmp_path, kind):
    (tmp_path / "secret").write_bytes(storages())
    with tarfile.open(tmp_path / "a.pth", "w:") as tar:
        for name, data in (("tensors", tensors()), ("pickle", DICT % VALUE), ("x", storages())):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
        member = tarfile.TarInfo("storages")
        member.type, member.linkname = kind, "x"
        tar.addfile(member)
    with pytest.raises(InputError, match="a.pth is truncated or damaged"):
        read_file(tmp_path / "a.pth")


@pytest.mark.parametrize("key", ["GNU.sparse.size", "GNU.sparse.realsize"])
def test_a_sparse_member_takes_no_memory(tmp_path, key):
    path = tmp_path / "a.pth"
    with tarfile.open(path, "w:", format=tarfile.PAX_FORMAT) as tar:
        for name, data in (("storages", storages()), ("tensors", tensors())):
            member = tarfile.TarInfo(name)
            member.size, size = len(data), 1 << 26
            member.pax_headers = {"GNU.sparse.map": f"0,{len(data)},{size},0", key: str(size)}
            tar.addfile(member, io.BytesIO(data))
    assert peak_memory(read_refused, path) < 1 << 24


def read_refused(path):
    with pytest.raises(InputError, match="a.pth is truncated or damaged"):
        read_file(path)


def peak_memory(function, *arguments):
    """Bytes that were in use at most beyond those before."""
    tracemalloc.start()
    try:
        function(*arguments)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_the_names_and_opcodes_that_are_admitted_beside_those_of_later_files():
    more = set(torch_tar._Unpickler.admitted) - set(torch_files.Unpickler.admitted)
    kinds = "Float Double Half Long Int Short Char Byte"
    expected = {("torch", f"{kind}Tensor") for kind in kinds.split()}
    assert more == expected | {("torch.nn.parameter", "Parameter")}
    opcodes = set(torch_tar._Unpickler.dispatch) - set(torch_files.Unpickler.dispatch)
    assert opcodes == {pickle.NEWOBJ[0]}

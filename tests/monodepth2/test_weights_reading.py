"""Files of weights: every kind under our names with what is beside them; damaged ones refused."""

import pickle

import h5py
import mindspore as ms
import numpy as np
import pytest

from monodepth2.src.model_utils.checkpoint import save_parameters
from monodepth2.src.model_utils.errors import InputError
from monodepth2.src.weights.reading import read_file
from tests.monodepth2.weight_files import SIZE, save

VALUES = np.arange(8, dtype=np.float32)
ENTRIES = {
    "encoder.conv1.weight": VALUES.reshape(1, 2, 2, 2),
    "encoder.bn1.running_mean": VALUES,
    "encoder.bn1.num_batches_tracked": np.array(3),
    "encoder.fc.weight": VALUES.reshape(4, 2),
}
EXPECTED = {
    "encoder.conv1.weight": VALUES.reshape(1, 2, 2, 2),
    "encoder.bn1.moving_mean": VALUES,
}


@pytest.mark.parametrize("rest", [{}, SIZE], ids=["alone", "with a size"])
@pytest.mark.parametrize("ending", [".pth", ".pt", ".pdparams", ".h5"])
def test_a_file_of_another_program(tmp_path, ending, rest):
    path = tmp_path / f"encoder{ending}"
    save(path, ENTRIES, rest)
    found = read_file(path)
    assert sorted(found.arrays) == sorted(EXPECTED)
    for name, array in found.arrays.items():
        np.testing.assert_array_equal(array, EXPECTED[name])
    assert found.rest == rest and found.path == path
    only_torch = [] if ending == ".pdparams" else ["encoder.bn1.num_batches_tracked"]
    assert sorted(found.left_over) == [*only_torch, "encoder.fc.weight"]


def test_a_checkpoint_of_ours_with_its_record(tmp_path):
    parameter = ms.Parameter(ms.Tensor(VALUES), "encoder.bn1.moving_mean")
    save_parameters([parameter], tmp_path / "a.ckpt", SIZE)
    found = read_file(tmp_path / "a.ckpt")
    assert found.rest == SIZE and found.left_over == []
    np.testing.assert_array_equal(found.arrays["encoder.bn1.moving_mean"], VALUES)


@pytest.mark.parametrize("ending", [".pdparams", ".h5"])
def test_half_precision_and_big_endian_values(tmp_path, ending):
    entries = {"net.0.weight": np.float16([0.5]), "net.0.bias": VALUES.astype(">f4")}
    save(tmp_path / f"a{ending}", entries)
    found = read_file(tmp_path / f"a{ending}").arrays
    assert found["net.0.weight"].dtype == np.float32 and found["net.0.weight"][0] == 0.5
    np.testing.assert_array_equal(found["net.0.bias"], VALUES)
    assert found["net.0.bias"].dtype.isnative


def test_hdf5_is_told_by_its_content(tmp_path):
    save(tmp_path / "a.h5", ENTRIES)
    (tmp_path / "a.h5").rename(tmp_path / "a.pth")
    assert sorted(read_file(tmp_path / "a.pth").arrays) == sorted(EXPECTED)


def test_one_parameter_under_two_names(tmp_path):
    twice = {"bn1.running_mean": VALUES, "encoder.bn1.running_mean": VALUES}
    save(tmp_path / "a.pth", twice)
    with pytest.raises(InputError, match="a.pth holds encoder.bn1.moving_mean twice"):
        read_file(tmp_path / "a.pth")


PADDLE = {
    "a list": [VALUES],
    "a text": {"net.0.weight": VALUES, "note": "text"},
    "three in a tuple": {"net.0.weight": ("a", VALUES, VALUES)},
    "a pair of numbers": {"net.0.weight": (1, VALUES)},
    "a nested dict": {"state": {"net.0.weight": VALUES}},
}


@pytest.mark.parametrize("case", PADDLE, ids=PADDLE)
def test_a_pdparams_that_holds_something_else(tmp_path, case):
    path = tmp_path / "a.pdparams"
    path.write_bytes(pickle.dumps(PADDLE[case], 2))
    with pytest.raises(InputError, match="a.pdparams (holds no dict of|is damaged: )"):
        read_file(path)


@pytest.mark.parametrize("name", ["a.pdparams", "a.h5", "a.pth", "a.ckpt"])
def test_a_file_that_is_missing_or_cut(tmp_path, name):
    path = tmp_path / name
    with pytest.raises(InputError, match=f"{name} does not exist"):
        read_file(path)
    if name == "a.ckpt":
        ms.save_checkpoint([{"name": "net.0.bias", "data": ms.Tensor(VALUES)}], str(path))
        path.chmod(0o644)
    else:
        save(path, ENTRIES)
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(InputError, match=f"{name} is (truncated|damaged)|{name} does not"):
        read_file(path)


def outside(file, folder):
    with h5py.File(folder / "other.h5", "w") as other:
        other["net.0.weight"] = VALUES
    file["net.0.weight"] = h5py.ExternalLink("other.h5", "net.0.weight")


def soft(file, folder):
    file["net.0.bias"] = VALUES
    file["net.0.weight"] = h5py.SoftLink("/net.0.bias")


def virtual(file, folder):
    layout = h5py.VirtualLayout((8,), "f4")
    layout[:] = h5py.VirtualSource(str(folder / "other.h5"), "x", (8,))
    file.create_virtual_dataset("net.0.weight", layout)


def raw(file, folder):
    (folder / "raw.bin").write_bytes(VALUES.tobytes())
    external = [(str(folder / "raw.bin"), 0, 32)]
    file.create_dataset("net.0.weight", (8,), "f4", external=external)


def unwritten(file, folder):
    file.create_dataset("net.0.weight", (1 << 20,), "f4", chunks=(1024,))


def group(file, folder):
    file.create_group("net.0.weight")["x"] = VALUES


def texts(file, folder):
    file["net.0.weight"] = ["a", "b"]


def pairs(file, folder):
    file["net.0.weight"] = np.complex64([1])


@pytest.mark.parametrize("build", [outside, soft, virtual, raw, unwritten, group, texts, pairs])
def test_an_hdf5_file_whose_values_lie_elsewhere_or_are_no_numbers(tmp_path, build):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        build(file, tmp_path)
    with pytest.raises(InputError, match="a.h5 is truncated or damaged; use another copy"):
        read_file(path)


def test_an_hdf5_file_that_is_smaller_than_its_values(tmp_path):
    values = np.float32(np.random.default_rng(0).integers(0, 256, 1 << 16))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("net.0.bias", data=values, compression="gzip")
    assert (tmp_path / "a.h5").stat().st_size < values.nbytes / 2
    np.testing.assert_array_equal(read_file(tmp_path / "a.h5").arrays["net.0.bias"], values)


def test_hdf5_arrays_that_together_are_more_than_the_file_can_hold(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        for number in range(9):
            zeros = np.zeros(1 << 15, np.float32)
            file.create_dataset(f"net.{number}.bias", data=zeros, compression="gzip")
    assert zeros.nbytes < 8 * path.stat().st_size < 9 * zeros.nbytes
    with pytest.raises(InputError, match="a.h5 is truncated or damaged"):
        read_file(path)

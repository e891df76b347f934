"""Files of weights that name a function to call: refused, and nothing runs.

Each payload is known to work: the same file is read by an unpickler that admits the name. So if one
of these names is ever admitted, the file runs and its test fails.
"""

import builtins
import io
import os
import pickle
import subprocess
from pathlib import Path

import numpy as np
import pytest

from monodepth2.src import numpy_pickles
from monodepth2.src.model_utils import torch_files
from monodepth2.src.model_utils.errors import InputError
from monodepth2.src.weights import torch_tar
from monodepth2.src.weights.folder import load_folder, read_folder_record
from monodepth2.src.weights.reading import read_file
from tests.monodepth2.weight_files import write_tar
from tests.torch_files import Call, save_torch

# PyTorch's two containers, Paddle's pickle, PyTorch's first container.
ENDINGS = (".pth", ".pt", ".pdparams", ".tar")
# What a file may name: the function, and arguments of it that create the file `ran`.
PAYLOADS = {
    "os.system": (os.system, lambda ran: (f"touch {ran}",)),
    "posix.system": (os.system, lambda ran: (f"touch {ran}",)),
    "posix.mkdir": (os.mkdir, lambda ran: (str(ran),)),
    "subprocess.call": (subprocess.call, lambda ran: (["touch", str(ran)],)),
    "builtins.eval": (eval, lambda ran: (f"open({str(ran)!r}, 'w').write('')",)),
    "builtins.exec": (exec, lambda ran: (f"open({str(ran)!r}, 'w')",)),
    "builtins.open": (builtins.open, lambda ran: (str(ran), "w")),
    "io.open": (builtins.open, lambda ran: (str(ran), "w")),
    "numpy.save": (np.save, lambda ran: (str(ran), 1)),
    "pathlib.Path.touch": (lambda path: Path(path).touch(), lambda ran: (str(ran),)),
}
UNPICKLERS = {
    ".pth": torch_files.Unpickler,
    ".pt": torch_files.Unpickler,
    ".pdparams": numpy_pickles._Unpickler,
    ".tar": torch_tar._Unpickler,
}


class _Writer(pickle._Pickler):
    """Writes a Call as the name of its function and a REDUCE."""

    def reducer_override(self, obj):
        return (obj.function, obj.arguments) if isinstance(obj, Call) else NotImplemented

    def save(self, obj, save_persistent_id=True):
        if obj.__class__.__name__ == "Global":
            self.write(pickle.GLOBAL + f"{obj.module}\n{obj.name}\n".encode())
        else:
            super().save(obj, save_persistent_id)


NOTHING = {"storages": pickle.dumps(0, 2) + pickle.dumps([], 2), "tensors": pickle.dumps(0, 2)}


def dumped(content):
    file = io.BytesIO()
    _Writer(file, 2).dump(content)
    return file.getvalue()


def write(path, name, ran):
    """Weights beside which the file calls the function `name`; {"net.0.weight": ..., "x": call}."""
    module, _, function = name.partition(".") if "Path" in name else name.rpartition(".")
    call = Call(module, function, *PAYLOADS[name][1](ran))
    content = {"net.0.weight": np.ones(3, np.float32), "x": call}
    if path.suffix == ".pdparams":
        path.write_bytes(dumped(content))
    elif path.suffix == ".tar":
        write_tar(path, {**NOTHING, "pickle": dumped({"x": call})})
    else:
        save_torch(path, content, is_legacy=path.suffix == ".pth")
    return module, function


def happened(folder):
    return list(folder.glob("ran*"))


@pytest.mark.parametrize("name", PAYLOADS)
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_that_calls_a_function_is_refused_and_does_not_run(tmp_path, ending, name):
    path = tmp_path / f"encoder{ending}"
    write(path, name, tmp_path / "ran")
    with pytest.raises(InputError) as error:
        read_file(path)
    assert not happened(tmp_path)
    assert name in str(error.value) and "contains objects other than" in str(error.value)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("name", PAYLOADS)
@pytest.mark.parametrize("ending", ENDINGS)
def test_the_same_file_runs_where_its_name_is_admitted(tmp_path, monkeypatch, ending, name):
    path = tmp_path / f"encoder{ending}"
    key = write(path, name, tmp_path / "ran")
    monkeypatch.setitem(UNPICKLERS[ending].admitted, key, PAYLOADS[name][0])
    try:
        read_file(path)
    except InputError as error:
        assert name not in str(error)
    assert happened(tmp_path)


TOUCH = b"(S'touch ran'\n"
TEXT = pickle.SHORT_BINUNICODE
PROGRAMS = {
    "STACK_GLOBAL": TEXT + b"\x02os" + TEXT + b"\x06system" + b"\x93" + TOUCH + b"tR.",
    "INST": TOUCH + b"ios\nsystem\n.",
    "OBJ": b"(cos\nsystem\nS'touch ran'\no.",
    "NEWOBJ": b"cos\nsystem\n" + TOUCH + b"t\x81.",
    "EXT1": b"\x82\x01.",
    "BUILD": b"cnumpy\ndtype\n}S'__reduce__'\ncos\nsystem\nsb.",
    "a persistent object": b"S'os.system'\nQ.",
}


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("ending", [".pth", ".pdparams", ".tar"])
def test_other_ways_to_reach_a_function(tmp_path, monkeypatch, ending, program):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / f"encoder{ending}"
    data = b"\x80\x04" + PROGRAMS[program] + pickle.dumps([], 2)
    if ending == ".pth":
        magic = (torch_files._MAGIC, torch_files._PROTOCOL, {})
        data = b"".join(pickle.dumps(value, 2) for value in magic) + data
    if ending == ".tar":
        write_tar(path, {**NOTHING, "pickle": data})
    else:
        path.write_bytes(data)
    with pytest.raises(InputError, match=f"encoder{ending}"):
        read_file(path)
    assert not happened(tmp_path)


@pytest.mark.parametrize("member", ["storages", "tensors"])
def test_the_other_members_of_an_archive(tmp_path, member):
    path = tmp_path / "encoder.tar"
    call = dumped(Call("os", "system", f"touch {tmp_path / 'ran'}"))
    write_tar(path, {**NOTHING, "pickle": pickle.dumps({}, 2), member: call})
    with pytest.raises(InputError, match=r"contains objects other than tensors: os\.system"):
        read_file(path)
    assert not happened(tmp_path)


@pytest.mark.parametrize("ending", ENDINGS[:3])
def test_a_folder_with_a_hostile_file(tmp_path, ending):
    write(tmp_path / f"encoder{ending}", "os.system", tmp_path / "ran")
    for read in (read_folder_record, lambda folder: load_folder({"encoder": None}, folder)):
        with pytest.raises(InputError, match=r"os\.system"):
            read(tmp_path)
    assert not happened(tmp_path)

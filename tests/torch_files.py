"""Write files as torch.save does, without torch: only pickle, zip and the arrays' bytes."""

import io
import pickle
import struct
import sys
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
STORAGES = {
    "float32": "FloatStorage",
    "float64": "DoubleStorage",
    "float16": "HalfStorage",
    "int64": "LongStorage",
    "int32": "IntStorage",
}


class Global:
    """Pickled as the name of an object, which need not exist."""

    def __init__(self, module, name):
        self.module, self.name = module, name

    def __call__(self):
        raise TypeError("only a name")


class Call:
    """Pickled as the call of a Global: what a file of PyTorch, or a hostile one, says."""

    def __init__(self, module, name, *arguments):
        self.function, self.arguments = Global(module, name), arguments


class Storage:
    """The values of a tensor; `count` is what the pickle says of it, `view` part of another one."""

    def __init__(self, values, count=None, kind=None, key=None, view=None):
        self.values = np.ascontiguousarray(values).ravel()
        self.count = self.values.size if count is None else count
        self.kind, self.key = kind or STORAGES[self.values.dtype.name], key
        self.view = view


def tensor(storage, offset, size, stride):
    """A tensor that shows a part of a storage."""
    rest = (False, OrderedDict())
    return Call("torch._utils", "_rebuild_tensor_v2", storage, offset, size, stride, *rest)


class _Writer(pickle._Pickler):
    def __init__(self, file, is_legacy):
        super().__init__(file, 2)
        self.storages = {}
        self.is_legacy = is_legacy

    def save(self, obj, save_persistent_id=True):
        if isinstance(obj, Global):
            self.write(pickle.GLOBAL + f"{obj.module}\n{obj.name}\n".encode())
        else:
            super().save(obj, save_persistent_id)

    def persistent_id(self, obj):
        if not isinstance(obj, Storage):
            return None
        key = next((key for key, other in self.storages.items() if other is obj), None)
        key = key or obj.key or str(len(self.storages))
        self.storages[key] = obj
        pid = ("storage", Global("torch", obj.kind), key, "cpu", obj.count)
        return (*pid, obj.view) if self.is_legacy else pid

    def reducer_override(self, obj):
        if isinstance(obj, np.ndarray):
            array = np.asarray(obj, order="C")
            stride = tuple(step // array.itemsize for step in array.strides)
            obj = tensor(Storage(array), 0, array.shape, stride)
        if isinstance(obj, Call):
            return obj.function, obj.arguments
        return NotImplemented


def save_torch(path, content, is_legacy=False, is_big=False):
    """Write dicts, lists, numbers, texts and arrays (which become tensors).

    Args:
        path: file to write.
        content: what torch.save would get; may hold Call and Storage.
        is_legacy: the form before PyTorch 1.6.
        is_big: big-endian values, which only the zip form has.
    """
    file = io.BytesIO()
    if is_legacy:
        about = {"protocol_version": PROTOCOL, "little_endian": sys.byteorder == "little"}
        for value in (MAGIC, PROTOCOL, about):
            pickle.dump(value, file, 2)
    writer = _Writer(file, is_legacy)
    writer.dump(content)
    order = "><"[not is_big]
    raw = {
        key: storage.values.astype(storage.values.dtype.newbyteorder(order)).tobytes()
        for key, storage in writer.storages.items()
    }
    if is_legacy:
        pickle.dump(list(raw), file, 2)
        for key in raw:
            file.write(struct.pack("<q", writer.storages[key].values.size) + raw[key])
        Path(path).write_bytes(file.getvalue())
        return
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", file.getvalue())
        archive.writestr("archive/byteorder", ("little", "big")[is_big])
        for key, data in raw.items():
            archive.writestr(f"archive/data/{key}", data)
        archive.writestr("archive/version", "3\n")

"""PyTorch's first files, tar archives: torchvision's ImageNet weights of 2017 are such.

They hold three members: `storages` (of each its name, place and kind as a pickle, then its values),
`tensors` (of each its name and storage as a pickle, then its sizes, strides and offset) and
`pickle`, the dict that was saved, which names the tensors.
"""

import io
import struct
import tarfile

from ..model_utils.errors import InputError
from ..model_utils.torch_files import Storage, Tensor, Unpickler, tensors_of

_MARK, _PLACE = b"ustar", 257  # of every tar archive
_KINDS = ("Float", "Double", "Half", "Long", "Int", "Short", "Char", "Byte")


def is_tar(path):
    """Whether a file is a tar archive that is not compressed."""
    with path.open("rb") as file:
        file.seek(_PLACE)
        return file.read(len(_MARK)) == _MARK


def read_tar(path):
    """The entries of a file: {name: array}, {name: number or text}.

    Nothing in the file runs.

    Raises:
        InputError: damaged, or it holds anything but tensors and numbers.
    """
    try:
        storages_file, tensors_file, data = _members(path)
        storages, raw = _storages(storages_file, path)
        unpickler = _Unpickler(io.BytesIO(data), path)
        unpickler.tensors = _tensors(tensors_file, path, storages)
        found = unpickler.load()
        if isinstance(found, dict):
            parameters = {k: v.data for k, v in found.items() if isinstance(v, _Parameter)}
            found = {**found, **parameters}
        return tensors_of(found, path, raw.__getitem__, is_big=False)
    except InputError:
        raise
    except Exception as err:  # a damaged file can raise nearly everything, MemoryError too
        raise InputError(f"{path} is truncated or damaged; use another copy") from err


def _members(path):
    """The bytes of the three members."""
    found = []
    with tarfile.open(path, "r:") as tar:
        for name in ("storages", "tensors", "pickle"):
            member = tar.getmember(name)
            if not member.isreg() or member.sparse:  # a sparse one may declare any size
                raise ValueError(f"{name} is no file")
            found.append(tar.extractfile(member).read())
    return found


def _storages(data, path):
    """{name: Storage} and {name: bytes}."""
    file, storages, raw = io.BytesIO(data), {}, {}
    for _ in range(_Unpickler(file, path).load()):
        key, _, kind = _Unpickler(file, path).load()
        (count,) = struct.unpack("<q", file.read(8))
        storages[key] = Storage(kind, str(key), count)
        start = file.tell()
        end = file.seek(start + count * storages[key].dtype.itemsize)
        raw[str(key)] = memoryview(data)[start:end]
    if _Unpickler(file, path).load():
        raise InputError(f"{path} has tensors of one storage; save it anew with torch 1.6 or later")
    return storages, raw


def _tensors(data, path, storages):
    """{name in the pickle: Tensor}."""
    file, found = io.BytesIO(data), {}
    for _ in range(_Unpickler(file, path).load()):
        key, storage, _ = _Unpickler(file, path).load()
        (dimensions,) = struct.unpack("<i4x", file.read(8))
        size = struct.unpack(f"<{dimensions}q", file.read(8 * dimensions))
        stride = struct.unpack(f"<{dimensions}q", file.read(8 * dimensions))
        (offset,) = struct.unpack("<q", file.read(8))
        found[str(key)] = Tensor(storages[storage], offset, size, stride)
    return found


class _Parameter:
    """torch.nn.Parameter: the tensor is its argument, or the first part of its state."""

    def __init__(self, data=None, requires_grad=None):
        self.data = data


class _Unpickler(Unpickler):
    """As that of the later files, with what was a class of its own then."""

    admitted = {**Unpickler.admitted, ("torch.nn.parameter", "Parameter"): _Parameter}
    admitted |= {("torch", f"{kind}Tensor"): f"{kind}Tensor" for kind in _KINDS}
    dispatch = dict(Unpickler.dispatch)

    def load_newobj(self):
        arguments, kind = self.stack.pop(), self.stack.pop()
        if kind is not _Parameter:
            raise TypeError("an object that is no parameter")
        self.append(_Parameter(*arguments))

    def load_build(self):
        state, target = self.stack.pop(), self.stack[-1]
        if isinstance(target, _Parameter) and target.data is None:
            target.data = state[0]

    dispatch[b"\x81"[0]] = load_newobj
    dispatch[b"b"[0]] = load_build

    def persistent_load(self, pid):
        return self.tensors[pid]

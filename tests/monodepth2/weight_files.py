"""Files of weights as PyTorch, Paddle and h5py write them, with the goldens' values."""

import functools
import io
import pickle
import struct
import tarfile

import h5py
import mindspore as ms
import numpy as np

from monodepth2.src.networks import DepthDecoder, PoseDecoder, ResnetEncoder
from tests import golden_weights
from tests.monodepth2.golden_networks import torch_name
from tests.torch_files import save_torch

SIZE = {"height": 64, "width": 96, "use_stereo": True}
det = functools.lru_cache(maxsize=1000)(golden_weights.det)
_PADDLE = {"running_mean": "_mean", "running_var": "_variance"}


class _Named:
    """Pickles as Paddle writes a parameter beside plain values: tuple((its name, array))."""

    def __init__(self, array):
        self.array = array

    def __reduce__(self):
        return tuple, (["conv2d_0.w_0", self.array],)


@functools.cache
def _made():
    encoder = ResnetEncoder(18)
    return {
        "encoder": encoder,
        "depth": DepthDecoder(encoder.num_ch_enc),
        "pose_encoder": ResnetEncoder(18, 2),
        "pose": PoseDecoder(encoder.num_ch_enc, 1, 2),
    }


def networks(*names):
    """Those of the four networks of a training with pairs of images, or all, filled with zeros.

    They are built once: every call gives the same Cells. Do not rename their parameters.
    """
    made = {name: network for name, network in _made().items() if name in (names or _made())}
    for network in made.values():
        for parameter in network.get_parameters():
            parameter.set_data(ms.Tensor(np.zeros(parameter.shape, np.float32)))
    return made


def torch_entries(network, prefix):
    """{PyTorch's key: array} of a network, with what only PyTorch has."""
    found = {}
    for parameter in network.get_parameters():
        key, kind = torch_name(parameter.name)
        found[key] = det(f"{prefix}/{key}", parameter.shape, kind)
        if key.endswith("running_var"):
            found[f"{key.removesuffix('running_var')}num_batches_tracked"] = np.array(3)
    if prefix.endswith("encoder"):
        found |= {"encoder.fc.weight": np.ones((5, 4), np.float32)}
        found |= {"encoder.fc.bias": np.ones(5, np.float32)}
    return found


def save(path, entries, rest=()):
    """Write {PyTorch's key: array} and plain values in the kind that the ending says."""
    rest = dict(rest)
    if path.suffix == ".pdparams":
        _save_paddle(path, entries, rest)
    elif path.suffix == ".h5":
        with h5py.File(path, "w") as file:
            for key, value in {**entries, **rest}.items():
                file[key] = value
    else:
        save_torch(path, {**entries, **rest}, is_legacy=path.suffix == ".pth")


# A parameter in the tar archives: the oldest ones keep the tensor in its state.
_PARAMETERS = {
    "oldest": b"ctorch.nn.parameter\nParameter\n)\x81(%sNNI01\nI00\ntb",
    "old": b"ctorch.nn.parameter\nParameter\n%s\x85R(I01\nI00\nNtb",
}


def save_tar(path, entries, form="oldest"):
    """Write {key: float32 array} as PyTorch did until 2017; buffers are tensors, not parameters."""
    storages, tensors, items = pickle.dumps(len(entries), 2), pickle.dumps(len(entries), 2), b""
    for number, (key, array) in enumerate(entries.items(), 7000):
        kind = b"ctorch\n%sStorage\n" % (b"Float" if array.dtype == np.float32 else b"Long")
        storages += b"\x80\x02J%sX\x03\x00\x00\x00cpu%s\x87." % (struct.pack("<i", number), kind)
        storages += struct.pack("<q", array.size) + array.tobytes("A")
        name = struct.pack("<i", number + 1000)
        tensors += b"\x80\x02J%sJ%sctorch\nFloatTensor\n\x87." % (name, struct.pack("<i", number))
        strides = [step // array.itemsize for step in array.strides]
        numbers = [array.ndim, *array.shape, *strides, 0]
        tensors += struct.pack(f"<{len(numbers)}q", *numbers)
        value = _unicode(str(number + 1000)) + b"Q"
        value = value if "running" in key else _PARAMETERS[form] % value
        items += _unicode(key) + value
    members = {"storages": storages + pickle.dumps([], 2), "tensors": tensors}
    members["pickle"] = b"\x80\x02ccollections\nOrderedDict\n)R(" + items + b"u."
    write_tar(path, members)


def write_tar(path, members):
    """Write an archive of {name: bytes}."""
    with tarfile.open(path, "w:", format=tarfile.PAX_FORMAT) as tar:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))


def _unicode(text):
    return b"X" + struct.pack("<I", len(text)) + text.encode()


def _save_paddle(path, entries, rest):
    found = {}
    for key, array in entries.items():
        head, _, last = key.rpartition(".")
        if last != "num_batches_tracked":
            array = array.T if array.ndim == 2 else array
            found[f"{head}.{_PADDLE.get(last, last)}"] = _Named(array) if rest else array
    names = {} if rest else {"StructuredToParameterName@@": dict.fromkeys(found, "conv2d_0.w_0")}
    path.write_bytes(pickle.dumps({**found, **rest, **names}, 4))


def save_folder(folder, made, ending, **rest):
    """Write a folder of weights of {name: network}; `rest` goes into the encoder's file."""
    folder.mkdir(parents=True)
    for name, network in made.items():
        entries = torch_entries(network, name)
        save(folder / f"{name}{ending}", entries, rest if name == "encoder" else ())
    return folder


def assert_det(network, prefix):
    """The network has the deterministic values of a prefix."""
    before = getattr(network, "name_prefix", "")
    for parameter in network.get_parameters():
        key, kind = torch_name(parameter.name.removeprefix(before))
        expected = det(f"{prefix}/{key}", parameter.shape, kind)
        np.testing.assert_array_equal(parameter.asnumpy(), expected, err_msg=key)

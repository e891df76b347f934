"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Exported graphs: write a MindIR with its sidecar, check it, read it back.
"""

import json
import tempfile
from pathlib import Path

import mindspore as ms
import numpy as np

from .config import InputError, RunError
from .images import write_bytes

_SUFFIX = {"MINDIR": ".mindir", "AIR": ".air", "ONNX": ".onnx"}


def export_graph(net, inputs, path, file_format, sidecar):
    """Export a network, write the sidecar beside it; a MindIR is loaded back and compared.

    Args:
        net: Cell with one output.
        inputs: float32 arrays, the graph's input shapes; random values make the check sharp.
        path: target without suffix.
        file_format: MINDIR, AIR (Ascend only) or ONNX.
        sidecar: dict for <path>.json: what the 310 program needs to feed the graph.
    Returns:
        (path of the file, largest absolute difference or None when the file is no MindIR).
    Raises:
        InputError: this device cannot write the format.
        RunError: the exporter failed, or the file computes something else.
    """
    if file_format == "AIR" and ms.get_context("device_target") != "Ascend":
        raise InputError("file_format AIR needs an Ascend card; use MINDIR here")
    path = Path(path)
    target = path.with_name(path.name + _SUFFIX[file_format])
    target.parent.mkdir(parents=True, exist_ok=True)
    tensors = [ms.Tensor(array) for array in inputs]
    expected = net.set_train(False)(*tensors).asnumpy()
    with tempfile.TemporaryDirectory(prefix=".export-", dir=target.parent) as folder:
        written = Path(folder) / target.name
        try:
            name = str(written.with_suffix(""))
            ms.export(net, *tensors, file_name=name, file_format=file_format)
        except (RuntimeError, ValueError, TypeError) as err:
            reason = " ".join(str(err).split("\n")[0].split())
            raise RunError(f"MindSpore cannot export {target.name}: {reason}") from err
        difference = None
        if file_format == "MINDIR":
            difference = _difference(written, tensors, expected)
        written.chmod(0o644)
        written.replace(target)
    write_bytes(path.with_name(path.name + ".json"), json.dumps(sidecar, indent=1).encode())
    return target, difference


def _difference(path, tensors, expected):
    got = ms.nn.GraphCell(ms.load(str(path)))(*tensors).asnumpy()
    difference = float(np.max(np.abs(got - expected)))
    if not difference <= 1e-3 * max(1.0, float(np.max(np.abs(expected)))):
        raise RunError(f"{path.name} loaded back differs from the network by {difference:.3g}")
    return difference


def load_graph(path):
    """Read a MindIR and its sidecar.

    Returns:
        (GraphCell, sidecar dict).
    Raises:
        InputError: a file is missing or broken.
    """
    path = Path(path)
    sidecar = path.with_suffix(".json")
    for file in (path, sidecar):
        if not file.is_file():
            raise InputError(f"{file} does not exist; export.py writes the .mindir and its .json")
    try:
        description = json.loads(sidecar.read_text(encoding="utf-8"))
    except ValueError as err:
        raise InputError(f"{sidecar} is not JSON: {err}") from None
    try:
        return ms.nn.GraphCell(ms.load(str(path))), description
    except (RuntimeError, ValueError) as err:
        raise InputError(f"{path} is truncated or not a MindIR of this MindSpore") from err

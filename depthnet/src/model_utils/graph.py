"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Exported graphs: write one with its sidecar, check it, read it back.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import mindspore as ms
import numpy as np

from .device import Device
from .errors import InputError, RunError
from .files import file_checksum, replacing, write_bytes

_SUFFIX = {"MINDIR": ".mindir", "AIR": ".air", "ONNX": ".onnx"}
# Some damaged graphs crash what loads or runs them: a sidecar knows the checksum of its graph,
# and a graph exported before sidecars did is tried in a process of its own.
_CHECKSUM = "crc32"
_TRIAL = """
import json, sys
import mindspore as ms, numpy as np
ms.set_context(device_target="CPU")
inputs = [ms.Tensor(np.zeros(shape, np.float32)) for shape in json.loads(sys.argv[2])]
ms.nn.GraphCell(ms.load(sys.argv[1]))(*inputs)
"""


def check_format(file_format: str, device: Device) -> None:
    """Answer a format that this device cannot write before a network is built.

    Raises:
        InputError: AIR without an Ascend card.
    """
    if file_format == "AIR" and device.target != "Ascend":
        raise InputError("file_format AIR needs an Ascend card; use MINDIR here")


def export_graph(
    net: ms.nn.Cell,
    inputs: Sequence[np.ndarray],
    path: str | Path,
    file_format: str,
    sidecar: Mapping[str, Any],
) -> None:
    """Export a network, write the sidecar beside it; a MindIR is loaded back and compared.

    Prints the files and, of a MindIR, the largest absolute difference.

    Args:
        net: Cell with one output or several.
        inputs: float32 arrays, the graph's input shapes; random values make the check sharp.
        path: target without suffix.
        file_format: MINDIR, AIR or ONNX; see `check_format`.
        sidecar: for <path>.json: what the 310 program needs to feed the graph.
    Raises:
        RunError: the exporter failed, or the file computes something else.
    """
    path = Path(path)
    target = path.with_name(path.name + _SUFFIX[file_format])
    tensors, difference = [ms.Tensor(array) for array in inputs], None
    expected = _arrays(net.set_train(False)(*tensors))
    with replacing(target) as written:
        try:
            name = str(written.with_suffix(""))
            ms.export(net, *tensors, file_name=name, file_format=file_format)
        except (RuntimeError, ValueError, TypeError) as err:
            reason = " ".join(str(err).split("\n")[0].split())
            raise RunError(f"MindSpore cannot export {target.name}: {reason}") from err
        if file_format == "MINDIR":
            difference = _difference(written, tensors, expected)
        written.chmod(0o644)
    sidecar = {**sidecar, _CHECKSUM: file_checksum(target)}
    write_bytes(path.with_name(path.name + ".json"), json.dumps(sidecar, indent=1).encode())
    shape = "x".join(map(str, inputs[0].shape))
    print(f"wrote {target} and {path.name}.json, input {shape}")
    if difference is not None:
        print(f"loaded back: maximum difference {difference:.3g} on random input")


def _arrays(outputs):
    """What a graph gave, one tensor or a tuple, as a list of arrays."""
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    return [output.numpy() for output in outputs]


def _difference(path, tensors, expected):
    """The largest over all outputs; each is judged by its own size."""
    largest = 0.0
    for got, want in zip(_arrays(ms.nn.GraphCell(ms.load(str(path)))(*tensors)), expected):
        difference = float(np.max(np.abs(got - want)))
        if not difference <= 1e-3 * max(1.0, float(np.max(np.abs(want)))):
            raise RunError(f"{path.name} loaded back differs from the network by {difference:.3g}")
        largest = max(largest, difference)
    return largest


def load_graph(path: str | Path) -> tuple[ms.nn.GraphCell, dict[str, Any]]:
    """Read a MindIR and its sidecar.

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
    except (ValueError, RecursionError) as err:
        raise InputError(f"{sidecar} is not JSON: {err}") from None
    if not isinstance(description, dict):
        raise InputError(f"{sidecar} is not the sidecar of a graph; export it again")
    if _CHECKSUM not in description:
        _try_elsewhere(path, description)
    elif description[_CHECKSUM] != file_checksum(path):
        hint = "export it again, or use another copy of both"
        raise InputError(f"{path} is not what {sidecar.name} was written for, or damaged; {hint}")
    try:
        return ms.nn.GraphCell(ms.load(str(path))), description
    except Exception as err:  # MindSpore raises many kinds for a damaged file
        raise InputError(f"{path} is truncated or not a MindIR of this MindSpore") from err


def _try_elsewhere(path, description):
    """InputError when a process that loads and runs the graph fails, or crashes."""
    try:
        # A dimension that may have any size is -1.
        shapes = [[abs(int(n)) for n in entry["shape"]] for entry in description["inputs"]]
    except (KeyError, TypeError, ValueError, OverflowError):
        raise InputError(f"{path}: its .json names no inputs; export it again") from None
    command = [sys.executable, "-c", _TRIAL, str(path), json.dumps(shapes)]
    if subprocess.run(command, capture_output=True).returncode:
        raise InputError(f"{path} is truncated or not a MindIR of this MindSpore")

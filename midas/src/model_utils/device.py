"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Device, graph mode, seed and distributed start.
"""

import functools
import os
from dataclasses import dataclass
from pathlib import Path

import mindspore as ms
import numpy as np
from mindspore import nn, ops

from .config import InputError


@dataclass(frozen=True)
class Device:
    """Where this process runs: target (Ascend, GPU, CPU), its rank and the number of ranks."""

    target: str
    rank: int = 0
    size: int = 1

    @property
    def is_main(self):
        """Whether this rank writes the shared files."""
        return self.rank == 0

    def mean(self, values):
        """Mean over the ranks of a list of floats; every rank must call it, and leave after it.

        The last thing that ranks exchange must be small: a rank that exits while its part of a
        large all-reduce is on its way makes its peers fail.
        """
        if self.size == 1:
            return values
        total = _all_reduce()(ms.Tensor(values, ms.float32)).asnumpy()
        return [float(value) / self.size for value in total]


class _AllReduce(nn.Cell):
    def __init__(self):
        super().__init__()
        self.reduce = ops.AllReduce()

    def construct(self, values):
        return self.reduce(values)


@functools.cache
def _all_reduce():
    return _AllReduce()


def set_cpu_isa():
    """Keep oneDNN off its AVX-512 reference kernels, 100 times slower (MindSpore 2.9 and 2.10).

    It must run before the first operation; a value that the user set stays.
    """
    os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX2")


def _ascend_is_there():
    return bool(list(Path("/dev").glob("davinci[0-9]*")))


def _set_target(target, device_id):
    if hasattr(ms, "set_device"):
        ms.set_device(target, device_id if target != "CPU" else 0)
    elif target == "CPU":
        ms.set_context(device_target=target)
    else:
        ms.set_context(device_target=target, device_id=device_id)


def setup(config):
    """Choose the device, graph mode and seed; join the other ranks when `run_distribute` is set.

    Args:
        config: namespace with device_target (auto, Ascend, GPU, CPU), device_id and seed;
            run_distribute where the program trains.
    Returns:
        Device. Under a launcher the environment's DEVICE_ID wins over device_id.
    Raises:
        InputError: the target does not work on this machine, or no launcher started this rank.
    """
    set_cpu_isa()
    if int(np.__version__.split(".")[0]) > 1:
        raise InputError(f"numpy {np.__version__} is too new for MindSpore; pip install 'numpy<2'")
    target = config.device_target
    if target == "auto":
        target = "Ascend" if _ascend_is_there() else "CPU"
    distributed = getattr(config, "run_distribute", False)
    device_id = (
        int(os.environ.get("DEVICE_ID", config.device_id)) if distributed else config.device_id
    )
    ms.set_seed(config.seed)
    np.random.seed(config.seed)
    try:
        ms.set_context(mode=ms.GRAPH_MODE)
        _set_target(target, device_id)
        device = _join(target) if distributed else Device(target)
    except (RuntimeError, ValueError) as err:
        reason = " ".join(str(err).split("\n")[0].split())
        raise InputError(f"device_target {target} does not work here: {reason}") from None
    print(f"device: {target} {device_id}, rank {device.rank} of {device.size}", flush=True)
    return device


def _join(target):
    if "MS_ROLE" not in os.environ and "RANK_TABLE_FILE" not in os.environ:
        raise InputError("run_distribute needs a launcher; use scripts/run_distribute_train.sh")
    ms.communication.init()
    return Device(target, ms.communication.get_rank(), ms.communication.get_group_size())

"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Device, graph mode, seed and distributed start.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import mindspore as ms
import numpy as np
from mindspore import nn, ops

from .errors import InputError


@dataclass(frozen=True)
class Device:
    """Where this process runs: target (Ascend, GPU, CPU), its card, rank, and number of ranks."""

    target: str
    rank: int = 0
    size: int = 1
    number: int = 0

    @property
    def is_main(self) -> bool:
        """Whether this rank writes the shared files."""
        return self.rank == 0

    def mean(self, values: Sequence[float]) -> list[float]:
        """Mean over the ranks of a list of numbers; every rank must call it.

        It is also a barrier: on CPU a rank that exits during a large all-reduce makes the others
        fail, so the last exchange between ranks must be a small one.
        """
        if self.size == 1:
            return list(values)
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


def set_cpu_isa() -> None:
    """Keep oneDNN off its AVX-512 reference kernels, 100 times slower (MindSpore 2.9 and 2.10).

    Call it before the first operation; a value that the user set is kept.
    """
    os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX2")


def _ascend_is_there():
    return bool(list(Path("/dev").glob("davinci[0-9]*")))


def _set_target(target, number):
    if hasattr(ms, "set_device"):
        ms.set_device(target, number if target != "CPU" else 0)
    elif target == "CPU":
        ms.set_context(device_target=target)
    else:
        ms.set_context(device_target=target, device_id=number)


def setup(
    target: str, number: int = 0, seed: int | None = None, distributed: bool = False
) -> Device:
    """Choose the device, graph mode and seed; join the other ranks of a distributed run.

    Args:
        target: auto, Ascend, GPU or CPU; auto takes Ascend where there is a card.
        number: card; under a launcher the environment's DEVICE_ID wins.
        seed: of initial weights; None leaves MindSpore's own.
        distributed: a launcher started this rank.
    Raises:
        InputError: the target does not work on this machine, or no launcher started this rank.
    """
    set_cpu_isa()
    if int(np.__version__.split(".")[0]) > 1:
        raise InputError(f"numpy {np.__version__} is too new for MindSpore; pip install 'numpy<2'")
    if target == "auto":
        target = "Ascend" if _ascend_is_there() else "CPU"
    if distributed:
        number = int(os.environ.get("DEVICE_ID", number))
    if seed is not None:
        ms.set_seed(seed)
        np.random.seed(seed)
    try:
        ms.set_context(mode=ms.GRAPH_MODE)
        _set_target(target, number)
        rank, size = _join() if distributed else (0, 1)
    except (RuntimeError, ValueError) as err:
        if isinstance(err, InputError):
            raise
        reason = " ".join(str(err).split("\n")[0].split())
        raise InputError(f"device_target {target} does not work here: {reason}") from None
    print(f"device: {target} {number}, rank {rank} of {size}", flush=True)
    return Device(target, rank, size, number)


def _join():
    if "MS_ROLE" not in os.environ and "RANK_TABLE_FILE" not in os.environ:
        raise InputError("run_distribute needs a launcher; use scripts/run_distribute_train.sh")
    ms.communication.init()
    return ms.communication.get_rank(), ms.communication.get_group_size()

"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Device, graph mode, seed and distributed start.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import mindspore as ms
import numpy as np
from mindspore import nn, ops

from .errors import InputError, one_line
from .host import card_kinds, card_numbers, look

_910A = "ascend910"


@dataclass(frozen=True)
class Device:
    """Where this process runs.

    Attributes:
        target: Ascend, GPU or CPU.
        rank: of this process, and `size`: how many there are.
        number: of its card.
        saturates: the card turns infinities into its largest number and NaN into 0 (Ascend 910A),
            so that only its status register tells of an overflow.
    """

    target: str
    rank: int = 0
    size: int = 1
    number: int = 0
    saturates: bool = False

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
        total = _all_reduce()(ms.Tensor(values, ms.float32)).numpy()
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
    return bool(card_numbers())


def _set_target(target, number):
    if hasattr(ms, "set_device"):
        ms.set_device(target, number if target != "CPU" else 0)
    elif target == "CPU":
        ms.set_context(device_target=target)
    else:
        ms.set_context(device_target=target, device_id=number)


def level_on(target: str, level: str) -> str:
    """The precision that an amp_level means: `auto` is O2 on Ascend, else O0."""
    return ("O2" if target == "Ascend" else "O0") if level == "auto" else level


def give_back_free_memory() -> None:
    """Give the system what a compilation left free in pieces that tensors do not fit into.

    glibc keeps it: a tenth of the memory that a training step takes on CPU.
    """
    with contextlib.suppress(AttributeError, OSError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)


def _soc():
    """Family of the Ascend chip, as MindSpore names it: ascend910 is the 910A."""
    from mindspore._c_expression import MSContext

    # MindSpore has no public name for it; amp.all_finite asks in the same way.
    asked = getattr(MSContext.get_instance(), "get_ascend_soc_version", lambda: "")
    return asked()


def _set_precision(target, level):
    """Ask for what the README's table of precision says; whether the card saturates."""
    saturates = target == "Ascend" and _soc() == _910A
    if not hasattr(ms, "device_context"):  # MindSpore before 2.5 only exports
        return saturates
    if target == "Ascend":
        precision = ms.device_context.ascend.op_precision
        # The 910A's matrix unit takes float16 only. Its default, force_fp16, would make float16 of
        # the rest too, and of the losses.
        precision.precision_mode("allow_fp32_to_fp16" if saturates else "must_keep_origin_dtype")
        if level == "O0" and not saturates:
            precision.conv_allow_hf32(False)
            precision.matmul_allow_hf32(False)
    if target == "GPU" and level == "O0":
        precision = ms.device_context.gpu.op_precision
        precision.conv_allow_tf32(False)
        precision.matmul_allow_tf32(False)
    return saturates


def setup(
    target: str,
    number: int = 0,
    seed: int | None = None,
    distributed: bool = False,
    amp_level: str = "O0",
) -> Device:
    """Choose the device, graph mode, seed and precision; join the other ranks.

    Args:
        target: auto, Ascend, GPU or CPU; auto takes Ascend where there is a card.
        number: card; under a launcher the environment's DEVICE_ID wins.
        seed: of initial weights; None leaves MindSpore's own.
        distributed: a launcher started this rank.
        amp_level: auto, O0, O2 or O3; with O0 the device is asked for float32, see the README.
    Raises:
        InputError: the target does not work on this machine, or no launcher started this rank.
    """
    set_cpu_isa()
    if int(np.__version__.split(".")[0]) > 1:
        raise InputError(f"numpy {np.__version__} is too new for MindSpore; pip install 'numpy<2'")
    asked, target = target, _resolved(target)
    if distributed:
        number = int(os.environ.get("DEVICE_ID", number))
        _own_folder(target, number)
    if seed is not None:
        ms.set_seed(seed)
        np.random.seed(seed)
    try:
        ms.set_context(mode=ms.GRAPH_MODE)
        _set_target(target, number)
        saturates = _set_precision(target, level_on(target, amp_level))
        rank, size = _join() if distributed else (0, 1)
    except (RuntimeError, ValueError, ImportError) as err:
        if isinstance(err, InputError):
            raise
        raise InputError(_why(err, target, asked)) from None
    print(f"device: {target} {number}, rank {rank} of {size}", flush=True)
    return Device(target, rank, size, number, saturates)


def _resolved(target):
    """The target that is meant.

    Raises:
        InputError: the cards are of a kind that MindSpore cannot drive.
    """
    if target == "auto":
        target = "Ascend" if _ascend_is_there() else "CPU"
    kinds = card_kinds() if target == "Ascend" else ()
    if kinds and all(kind.startswith("310") for kind in kinds):
        raise InputError(
            f"MindSpore cannot drive an Ascend {kinds[0]}, which MindSpore Lite serves "
            "(ascend310_infer); run this program with --device_target CPU"
        )
    return target


def _own_folder(target, number):
    """Each rank compiles operators in a folder of its own; what the user set is kept."""
    if target == "Ascend" and "ASCEND_WORK_PATH" not in os.environ:
        folder = Path("ascend_work", f"device_{number}").absolute()
        folder.mkdir(parents=True, exist_ok=True)
        os.environ["ASCEND_WORK_PATH"] = str(folder)


def _why(error, target, asked):
    """One line: why a device does not come up, what the host lacks, what works without it."""
    reason = one_line(error).split(". Please", 1)[0].rstrip(".")
    text = f"device_target {target} does not work here: {reason}"
    if target == "Ascend":
        hint = "`python -m src.model_utils.host` shows what this host has"
        missing = [f"missing: {line}" for line in look().missing]
        text = "; ".join([text, *(missing or [hint])])
    if asked == "auto":
        text += "; without the card: --device_target CPU"
    return text


def _join():
    if "MS_ROLE" not in os.environ and "RANK_TABLE_FILE" not in os.environ:
        raise InputError("run_distribute needs a launcher; use scripts/run_distribute_train.sh")
    ms.communication.init()
    return ms.communication.get_rank(), ms.communication.get_group_size()

"""The READMEs' table of precision is what a program asks of its device, and of its networks."""

import re

import mindspore as ms
import pytest
from mindspore import nn

from depthnet.src.model_utils import device
from depthnet.src.model_utils.device import Device, setup
from depthnet.src.model_utils.step import mixed_precision
from tests.conftest import REPOSITORY

CHIPS = {
    "Ascend 910A": ("Ascend", "ascend910"),
    "Ascend 910B": ("Ascend", "ascend910b"),
    "GPU": ("GPU", ""),
    "CPU": ("CPU", ""),
}
OFF = {
    "HF32": [("conv_allow_hf32", False), ("matmul_allow_hf32", False)],
    "TF32": [("conv_allow_tf32", False), ("matmul_allow_tf32", False)],
}
WORDS = {"README.md": ("loss scaler", "off"), "README_CN.md": ("损失缩放", "关闭")}


def table(name):
    """{(level, chip): cell} of a README's table."""
    lines = (REPOSITORY / name).read_text().splitlines()
    start = lines.index("| amp_level | Ascend 910A | Ascend 910B | GPU | CPU |")
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in lines[start + 2 : start + 5]
    ]
    assert [row[0] for row in rows] == ["O0", "O2", "O3"]
    return {(row[0], chip): cell for row in rows for chip, cell in zip(CHIPS, row[1:])}


@pytest.fixture
def asked(monkeypatch):
    """What is asked of the device's arithmetic, as (function, value)."""
    calls = []
    monkeypatch.setattr(ms, "set_device", lambda *given: None)
    for target, names in {"ascend": ("precision_mode",), "gpu": ()}.items():
        module = getattr(ms.device_context, target).op_precision
        kind = "hf32" if target == "ascend" else "tf32"
        for name in (*names, f"conv_allow_{kind}", f"matmul_allow_{kind}"):
            monkeypatch.setattr(module, name, lambda value, name=name: calls.append((name, value)))
    monkeypatch.setattr(device, "card_kinds", lambda: ())
    return calls


@pytest.mark.parametrize("name", WORDS)
@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("level", ["O0", "O2", "O3"])
def test_a_cell_of_the_table(asked, monkeypatch, name, chip, level):
    cell, (scaled, off) = table(name)[level, chip], WORDS[name]
    target, soc = CHIPS[chip]
    monkeypatch.setattr(device, "_soc", lambda: soc)
    started = setup(target, amp_level=level)
    modes = [("precision_mode", mode) for mode in re.findall(r"`(\w+)`", cell)]
    modes += [call for kind, calls in OFF.items() if kind in cell for call in calls]
    assert asked == modes and (off in cell) == (len(modes) > 1 or chip == "GPU" and level == "O0")
    net = nn.SequentialCell(nn.Dense(2, 2), nn.BatchNorm1d(2))
    computed, scaler = mixed_precision(net, level, started)
    assert (scaler is not None) == (scaled in cell)
    float16 = [
        kind
        for kind in (nn.Dense, nn.BatchNorm1d)
        for _, part in computed.cells_and_names()
        if isinstance(part, kind) and part.get_flags().get("fp16")
    ]
    assert float16 == {"O0": [], "O2": [nn.Dense], "O3": [nn.Dense, nn.BatchNorm1d]}[level]
    assert ("BatchNorm" in cell) == (level == "O2")


def test_auto_is_o2_on_ascend_alone():
    for target, level in {"Ascend": "O2", "GPU": "O0", "CPU": "O0"}.items():
        assert device.level_on(target, "auto") == level
        assert [device.level_on(target, given) for given in ("O0", "O3")] == ["O0", "O3"]
        net = nn.Dense(2, 2)
        assert (mixed_precision(net, "auto", Device(target))[1] is None) == (level == "O0")


def test_the_scaler_starts_at_65536_and_halves():
    scaler = mixed_precision(nn.Dense(2, 2), "O0", Device("Ascend", saturates=True))[1]
    assert scaler.scale_value.asnumpy() == 2**16
    assert (scaler.scale_factor, scaler.scale_window) == (2, 1000)

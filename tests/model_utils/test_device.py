"""Device, seed and the start of a distributed run, with a MindSpore that only notes the calls."""

import ctypes
import os
from dataclasses import FrozenInstanceError
from pathlib import Path
from types import SimpleNamespace

import mindspore as ms
import numpy as np
import pytest

from depthnet.src.model_utils import device, host
from depthnet.src.model_utils.device import Device, setup
from depthnet.src.model_utils.errors import InputError

NAMES = ("DEVICE_ID", "MS_ROLE", "RANK_TABLE_FILE", "ASCEND_WORK_PATH")
PRECISION = {
    "ascend": ("precision_mode", "conv_allow_hf32", "matmul_allow_hf32"),
    "gpu": ("conv_allow_tf32", "matmul_allow_tf32"),
}
FLOAT32 = [
    ("precision_mode", "must_keep_origin_dtype"),
    ("conv_allow_hf32", False),
    ("matmul_allow_hf32", False),
]


@pytest.fixture
def calls(monkeypatch, tmp_path):
    """What setup asks of MindSpore."""
    noted = []

    def note(name):
        return lambda *given, **named: noted.append((name, *given, *named.items()))

    for name in ("set_device", "set_context", "set_seed"):
        monkeypatch.setattr(ms, name, note(name))
    for target, names in PRECISION.items():
        asked = getattr(ms.device_context, target).op_precision
        for name in names:
            monkeypatch.setattr(asked, name, note(name))
    monkeypatch.setattr(device, "_soc", lambda: "ascend910b")
    monkeypatch.setattr(device, "card_kinds", lambda: ())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ms.communication, "init", note("init"))
    monkeypatch.setattr(ms.communication, "get_rank", lambda: 2)
    monkeypatch.setattr(ms.communication, "get_group_size", lambda: 4)
    for name in (*NAMES, "ONEDNN_MAX_CPU_ISA"):
        monkeypatch.delenv(name, raising=False)
    return noted


def test_a_cpu_has_number_0_and_graph_mode(calls, printed):
    assert setup("CPU", 3) == Device("CPU", rank=0, size=1, number=3)
    assert calls == [("set_context", ("mode", ms.GRAPH_MODE)), ("set_device", "CPU", 0)]
    assert printed() == "device: CPU 3, rank 0 of 1\n"
    assert os.environ["ONEDNN_MAX_CPU_ISA"] == "AVX2"


def test_one_rank_and_card_0_unless_told_otherwise(calls):
    device_ = setup("CPU")
    assert (device_.number, device_.rank, device_.size) == (0, 0, 1)
    assert Device("CPU") == device_ and Device("CPU").number == 0
    with pytest.raises(FrozenInstanceError):
        device_.rank = 1


def test_a_user_s_own_setting_of_onednn_stays(calls, monkeypatch):
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX512_CORE")
    setup("CPU")
    assert os.environ["ONEDNN_MAX_CPU_ISA"] == "AVX512_CORE"


@pytest.mark.parametrize(("there", "target"), [(True, "Ascend"), (False, "CPU")])
def test_auto_takes_an_ascend_where_there_is_a_card(calls, monkeypatch, there, target):
    monkeypatch.setattr(device, "_ascend_is_there", lambda: there)
    assert setup("auto", 1).target == target
    assert calls[1] == ("set_device", target, 1 if there else 0)


def test_cards_are_looked_for_among_the_devices(tmp_path, monkeypatch):
    monkeypatch.setattr(device, "card_numbers", lambda: host.card_numbers(tmp_path))
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "davinci_manager").touch()
    assert device._ascend_is_there() is False
    (tmp_path / "dev" / "davinci0").touch()
    assert device._ascend_is_there() is True


def test_mindspore_2_0_is_told_by_its_context(calls, monkeypatch):
    monkeypatch.delattr(ms, "set_device")
    monkeypatch.delattr(ms, "device_context")
    setup("CPU", 1)
    setup("Ascend", 1)
    assert calls[1] == ("set_context", ("device_target", "CPU"))
    assert calls[3] == ("set_context", ("device_target", "Ascend"), ("device_id", 1))


def test_the_seed_is_mindspore_s_and_numpy_s(calls):
    setup("CPU", seed=5)
    assert ("set_seed", 5) in calls
    assert np.random.random() == np.random.RandomState(5).random()
    calls.clear()
    setup("CPU")
    assert not [call for call in calls if call[0] == "set_seed"]


@pytest.mark.parametrize("variable", ["MS_ROLE", "RANK_TABLE_FILE"])
def test_a_launcher_s_rank_and_card_win(calls, monkeypatch, variable):
    monkeypatch.setenv(variable, "x")
    monkeypatch.setenv("DEVICE_ID", "6")
    found = setup("Ascend", 1, distributed=True)
    assert found == Device("Ascend", rank=2, size=4, number=6)
    assert calls[1:] == [("set_device", "Ascend", 6), *FLOAT32, ("init",)]
    assert not found.is_main and Device("CPU").is_main
    # Without a launcher the environment of another run says nothing.
    assert setup("Ascend", 1) == Device("Ascend", number=1)
    monkeypatch.delenv("DEVICE_ID")
    assert setup("Ascend", 3, distributed=True).number == 3


def test_ranks_need_a_launcher(calls):
    with pytest.raises(InputError, match="run_distribute needs a launcher; use scripts/"):
        setup("CPU", distributed=True)


def test_a_target_that_does_not_work_is_told_in_one_line(calls, monkeypatch):
    def fail(*arguments):
        raise RuntimeError("no   card\nC++ stack")

    monkeypatch.setattr(ms, "set_device", fail)
    with pytest.raises(
        InputError, match=r"^device_target GPU does not work here: no card C\+\+ stack$"
    ):
        setup("GPU")


@pytest.mark.parametrize(
    ("version", "good"), [("1.26.4", True), ("2.0.0", False), ("2.1.3", False)]
)
def test_numpy_2_is_refused(calls, monkeypatch, version, good):
    monkeypatch.setattr(np, "__version__", version)
    if good:
        setup("CPU")
        return
    with pytest.raises(InputError, match=f"numpy {version} is too new.*pip install 'numpy<2'"):
        setup("CPU")


def test_a_mean_over_ranks(monkeypatch):
    values = [1.0, 2.5]
    assert Device("CPU").mean(values) == values and Device("CPU").mean(values) is not values
    # Three ranks; the other two have 3 and 5 more.
    monkeypatch.setattr(device, "_all_reduce", lambda: lambda x: ms.Tensor(3 * x.asnumpy() + 8))
    mean = Device("CPU", rank=0, size=3).mean(values)
    assert mean == pytest.approx([1 + 8 / 3, 2.5 + 8 / 3]) and type(mean[0]) is float


@pytest.mark.parametrize(
    ("target", "soc", "level", "asked", "saturates"),
    [
        ("CPU", "", "O0", [], False),
        ("CPU", "", "O3", [], False),
        ("GPU", "", "O0", [("conv_allow_tf32", False), ("matmul_allow_tf32", False)], False),
        ("GPU", "", "auto", [("conv_allow_tf32", False), ("matmul_allow_tf32", False)], False),
        ("GPU", "", "O2", [], False),
        ("Ascend", "ascend910b", "O0", FLOAT32, False),
        ("Ascend", "ascend910b", "auto", FLOAT32[:1], False),
        ("Ascend", "ascend910b", "O3", FLOAT32[:1], False),
        ("Ascend", "ascend910", "O0", [("precision_mode", "allow_fp32_to_fp16")], True),
        ("Ascend", "ascend910", "auto", [("precision_mode", "allow_fp32_to_fp16")], True),
        ("Ascend", "", "O0", FLOAT32, False),
    ],
)
def test_the_precision_that_is_asked_for(calls, monkeypatch, target, soc, level, asked, saturates):
    """The README's table: float32 wherever it can be asked for, at any level but the networks'."""
    monkeypatch.setattr(device, "_soc", lambda: soc)
    assert setup(target, amp_level=level).saturates is saturates
    assert calls[2:] == asked


def test_programs_that_do_not_train_ask_for_float32(calls):
    setup("Ascend")
    assert calls[2:] == FLOAT32


def test_the_chip_is_what_mindspore_calls_it(monkeypatch):
    assert device._soc() == ""  # no card here
    context = "mindspore._c_expression.MSContext"
    monkeypatch.setattr(context, SimpleNamespace(get_instance=lambda: object()))
    assert device._soc() == ""  # MindSpore 2.0.0 has no such method
    chip = SimpleNamespace(get_ascend_soc_version=lambda: "ascend910")
    monkeypatch.setattr(context, SimpleNamespace(get_instance=lambda: chip))
    assert device._soc() == "ascend910"


def test_each_rank_on_a_card_has_a_folder_of_its_own(calls, monkeypatch, tmp_path):
    monkeypatch.setenv("MS_ROLE", "MS_WORKER")
    monkeypatch.setenv("DEVICE_ID", "3")
    setup("CPU", distributed=True)
    setup("Ascend")
    assert "ASCEND_WORK_PATH" not in os.environ and not list(tmp_path.iterdir())
    setup("Ascend", distributed=True)
    folder = tmp_path / "ascend_work" / "device_3"
    assert os.environ["ASCEND_WORK_PATH"] == str(folder) and folder.is_dir()
    monkeypatch.setenv("DEVICE_ID", "4")
    setup("Ascend", distributed=True)  # now it is the user's
    assert os.environ["ASCEND_WORK_PATH"] == str(folder)


@pytest.fixture
def broken(calls, monkeypatch):
    """A card that does not come up, in MindSpore's words."""

    def fail(*arguments):
        raise RuntimeError(
            "Unsupported device target Ascend. This process only supports one of the ['CPU']. "
            "Please check whether the Ascend environment is installed.\n\n---\nC++ stack"
        )

    monkeypatch.setattr(ms, "set_device", fail)
    monkeypatch.setattr(device, "_ascend_is_there", lambda: True)
    monkeypatch.setattr(device, "look", lambda: SimpleNamespace(missing=()))


WORDS = (
    "device_target Ascend does not work here: Unsupported device target Ascend. "
    "This process only supports one of the ['CPU']; "
)


def test_a_card_that_does_not_come_up_says_what_the_host_lacks(broken, monkeypatch):
    with pytest.raises(InputError) as caught:
        setup("Ascend")
    command = "`python -m src.model_utils.host` shows what this host has"
    assert str(caught.value) == WORDS + command
    missing = ("driver: install it", "MindSpore: pip install it")
    monkeypatch.setattr(device, "look", lambda: SimpleNamespace(missing=missing))
    with pytest.raises(InputError) as caught:
        setup("Ascend")
    wanted = "missing: driver: install it; missing: MindSpore: pip install it"
    assert str(caught.value) == WORDS + wanted


def test_auto_names_the_cpu_where_the_card_does_not_come_up(broken, monkeypatch):
    with pytest.raises(InputError, match="; without the card: --device_target CPU$"):
        setup("auto")


def test_a_package_that_cannot_be_imported_is_told_in_one_line(calls, monkeypatch):
    def fail():
        raise ImportError("No module named 'hccl'")

    monkeypatch.setenv("MS_ROLE", "MS_WORKER")
    monkeypatch.setattr(ms.communication, "init", fail)
    with pytest.raises(InputError, match="Ascend does not work here: No module named 'hccl'; "):
        setup("Ascend", distributed=True)


@pytest.mark.parametrize("target", ["auto", "Ascend"])
def test_a_310_is_not_for_mindspore(calls, monkeypatch, target):
    monkeypatch.setattr(device, "_ascend_is_there", lambda: True)
    monkeypatch.setattr(device, "card_kinds", lambda: ("310", "310P"))
    with pytest.raises(InputError, match=r"Ascend 310, .*ascend310_infer.*--device_target CPU$"):
        setup(target)
    assert setup("CPU").target == "CPU" and len(calls) == 2
    monkeypatch.setattr(device, "card_kinds", lambda: ("310", "910B"))
    assert setup(target).target == "Ascend"


def test_free_memory_goes_back_to_the_system():
    """Pieces with memory in use behind them, which glibc keeps by itself."""
    libc = ctypes.CDLL(None)
    libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
    pieces = [libc.malloc(4000) for _ in range(20_000)]
    for piece in pieces:
        ctypes.memset(piece, 1, 4000)
    for piece in pieces[:-1]:
        libc.free(piece)
    before = resident()
    device.give_back_free_memory()
    assert before - resident() > 40e6
    libc.free(pieces[-1])


def test_another_c_library_keeps_its_memory(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    device.give_back_free_memory()


def resident():
    """Bytes of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")

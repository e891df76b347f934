"""Folders that look like a host with Ascend cards: the PCI bus, driver, CANN, its packages."""

import os
import subprocess
import sys

CARD = {"310": "0xd100", "310P": "0xd500", "910A": "0xd801", "910B": "0xd802"}
PACKAGES = ("te", "hccl")
THEIRS = ("attr", "cffi", "decorator", "google/protobuf", "psutil", "scipy", "sympy", "absl")


def make_cards(root, kinds, numbers=None):
    """PCI devices, one for each kind, between others; /dev/davinci* for `numbers`, else for all."""
    for at, kind in enumerate(kinds):
        _device(root, at, "0x19e5", CARD[kind])
    _device(root, 90, "0x10de", CARD["910A"])  # the same number of another maker
    _device(root, 91, "0x19e5", "0x1711")  # the same maker's network card
    (root / "dev").mkdir(exist_ok=True)
    for number in range(len(kinds)) if numbers is None else numbers:
        (root / "dev" / f"davinci{number}").touch()
    for name in ("davinci_manager", "davinci0.old"):
        (root / "dev" / name).touch()


def _device(root, at, vendor, device):
    folder = root / f"sys/bus/pci/devices/0000:{at:02x}:00.0"
    folder.mkdir(parents=True)
    (folder / "vendor").write_text(f"{vendor}\n")
    (folder / "device").write_text(f"{device}\n")


def make_driver(root, version="24.1.rc1"):
    """The driver's version file."""
    _write(root / "usr/local/Ascend/driver/version.info", f"Version={version}\naicpu_version=1.0\n")


def make_cann(root, compiler="8.5.0.1.220:8.5.0", packages=PACKAGES):
    """CANN's toolkit with set_env.sh, and a folder with its Python packages; returns both."""
    toolkit = root / "usr/local/Ascend/ascend-toolkit"
    _write(toolkit / "latest/compiler/version.info", f"Version={compiler}\n")
    _write(toolkit / "set_env.sh", "export ASCEND_OPP_PATH=...\n")
    site = toolkit / "latest/python/site-packages"
    for name in packages:
        _write(site / name / "__init__.py", "")
    return toolkit, site


def make_theirs(folder, names=THEIRS):
    """Stand-ins for what CANN's packages import, so that this machine's own do not matter."""
    for name in names:
        _write(folder / name / "__init__.py", "")
    return folder


def _write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def environment(*python_path, **more):
    """This process's environment without what a host with CANN sets, and with what is given."""
    dropped = ("ASCEND", "LITE_HOME", "MSLITE_HOME", "PYTHONPATH")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return {**kept, "PYTHONPATH": os.pathsep.join(map(str, python_path)), **more}


def run_host(folder, root, env):
    """`python -m src.model_utils.host ROOT` in a model's folder."""
    command = [sys.executable, "-m", "src.model_utils.host", str(root)]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)

"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

What this host has of what an Ascend card needs, and what is missing. In a model's folder:

    python -m src.model_utils.host          (scripts/check_host.sh runs it)

Only files, the environment and the names of Python packages are looked at: nothing of Ascend's is
loaded, so that the answer comes also where loading fails. Follows the documentation of CANN and the
version checks in MindSpore's wheels; it has not run on a host with a card.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import platform
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

_HUAWEI = "0x19e5"
_CARDS = {
    "0xd100": "310",
    "0xd107": "310B",
    "0xd500": "310P",
    "0xd801": "910A",
    "0xd802": "910B",
    "0xd803": "910_93",
}
# The versions that each MindSpore accepts in CANN's compiler/version.info (its AscendEnvChecker).
COMPILERS = {
    "2.7.0": ("7.7", "7.8", "8.2"),
    "2.7.1": ("7.8", "8.2", "8.3"),
    "2.7.2": ("8.5",),
    "2.8.0": ("8.2", "8.3", "8.5"),
    "2.9.0": ("8.2", "8.3", "8.5", "9.0"),
    "2.10.0": ("8.2", "8.3", "8.5", "9.0", "9.1"),
}
NEWEST_FOR_910A = "2.8.0"
_CANN_HOMES = ("ascend-toolkit/latest", "cann", "latest", "nnae/latest", "nnrt/latest")
# set_env.sh puts te and hccl on PYTHONPATH; they import the others, which pip installs.
_CANN_PACKAGES = ("te", "hccl")
_THEIR_PACKAGES = {
    "attrs": "attr",
    "cffi": "cffi",
    "decorator": "decorator",
    "protobuf": "google.protobuf",
    "psutil": "psutil",
    "scipy": "scipy",
    "sympy": "sympy",
    "absl-py": "absl",
}


@dataclass(frozen=True)
class Host:
    """What was found; an empty text or tuple where there is none.

    Attributes:
        kinds: of the cards on the bus, one for each, such as 910A.
        numbers: of the cards that this process can reach, /dev/davinci<number>.
        driver: version of the driver.
        cann: folder of CANN.
        cann_version: version of its compiler, by which MindSpore judges it.
        mindspore: version.
        missing: what must be done before the cards can be used, a line for each.
    """

    kinds: tuple[str, ...]
    numbers: tuple[int, ...]
    driver: str
    cann: str
    cann_version: str
    mindspore: str
    missing: tuple[str, ...]

    @property
    def is_for_serving(self) -> bool:
        """Whether all cards are of the 310 family: MindSpore Lite drives them, MindSpore cannot."""
        return bool(self.kinds) and all(kind.startswith("310") for kind in self.kinds)

    def report(self) -> list[str]:
        """Lines for a person."""
        count = len(self.numbers)
        cann = f"{self.cann_version or 'version unknown'}, {self.cann}"
        reached = f"{count} reached as /dev/davinci{','.join(map(str, self.numbers))}"
        lines = {
            "system": f"{platform.system()} {platform.machine()}, Python {sys.version.split()[0]}",
            "cards": f"{_counted(self.kinds)}; {reached if count else 'no /dev/davinci*'}",
            "driver": self.driver or "none found",
            "CANN": cann if self.cann else "none found",
            "MindSpore": self.mindspore or "not installed",
        }
        found = [f"{name:10} {text}" for name, text in lines.items()]
        if self.kinds or self.numbers:
            return found + [f"missing    {line}" for line in self.missing or ["nothing"]]
        return [*found, "no Ascend card: run the programs with --device_target CPU"]


def look(root: str | Path = "/", environ: Mapping[str, str] | None = None) -> Host:
    """Look at this host.

    Args:
        root: the folder that holds dev, sys, etc and usr; another one for tests.
        environ: the environment variables; None: this process's.
    """
    root, environ = Path(root), os.environ if environ is None else environ
    kinds, found = card_kinds(root), card_numbers(root)
    driver = _field(root / "usr/local/Ascend/driver/version.info", "Version")
    cann = _cann_home(root, environ)
    compiler = _field(cann / "compiler/version.info", "Version") if cann else ""
    host = Host(
        kinds=kinds,
        numbers=found,
        driver=driver,
        cann=str(cann or ""),
        cann_version=compiler,
        mindspore=_version_of("mindspore"),
        missing=(),
    )
    if not (kinds or found):
        return host
    missing = [*_of_the_card(host), *_of_cann(host, environ)]
    missing += _of_lite(environ) if host.is_for_serving else _of_mindspore(host)
    return replace(host, missing=tuple(missing))


def card_kinds(root: str | Path = "/") -> tuple[str, ...]:
    """Kinds of the Ascend cards on the PCI bus, by their device numbers, one for each card."""
    kinds = []
    for folder in sorted((Path(root) / "sys/bus/pci/devices").glob("*")):
        if _text(folder / "vendor").strip() == _HUAWEI:
            kinds.append(_CARDS.get(_text(folder / "device").strip()))
    return tuple(kind for kind in kinds if kind)


def card_numbers(root: str | Path = "/") -> tuple[int, ...]:
    """Numbers of the Ascend cards that a process can reach, in rising order."""
    names = [path.name.removeprefix("davinci") for path in (Path(root) / "dev").glob("davinci*")]
    return tuple(sorted(int(name) for name in names if name.isdecimal()))


def _counted(kinds):
    counts = {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}
    return ", ".join(f"{n} x Ascend {kind}" for kind, n in counts.items()) or "none on the PCI bus"


def _text(path):
    try:
        return path.read_text(errors="replace")[:100_000]
    except OSError:
        return ""


def _field(path, name):
    """The value of a line `name=value`; empty when there is none."""
    found = re.search(rf"^\s*{name}\s*=\s*([\w.+-]+)", _text(path), re.MULTILINE)
    return found[1] if found else ""


def _cann_home(root, environ):
    named = [environ.get(name) for name in ("ASCEND_HOME_PATH", "ASCEND_TOOLKIT_HOME")]
    usual = [root / "usr/local/Ascend" / name for name in _CANN_HOMES]
    homes = [Path(name) for name in named if name] + usual
    return next((home for home in homes if home.is_dir()), None)


def _version_of(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _is_there(module):
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def _of_the_card(host):
    if not host.driver:
        yield "driver: no /usr/local/Ascend/driver/version.info; install the driver and firmware"
    if not host.numbers:
        yield "/dev/davinci*: load the driver; in a container give it --device=/dev/davinci0"


def _of_cann(host, environ):
    if not host.cann:
        yield "CANN: install the toolkit, then `source /usr/local/Ascend/ascend-toolkit/set_env.sh`"
        return
    home = Path(host.cann)
    scripts = [path for path in (home / "set_env.sh", home.parent / "set_env.sh") if path.is_file()]
    if not environ.get("ASCEND_OPP_PATH"):
        yield f"ASCEND_OPP_PATH: run `source {scripts[0] if scripts else 'set_env.sh of CANN'}`"


def _of_mindspore(host):
    missing = [name for name in _CANN_PACKAGES if not _is_there(name)]
    if missing:
        yield f"CANN's Python packages {', '.join(missing)}: its set_env.sh puts them on PYTHONPATH"
    needed = [name for name, module in _THEIR_PACKAGES.items() if not _is_there(module)]
    if needed:
        yield f"what CANN's Python packages import: pip install {' '.join(needed)}"
    if not host.mindspore:
        yield f"MindSpore: pip install mindspore=={NEWEST_FOR_910A}"
        return
    if "910A" in host.kinds and _series(host.mindspore) > _series(NEWEST_FOR_910A):
        yield (
            f"MindSpore {host.mindspore} no longer documents the 910A: "
            f"pip install mindspore=={NEWEST_FOR_910A}"
        )
    accepted, compiler = COMPILERS.get(host.mindspore), ".".join(host.cann_version.split(".")[:2])
    if accepted and compiler and compiler not in accepted:
        yield (
            f"CANN for MindSpore {host.mindspore}: its compiler is {compiler}, "
            f"MindSpore wants {' or '.join(accepted)}"
        )


def _series(version):
    return [int(part) for part in re.findall(r"\d+", version)[:2]]


def _of_lite(environ):
    home = environ.get("LITE_HOME") or environ.get("MSLITE_HOME")
    if not home:
        yield "MindSpore Lite: set LITE_HOME to the unpacked archive, see ascend310_infer/README.md"
    elif not Path(home).is_dir():
        yield f"MindSpore Lite: LITE_HOME={home} is not a folder"


def main(arguments: Sequence[str]) -> int:
    """Print the report; 0 when nothing is missing, else 2.

    Args:
        arguments: the root to look below, if not /; --json prints the attributes of Host.
    """
    host = look(*[word for word in arguments if word != "--json"][:1])
    print(json.dumps(asdict(host)) if "--json" in arguments else "\n".join(host.report()))
    return 2 if host.missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

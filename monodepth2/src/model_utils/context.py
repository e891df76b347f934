"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

What every run begins and ends with: device, local data, saved configuration, curves, publishing.
"""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mindspore import nn

from .config import save_config
from .device import Device, setup
from .errors import InputError
from .record import draw_curves
from .stream import SampleStream
from .trainer import Trainer


@dataclass(frozen=True)
class TrainingRun:
    """A training run that has started.

    Attributes:
        device: where it runs.
        folder: for its output.
        loop: the options of its Trainer.
        save: writes the resolved configuration below the folder.
        cache: on ModelArts, where data and results have URLs, a local folder for the data.
    """

    device: Device
    folder: Path
    loop: Mapping[str, Any]
    save: Callable[[], None]
    cache: str = ""

    def local(self, url: str) -> Path:
        """Folder to read `url` from: itself, or on ModelArts a local copy of it."""
        if not self.cache:
            return Path(url)
        target = f"{self.cache}/{self.device.rank}"
        _moxing().file.copy_parallel(src_url=url, dst_url=target)
        return Path(target)

    def trainer(self, stream: SampleStream) -> Trainer:
        """The loop over a stream of samples.

        The configuration is saved only now that the data is in order: a mistyped path leaves that
        of an earlier run.
        """
        if self.device.is_main:
            self.save()
        return Trainer(self.device, self.folder, stream, **self.loop)


def start(config: argparse.Namespace) -> Device:
    """Start a program that does not train."""
    level = vars(config).get("amp_level", "O0")  # a program that does not read it takes float32
    return setup(config.device_target, config.device_id, amp_level=level)


def without_values() -> contextlib.AbstractContextManager:
    """Within it networks are built without initial values, for a checkpoint to fill them."""
    # MindSpore 2.0.0, which exports for the 310, draws values that are then thrown away.
    utils = getattr(nn, "utils", None)
    return utils.no_init_parameters() if utils else contextlib.nullcontext()


@contextlib.contextmanager
def training(
    config: argparse.Namespace, saved: str = "config.yaml", name: str = ""
) -> Iterator[TrainingRun]:
    """Start a training run; when it ends, draw its curves and publish its results.

    Args:
        config: the entry point's configuration.
        saved: where in the run's folder the resolved configuration is written.
        name: of the run's folder below train_url; empty: train_url itself.
    Raises:
        InputError: the device does not work, or ModelArts is asked for elsewhere.
    """
    device = setup(
        config.device_target,
        config.device_id,
        seed=config.seed,
        distributed=config.run_distribute,
        amp_level=config.amp_level,
    )
    loop = {
        "resume": config.resume,
        "resume_steps": config.resume_steps,
        "host_every": config.host_every,
        "log_steps": config.log_steps,
        "jit_level": config.jit_level,
        "workers": config.num_parallel_workers,
        "processes": config.worker_processes,
    }
    folder, cache = Path(config.train_url) / name, ""
    if config.is_modelarts:
        _moxing()
        folder, cache = Path(config.modelarts_output) / name, config.modelarts_data
    run = TrainingRun(device, folder, loop, lambda: save_config(config, folder / saved), cache)
    try:
        yield run
    except BaseException:
        # Also after a stop by a signal or a failure: what was saved must leave ModelArts' disk.
        with contextlib.suppress(OSError):
            _finish(run, config, name)
        raise
    _finish(run, config, name)


def _finish(run, config, name):
    if not run.device.is_main:
        return
    draw_curves(run.folder / "metrics.csv", run.folder / "curves.png")
    if config.is_modelarts:
        target = "/".join(part for part in (config.train_url, name) if part)
        _moxing().file.copy_parallel(src_url=str(run.folder), dst_url=target)


def _moxing():
    try:
        import moxing
    except ImportError:
        raise InputError("is_modelarts needs moxing, which ModelArts has; unset it here") from None
    return moxing

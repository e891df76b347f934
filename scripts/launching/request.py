"""A launcher's command line and environment variables, checked, as one Request."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from ..models import MODELS
from . import checks
from .arguments import match_arguments, model_of, models_folder, split_words
from .checks import UsageError
from .results import speed
from .table import Pipeline

# Script -> (command in the model's row, device target unless DEVICE_TARGET says otherwise).
COMMANDS = {
    "run_standalone_train_ascend": ("train", "Ascend"),
    "run_standalone_train": ("train", ""),
    "run_distribute_train": ("distribute", ""),
    "run_train_gpu": ("gpu", "GPU"),
    "run_eval": ("eval", ""),
    "run_export": ("export", ""),
    "train_full_1p": ("full", ""),
    "train_performance_1p": ("performance", ""),
}
# Options of the pipelines: name -> (check, default; None is required).
_OPTIONS = {
    "full": {"data_path": (checks.folder, None), "output_path": (checks.new_folder, None)},
    "performance": {
        "data_path": (checks.folder, None),
        "output_path": (checks.new_folder, ""),
        "steps": (checks.count, "1000"),
    },
}


@dataclass
class Request:
    """What to start.

    Attributes:
        script: name of the launcher, for messages.
        command: in the model's row.
        model, folder: the model and its folder, in which it runs.
        row: Row or Pipeline.
        values: checked positional arguments and named options by name.
        flags: flags for the entry point from the positional arguments.
        extras: flags of the user, passed on as they are.
        target: device target, empty for the model's own default.
        dry_run: print instead of starting.
        logs: folder for the logs of this run.
    """

    script: str
    command: str
    model: str
    folder: Path
    row: object
    values: dict
    flags: list
    extras: list
    target: str
    dry_run: bool
    logs: Path

    @property
    def output(self):
        """Where a pipeline's run puts its files."""
        return Path(self.values.get("output_path") or self.logs)

    @property
    def training(self):
        """Where its training puts metrics.csv."""
        return self.output / self.row.folder

    @property
    def timed(self):
        """Whether the run is stopped once metrics.csv tells that its steps are made."""
        return self.command == "performance" and self.row.report is speed

    @property
    def old_files(self):
        """Names in `logs` of what an older run into the same folder may have left."""
        if not isinstance(self.row, Pipeline):
            return []
        names = (*self.row.logs.values(), *self.row.results)
        return [name.format(model=self.model, **self.values) for name in names]


def usage_line(script, model):
    """One line with the arguments of a script for a model."""
    command = COMMANDS[script][0]
    row = MODELS[model].commands[command]
    words = [f"bash scripts/{script}.sh {model}"]
    if isinstance(row, Pipeline):
        for name, (_, default) in _options_of(command, row).items():
            default = _text_of(default)
            words.append(f"--{name}=" if default is None else f"[--{name}={default}]")
    else:
        words += map(str, row.arguments)
    return " ".join(words)


def parse(script, words):
    """Check a launcher's command line.

    Args:
        script: name of the launcher without .sh.
        words: what follows it; from the first word that begins with -- on they are extras.
    Raises:
        UsageError: the first thing that is wrong.
    """
    command, default_target = COMMANDS[script]
    words, extras, dry_run = split_words(words)
    model, given = model_of(words)
    folder, row = _row(model, command, script)
    if isinstance(row, Pipeline):
        if given:
            raise UsageError(f"unexpected argument {given[0]!r}; write --data_path=FOLDER")
        values, extras = _named(command, row, extras)
        flags, place = [], values["output_path"] if row.logs else ""
    else:
        place = ""
        values, flags = match_arguments(model, row.arguments, given)
        flags = [*row.flags, *flags]
    target = values.get("DEVICE_TARGET") or _target(default_target)
    return Request(
        script=script,
        command=command,
        model=model,
        folder=folder,
        row=row,
        values=values,
        flags=flags,
        extras=extras,
        target=target,
        dry_run=dry_run,
        logs=_log_folder(folder, script, place),
    )


def _target(default):
    wanted = os.environ.get("DEVICE_TARGET") or default or "auto"
    target = checks.target("DEVICE_TARGET", wanted)
    return "" if target == "auto" else target


def _row(model, command, script):
    commands = MODELS[model].commands
    if command not in commands:
        raise UsageError(f"{script}.sh does not serve {model}")
    folder, row = models_folder() / model, commands[command]
    entries = [stage[0] for stage in row.stages] if isinstance(row, Pipeline) else [row.entry]
    missing = next((folder / entry for entry in entries if not (folder / entry).is_file()), None)
    if missing:
        raise UsageError(f"{missing} is missing; is the checkout complete?")
    return folder, row


def _options_of(command, row):
    """{option: (check, default)} of a pipeline's launcher for one model."""
    return {
        name: (check, row.defaults.get(name, default))
        for name, (check, default) in {**_OPTIONS[command], **row.options}.items()
    }


def _text_of(default):
    return default() if callable(default) else default


def _named(command, row, words):
    """Named options (--name=value or --name value) taken out of the extras."""
    options = _options_of(command, row)
    values, extras = {}, []
    words = iter(words)
    for word in words:
        flag, equals, text = word.partition("=")
        name = row.aliases.get(flag[2:], flag[2:])
        if name in options:
            text = text if equals else next(words, "")
            values[name] = options[name][0](flag, text) if text else ""
        else:
            extras.append(word)
    for name, (check, default) in options.items():
        if not values.get(name):
            if default is None:
                raise UsageError(f"--{name}= is missing")
            default = _text_of(default)
            values[name] = check(f"--{name}", default) if default else ""
    if "steps" in values:
        values["log_steps"] = row.every(int(values["steps"]))
    return values, extras


def _log_folder(folder, script, place=""):
    """LOG_DIR, else `place`, else a folder <model>/logs/<script>-<time> that does not exist yet."""
    given = os.environ.get("LOG_DIR") or place
    if given:
        return Path(given).expanduser().absolute()
    name = f"{script}-{time.strftime('%Y%m%d-%H%M%S')}"
    logs, turn = folder / "logs" / name, 1
    while logs.exists():
        turn += 1
        logs = logs.with_name(f"{name}-{turn}")
    return logs


def make_log_folder(logs, old=()):
    """Make the folder of a run that is about to start, without an older run's exit status.

    Args:
        logs: the folder.
        old: names of other files that an older run may have left there, and that go.
    Raises:
        UsageError: it cannot be made.
    """
    try:
        logs.mkdir(parents=True, exist_ok=True)
        for name in ("status", *old):
            (logs / name).unlink(missing_ok=True)
    except OSError as err:
        raise UsageError(f"{logs}: {err.strerror}; set LOG_DIR to another folder") from None

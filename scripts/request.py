"""A launcher's command line and environment variables, checked, as one Request."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import checks
from checks import UsageError
from models import MODELS, Pipeline

# Script -> (row of the model table, device target unless DEVICE_TARGET says otherwise).
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
        command: row of the model table.
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


def models_folder():
    """The folder with the model folders: the repository, or ZOO_MODELS_DIR (copies, tests)."""
    return Path(os.environ.get("ZOO_MODELS_DIR") or Path(__file__).resolve().parents[1]).absolute()


def switch(name):
    """Whether an environment variable is on: 1 or true; empty, 0 or false is off.

    Raises:
        UsageError: anything else.
    """
    text = os.environ.get(name, "").lower()
    if text not in ("", "0", "false", "1", "true"):
        raise UsageError(f"{name}={text}: write 1 or 0")
    return text in ("1", "true")


def usage_line(script, model):
    """One line with the arguments of a script for a model."""
    command = COMMANDS[script][0]
    row = MODELS[model][command]
    words = [f"bash scripts/{script}.sh {model}"]
    if isinstance(row, Pipeline):
        for name, (_, default) in _OPTIONS[command].items():
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
    dry_run = switch("DRY_RUN") or "--dry_run" in words
    words = [word for word in words if word != "--dry_run"]
    split = next((i for i, word in enumerate(words) if word.startswith("--")), len(words))
    (model, *given), extras = words[:split] or [""], words[split:]
    folder, row = _model(model, command, script)
    if isinstance(row, Pipeline):
        if given:
            raise UsageError(f"unexpected argument {given[0]!r}; write --data_path=FOLDER")
        values, extras = _options(command, extras)
        flags = []
    else:
        values, flags = _arguments(model, row, given)
    wanted = os.environ.get("DEVICE_TARGET") or default_target or "auto"
    target = checks.target("DEVICE_TARGET", wanted)
    target = values.get("DEVICE_TARGET", "" if target == "auto" else target)
    logs = _log_folder(folder, script)
    return Request(
        script, command, model, folder, row, values, flags, extras, target, dry_run, logs
    )


def _model(model, command, script):
    if model not in MODELS:
        raise UsageError(f"unknown model {model!r}; the models are {', '.join(MODELS)}")
    if command not in MODELS[model]:
        raise UsageError(f"{script}.sh does not serve {model}")
    folder = models_folder() / model
    row = MODELS[model][command]
    entries = [step[0] for step in row.steps] if isinstance(row, Pipeline) else [row.entry]
    missing = next((folder / entry for entry in entries if not (folder / entry).is_file()), None)
    if missing:
        raise UsageError(f"{missing} is missing; is the checkout complete?")
    return folder, row


def _arguments(model, row, given):
    needed = [argument.name for argument in row.arguments if argument.required]
    if len(given) < len(needed):
        raise UsageError(f"{model} needs {needed[len(given)]}")
    if len(given) > len(row.arguments):
        extra = given[len(row.arguments)]
        raise UsageError(f"unexpected argument {extra!r}; flags of {row.entry} begin with --")
    values, flags = {}, list(row.flags)
    for argument, text in zip(row.arguments, given):
        values[argument.name] = argument.check(argument.name, text)
        if argument.flag and argument.name != "DEVICE_TARGET":
            flags += [argument.flag, values[argument.name]]
    return values, flags


def _options(command, words):
    """Named options (--name=value or --name value) taken out of the extras."""
    options, values, extras = _OPTIONS[command], {}, []
    words = iter(words)
    for word in words:
        name, equals, text = word.partition("=")
        if name[2:] in options:
            text = text if equals else next(words, "")
            values[name[2:]] = options[name[2:]][0](name, text) if text else ""
        else:
            extras.append(word)
    for name, (check, default) in options.items():
        if not values.get(name):
            if default is None:
                raise UsageError(f"--{name}= is missing")
            values[name] = check(f"--{name}", default) if default else ""
    return values, extras


def _log_folder(folder, script):
    """LOG_DIR, or a folder <model>/logs/<script>-<time> that does not exist yet."""
    given = os.environ.get("LOG_DIR")
    if given:
        return Path(given).expanduser().absolute()
    name = f"{script}-{time.strftime('%Y%m%d-%H%M%S')}"
    logs, turn = folder / "logs" / name, 1
    while logs.exists():
        turn += 1
        logs = logs.with_name(f"{name}-{turn}")
    return logs


def make_log_folder(logs):
    """Make the folder of a run that is about to start, without an older run's exit status.

    Raises:
        UsageError: it cannot be made.
    """
    try:
        logs.mkdir(parents=True, exist_ok=True)
        (logs / "status").unlink(missing_ok=True)
    except OSError as err:
        raise UsageError(f"{logs}: {err.strerror}; set LOG_DIR to another folder") from None

"""What a model's row holds: its commands, its way through the 310 program, its quickstart.

`scripts/models/<model>.py` builds them. Flags may hold names in braces, which stand for values of
the command line; `newest:PATTERN` is the newest file of that pattern when the process starts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Callable

from . import checks
from .results import log_steps

NEWEST = "newest:"


@dataclass(frozen=True)
class Argument:
    """One positional argument of a script.

    Attributes:
        name: in the usage and in errors.
        flag: the program's option that gets it; empty: it steers the launcher.
        check: (name, text) -> the text to pass on.
        required: whether it must be given.
        words: in place of flag and check, {word that may be given: flags that it stands for}.
    """

    name: str
    flag: str = ""
    check: Callable[[str, str], str] = checks.text
    required: bool = True
    words: Mapping[str, tuple] = field(default_factory=dict)

    def __str__(self):
        return self.name if self.required else f"[{self.name}]"

    def checked(self, text):
        """The text to pass on.

        Raises:
            UsageError: it is not allowed.
        """
        check = checks.choice(*self.words) if self.words else self.check
        return check(self.name, text)

    def flags(self, value):
        """The program's flags for a checked value."""
        if self.words:
            return list(self.words[value])
        return [self.flag, value] if self.flag else []


@dataclass(frozen=True)
class Row:
    """One command of one model: an entry point, its positional arguments, and fixed flags."""

    entry: str
    arguments: tuple = ()
    flags: tuple = ()


@dataclass(frozen=True)
class Pipeline:
    """Entry points that run in turn.

    Attributes:
        stages: of (file, *flags); the options by name and {log_steps} are filled in.
        report: (values, the training's folder) -> lines that are printed at the end. The values are
            those of the options, and of the run: logs (folder), model, seconds (that it took).
        defaults: {option: default} where they differ from the launcher's.
        folder: below output_path, the training's own; empty: output_path itself.
        tools: files among the stages that take none of the model's options, so no device.
        options: {option: (check, default)} beside the launcher's, or in their place.
        aliases: {another name of an option: its name}.
        logs: {name of a stage: its log's file name}, in turn, where they are not the names of the
            files; the logs then lie in output_path, unless LOG_DIR says where.
        results: names of what the report writes beside the logs; {model} and options are filled in.
        every: steps of the run -> steps between its log lines, {log_steps}.
    """

    stages: tuple
    report: Callable
    defaults: Mapping[str, str] = field(default_factory=dict)
    folder: str = ""
    tools: tuple = ()
    options: Mapping[str, tuple] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    logs: Mapping[str, str] = field(default_factory=dict)
    results: tuple = ()
    every: Callable[[int], int] = log_steps


@dataclass(frozen=True)
class Serving:
    """A model's way through run_infer_310.sh: preprocess.py, the 310 program, postprocess.py.

    Flags are filled in with the arguments by name, {here} (the caller's folder) and, with
    `sidecar`, the {height} and {width} that the sidecar of that argument's graph gives.

    Attributes:
        arguments: of Argument; [DEVICE_ID] follows them.
        preprocess, program, postprocess: flags.
        results: files in the caller's folder that an earlier run may have left.
        sidecar: name of an argument, or empty.
    """

    arguments: tuple
    preprocess: tuple
    program: tuple
    postprocess: tuple
    results: tuple = ("acc.log",)
    sidecar: str = ""


@dataclass(frozen=True)
class Quickstart:
    """What quickstart.sh does for a model.

    Attributes:
        folder: below out/, where everything goes and where the commands run.
        steps: of (name, *words); words begin with `-m module` or with a program of the model;
            {folder} is filled in. The last step prints the table.
        images: what there is to look at, in that folder, beside index.html, which shows the tables
            of modules called compare*, and what steps with --report have written.
    """

    folder: str
    steps: tuple
    images: str


@dataclass(frozen=True)
class Model:
    """Everything that the scripts know of a model.

    Attributes:
        commands: {command: Row or Pipeline}; request.COMMANDS says which script runs which.
        serving: for run_infer_310.sh.
        quickstarts: {second word of quickstart.sh: Quickstart}; "" is for no word.
    """

    commands: Mapping[str, object]
    serving: Serving
    quickstarts: Mapping[str, Quickstart]


RANKS = Argument("RANK_TABLE_FILE|DEVICE_NUM", check=checks.ranks)
DEVICE_NUM = Argument("DEVICE_NUM", check=checks.count)
DEVICE_IDS = Argument("DEVICE_IDS", check=checks.device_list)
DEVICE_ID = Argument("DEVICE_ID", "--device_id", checks.number)
DEVICE_TARGET = Argument("DEVICE_TARGET", "--device_target", checks.target, required=False)

# Of a training that is timed: enough rows in metrics.csv, and no earlier state to go on from.
TIMED = ("--log_steps", "{log_steps}", "--resume", "none")

"""One process: its command, folder, environment and log."""

import os
import shlex
from dataclasses import dataclass, field
from pathlib import Path

from .checks import UsageError
from .table import NEWEST

# Another launcher's leftovers: with them MindSpore joins a group that does not exist.
_STALE = (
    *("MS_ROLE", "MS_WORKER_NUM", "MS_NODE_ID", "MS_SCHED_HOST", "MS_SCHED_PORT"),
    *("RANK_ID", "RANK_SIZE", "RANK_TABLE_FILE", "DEVICE_ID", "DEVICE_NUM"),
)


@dataclass(frozen=True)
class Job:
    """One process to start.

    Attributes:
        name: for messages, such as "rank 3".
        command: program and arguments.
        folder: where it runs.
        log: gets its standard output and error output.
        env: what is added to the environment.
        path: a folder put in front of PATH.
        rank_logs: of msrun, the log of each local rank.
        hosts: of msrun, how many take part.
    """

    name: str
    command: tuple
    folder: Path
    log: Path
    env: dict = field(default_factory=dict)
    path: str = ""
    rank_logs: dict = field(default_factory=dict)
    hosts: int = 1

    def words(self):
        """The command, with newest:PATTERN replaced by the newest file that fits the pattern.

        Raises:
            UsageError: none does; the process before, which should have written it, did not.
        """
        return [_newest(w.partition(":")[2]) if w.startswith(NEWEST) else w for w in self.command]

    def environment(self):
        """The complete environment of the process."""
        kept = {key: value for key, value in os.environ.items() if key not in _STALE}
        path = {"PATH": f"{self.path}:{kept['PATH']}"} if self.path else {}
        return {**kept, **path, "PYTHONUNBUFFERED": "1", **self.env}

    def shell_line(self):
        """The process as a line of bash."""
        words = [f"{key}={shlex.quote(value)}" for key, value in self.env.items()]
        words += [f'PATH={shlex.quote(self.path)}:"$PATH"'] if self.path else []
        words = " ".join([*(["env", *words] if words else []), shlex.join(self.command)])
        return f"cd {shlex.quote(str(self.folder))} && {words} > {shlex.quote(str(self.log))} 2>&1"


def _newest(pattern):
    path = Path(pattern)
    found = sorted(path.parent.glob(path.name), key=lambda file: file.stat().st_mtime)
    if not found:
        raise UsageError(f"no file {pattern}, which the training should have written")
    return str(found[-1])

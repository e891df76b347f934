"""Commands that run in order; what is done is skipped."""

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from ..launching.arguments import ROOT
from .progress import Progress

_LOOK = 0.5  # seconds between looks at a running step's log


class Steps:
    """Runs commands in order inside one folder and remembers which are done.

    Args:
        folder: working folder of the commands; their output goes to <folder>/<name>.log.
    """

    def __init__(self, folder):
        self.folder, self.began = Path(folder), time.monotonic()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._changed = False

    def seconds(self):
        """Seconds since the first step."""
        return time.monotonic() - self.began

    def run(self, name, *command):
        """Run one step unless this very command is done and nothing before it ran again.

        Raises:
            SystemExit: the command failed; its last lines are shown.
        """
        words = [str(word) for word in command]
        mark = self.folder / f".done-{name}"
        digest = hashlib.sha256(json.dumps(words).encode()).hexdigest()
        if not self._changed and mark.exists() and mark.read_text().split()[:1] == [digest]:
            print(f"{name}: done before")
            return
        self._changed = True
        mark.unlink(missing_ok=True)
        print(f"{name}: {' '.join(short(word) for word in words)}", flush=True)
        log, began = self.folder / f"{name}.log", time.monotonic()
        status = self._wait(name, words, log)
        if status:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
            print(f"{tail}\n{name} failed with exit code {status}; its log is {log}")
            raise SystemExit(1)
        seconds = time.monotonic() - began
        print(f"{name}: {seconds:.0f} s, log in {short(log)}")
        mark.write_text(f"{digest} {seconds:.1f}")

    def _wait(self, name, words, log):
        """Run a command to its end and show its progress; the exit status."""
        # In front of what is there: with a card CANN's packages are on it.
        path = filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
        with log.open("w") as file:
            streams = {"stdout": file, "stderr": subprocess.STDOUT}
            process = subprocess.Popen(words, cwd=self.folder, env=environment, **streams)
        progress = Progress(name, log)
        try:
            while True:
                try:
                    return process.wait(_LOOK)
                except subprocess.TimeoutExpired:
                    progress.look()
        finally:
            progress.end()
            if process.poll() is None:  # stopped: training saves its state
                process.terminate()
                process.wait()


def seconds_of(folder, name):
    """How long a step of a folder took when it ran; None where it has not."""
    mark = Path(folder) / f".done-{name}"
    words = mark.read_text().split() if mark.exists() else []
    return float(words[1]) if len(words) > 1 else None


def command(model, words):
    """The words of a step as a command: `-m module ...`, or a program of the model's folder."""
    if words[0] == "-m":
        return [sys.executable, *words]
    return [sys.executable, str(model / words[0]), *words[1:]]


def short(word):
    """A word of a command as a reader wants it: no path of the repository, `python`."""
    word = str(word)
    return "python" if word == sys.executable else word.removeprefix(f"{ROOT}/")

"""Runs processes to their end: live log, one failure stops all, signals handed on, exit status."""

import contextlib
import os
import signal
import subprocess
import sys
import time
import uuid
from collections import deque
from pathlib import Path

_POLL = 0.1  # seconds between looks at the processes
_TAIL = 20  # lines shown of a failed rank's log
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Running:
    """A started process of a plan.

    Args:
        job: plans.Job.
    """

    def __init__(self, job):
        self.job = job
        self.mark = uuid.uuid4().hex  # inherited by all that it starts: finds orphans
        with job.log.open("wb") as log:
            # Its own session: a Ctrl-C reaches it through us, once, and as SIGTERM.
            self.process = subprocess.Popen(
                job.words(),
                cwd=job.folder,
                env={**job.environment(), "ZOO_RUN": self.mark},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def poll(self):
        """Exit status as a shell reports it, or None while it runs."""
        status = self.process.poll()
        return None if status is None else exit_status(status)

    def watch(self):
        """Called at each look while it runs."""

    def ask_to_stop(self):
        """SIGTERM."""
        send(self.process.pid, signal.SIGTERM)

    def kill(self):
        """SIGKILL to the process and its own workers."""
        send(self.process.pid, signal.SIGKILL, group=True)
        self.process.wait()

    def clean_up(self):
        """Called once it has ended."""

    def failures(self):
        """(name, exit status, log) of what failed in it; call it once it has ended."""
        status = self.poll()
        return [(self.job.name, status, self.job.log)] if status else []


def exit_status(code):
    """A process's exit code as a shell reports it: 137 after SIGKILL, which Python counts as -9."""
    return 128 - code if code < 0 else code


def send(pid, number, group=False):
    """Send a signal to a process (or its group) that may have ended."""
    with contextlib.suppress(ProcessLookupError):
        (os.killpg if group else os.kill)(pid, number)


class Follower:
    """Copies what is appended to a log to standard output."""

    def __init__(self, path, active):
        self._path, self._active, self._at = path, active, 0

    def pump(self):
        """Copy what is new; a closed standard output is no error."""
        if not self._active or not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._at)
            new = file.read()
        self._at += len(new)
        try:
            sys.stdout.buffer.write(new)
            sys.stdout.buffer.flush()
        except OSError:
            _mute(sys.stdout)


class Supervisor:
    """Starts jobs together and waits for them.

    Args:
        jobs: list of Job; the first one's log is shown.
        start: Job -> Running.
        show: whether the log is shown.
        grace: seconds between SIGTERM and SIGKILL.
        enough: asked again and again; when it says True the run is stopped, which is no failure.
    """

    def __init__(self, jobs, *, start, show, grace, enough):
        self._jobs, self._start, self._grace, self._enough = jobs, start, grace, enough
        self._follower = Follower(jobs[0].log, show)
        self._running, self._culprits = [], []
        self.stopped_by = None  # name of the signal that ended the run

    def run(self):
        """Run to the end.

        Returns:
            Exit status: 0, or that of the first process that failed.
        """
        # What a parent ignores (nohup) stays ignored.
        heard = [number for number in _SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
        previous = {number: signal.signal(number, self._on_signal) for number in heard}
        try:
            for job in self._jobs:
                self._running.append(self._start(job))
            self._wait()
        finally:
            for running in self._alive():
                running.kill()
            for running in self._running:
                running.clean_up()
            for number, handler in previous.items():
                signal.signal(number, handler)
        self._follower.pump()
        return self._report()

    def _on_signal(self, number, _frame):
        self.stopped_by = signal.Signals(number).name

    def _alive(self):
        return [running for running in self._running if running.poll() is None]

    def _wait(self):
        why = None
        while self._alive() and not why:
            self._look()
            self._culprits = [running for running in self._running if running.poll()]
            failure = self._culprits and f"{self._culprits[0].job.name} failed"
            why = failure or self.stopped_by or (self._enough() and "enough steps")
        alive = self._alive()
        if not alive:
            return
        _say(f"{why}: stopping {len(alive)} process(es), SIGKILL in {self._grace:g} s")
        for running in alive:
            running.ask_to_stop()
        end = time.monotonic() + self._grace
        while self._alive() and time.monotonic() < end:
            self._look()

    def _look(self):
        self._follower.pump()
        for running in self._alive():
            running.watch()
        time.sleep(_POLL)

    def _report(self):
        culprits = self._culprits or self._running
        failures = [failure for running in culprits for failure in running.failures()]
        for name, status, log in failures:
            _say(f"{name} failed with exit status {status}; the end of {log}:")
            for line in tail(log):
                _say(f"    {line}")
        return failures[0][1] if failures else 0


def tail(path, lines=_TAIL):
    """The last lines of a text file, at most `lines`."""
    with Path(path).open(errors="replace") as file:
        return [line.rstrip("\n") for line in deque(file, maxlen=lines)]


def _say(text):
    try:
        print(text, file=sys.stderr)
    except OSError:
        _mute(sys.stderr)


def _mute(stream):
    """Let a stream whose reader has gone (`| head`, a closed terminal) not end the run."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)

"""Supervision of msrun, which hands no signal on and whose workers live in their own sessions."""

import os
import re
import signal
from pathlib import Path

from .supervise import Running, exit_status, send

_FAILURE = re.compile(r"Worker process (\d+) exit with exception. Error code: (-?\d+)")


class RunningMsrun(Running):
    """A started msrun: knows its workers' process numbers and ranks."""

    def __init__(self, job):
        super().__init__(job)
        self._workers, self._scheduler = {}, None  # pid -> rank; pid
        self._failed, self._at = [], 0  # (pid, exit status) from its log; place in the log

    def watch(self):
        """Note new workers and reported failures; after one, end the scheduler of a single host.

        The scheduler would take 27 s to notice; with several hosts it has to tell the others.
        """
        if len(self._workers) < len(self.job.rank_logs):
            self._find_processes()
        self._read_log()
        if self._failed and self._scheduler and self.job.hosts == 1:
            send(self._scheduler, signal.SIGTERM)
            self._scheduler = None

    def ask_to_stop(self):
        """SIGTERM to every worker; msrun ends after them."""
        self._find_processes()
        if len(self._workers) < len(self.job.rank_logs):  # still starting: nothing to save
            self.kill()
        for pid in self._workers:
            send(pid, signal.SIGTERM)

    def kill(self):
        """SIGKILL to the workers, msrun and its scheduler."""
        send(self.process.pid, signal.SIGSTOP)  # so that it starts no more of them meanwhile
        self._find_processes()
        for pid in self._workers:
            send(pid, signal.SIGKILL, group=True)
        super().kill()

    def clean_up(self):
        """Kill what msrun left behind, as when it was killed itself: workers, scheduler, tail."""
        send(self.process.pid, signal.SIGKILL, group=True)
        for pid in map(int, (path.name for path in Path("/proc").glob("[0-9]*"))):
            environ = _environ(pid)
            if environ.get("ZOO_RUN") == self.mark and _is_worker(pid, environ):
                send(pid, signal.SIGKILL, group=True)

    def failures(self):
        """The rank that msrun names; where it was too short-lived to be known, every unknown one.

        When msrun names none, it failed itself: its own log and everything that ranks wrote.
        """
        if not self.poll():
            return []
        self._read_log()
        logs = {rank: log for rank, log in self.job.rank_logs.items() if log.exists()}
        if not self._failed:
            ranks = [(f"rank {rank}", self.poll(), log) for rank, log in logs.items()]
            return [*ranks, ("msrun", self.poll(), self.job.log)]
        pid, status = self._failed[0]
        known = {self._workers[pid]} if pid in self._workers else None
        ranks = known or (set(logs) - set(self._workers.values())) or set(logs)
        return [(f"rank {rank}", status, logs[rank]) for rank in sorted(ranks)]

    def _find_processes(self):
        for pid in _children(self.process.pid):
            environ = _environ(pid)
            if _is_worker(pid, environ):
                self._workers[pid] = int(environ["RANK_ID"])
            elif environ.get("MS_ROLE") == "MS_SCHED":
                self._scheduler = pid

    def _read_log(self):
        with self.job.log.open("rb") as file:
            file.seek(self._at)
            new = file.read()
        lines = new[: new.rfind(b"\n") + 1]
        self._at += len(lines)
        for pid, status in _FAILURE.findall(lines.decode(errors="replace")):
            self._failed.append((int(pid), exit_status(int(status))))


def _is_worker(pid, environ):
    """Whether it is a worker, and not the `tail` of its log, which has the same environment."""
    named = environ.get("MS_ROLE") == "MS_WORKER" and "RANK_ID" in environ
    return named and _session(pid) == pid


def _session(pid):
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


def _children(pid):
    """Process numbers of the children of a process (Linux)."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:  # a kernel without this file, or the process has ended
        return [int(p.name) for p in Path("/proc").glob("[0-9]*") if _parent(p) == pid]


def _parent(folder):
    try:
        return int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return None


def _environ(pid):
    """Environment that a process was started with; empty when it has ended."""
    try:
        raw = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace")
    except OSError:
        return {}
    return dict(word.partition("=")[::2] for word in raw.split("\0") if word)

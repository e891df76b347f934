"""Jobs shared among processes, and how far they have come."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from ..model_utils.errors import RunError

_END_WITH_PARENT = 1  # prctl's PR_SET_PDEATHSIG


def processes_for(wanted: int) -> int:
    """How many processes to use: as many as wanted, but no more than there are cores."""
    return min(wanted, len(os.sched_getaffinity(0)))


def run_jobs(function: Callable[[Any], Any], jobs: Iterable[Any], processes: int) -> Iterator[Any]:
    """function(job) of each job, as they are done.

    Args:
        function: of a module, so that a process can be told of it.
        jobs: its arguments.
        processes: 1 calls the function here.
    Raises:
        RunError: a process was ended from outside; what `function` raises.
    """
    if processes == 1:
        yield from map(function, jobs)
        return
    pool = ProcessPoolExecutor(processes, multiprocessing.get_context("fork"), _begin)
    try:
        for done in as_completed([pool.submit(function, job) for job in jobs]):
            yield done.result()
    except BrokenProcessPool:
        raise RunError(
            "a process was ended from outside, perhaps for lack of memory; the same command goes "
            "on, with a smaller --num_threads if that was the reason"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _begin():
    """At the start of a process: it ends with the one that started it, which also hears Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(_END_WITH_PARENT, signal.SIGKILL)


class Progress:
    """Lines `Progress 2000/39835....` as the original prints them; a live line on a terminal.

    Args:
        total: of what is to be made.
        unit: its name.
        every: of them between lines.
        form: of a line.
    """

    def __init__(self, total: int, unit: str, every: int, form: str = "Progress %d/%d...."):
        self.total, self.unit, self.every, self.form = total, unit, every, form
        self.done, self.began = 0, time.perf_counter()
        print(form % (0, total), flush=True)

    def add(self, count: int) -> None:
        """So many more are done."""
        before, self.done = self.done, self.done + count
        rate = self.rate
        left = int((self.total - self.done) / rate) if rate else 0
        clock = f"{left // 3600}:{left // 60 % 60:02}:{left % 60:02}"
        text = f"({rate:.3g} {self.unit}/s, {100 * self.done / self.total:.1f} %, {clock} left)"
        if sys.stdout.isatty():
            print(f"\r\033[K{self.done}/{self.total} {text}", end="\r", flush=True)
        for number in range(before // self.every + 1, self.done // self.every + 1):
            print(f"{self.form % (number * self.every, self.total)}  {text}", flush=True)

    @property
    def rate(self) -> float:
        """How many are done per second."""
        return self.done / max(time.perf_counter() - self.began, 1e-9)

    def close(self) -> None:
        """The last line."""
        end = "\r\033[K" if sys.stdout.isatty() else ""
        seconds = time.perf_counter() - self.began
        print(f"{end}{self.done} {self.unit} in {seconds:.1f} s, {self.rate:.1f} {self.unit}/s")

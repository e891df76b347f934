"""Reads files in children that are forked from one warmed-up process, and judges how they end."""

import gc
import os
import re
import resource
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

MEMORY = 2 << 30  # bytes by which a reader may grow
SECONDS = 30  # wall clock; the slowest intact file takes well below one
_LONGEST = 1000  # characters of an error's line
_STARVED = re.compile(r"(?i)insufficient memory|bad_alloc|unable to allocate|out of memory")


@dataclass(frozen=True)
class Reader:
    """One way in which a program reads files.

    Attributes:
        write: puts intact files into a folder.
        targets: patterns of the files in it that are damaged, in turn.
        read: function of (folder, the damaged file); does with the files what the program does.
        errors: the exceptions that a program turns into one line.
        skips: bad files are left out instead of ending the program.
    """

    write: Callable[[Path], None]
    targets: tuple
    read: Callable[[Path, Path], object]
    errors: tuple
    skips: bool = False


def in_child(function, log):
    """Run a function in a forked child whose memory and time are limited.

    Args:
        function: () -> str, the verdict.
        log: file that takes what the child prints.
    Returns:
        The verdict: what the function returned, or how the child died.
    """
    gc.freeze()
    inlet, outlet = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(inlet)
            _limit(log)
            verdict = function()
            sys.stdout.flush()
            sys.stderr.flush()
        except BaseException:
            verdict = f"traceback\n{traceback.format_exc()[-6000:]}"
        os.write(outlet, verdict.encode(errors="backslashreplace"))
        os._exit(0)
    os.close(outlet)
    with os.fdopen(inlet, "rb") as pipe:
        verdict = pipe.read().decode()
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        word = "hang" if number == signal.SIGALRM else "crash"
        return f"{word}: {signal.Signals(number).name}\n{log.read_text(errors='replace')[-3000:]}"
    return verdict or f"crash: it exited with {os.WEXITSTATUS(status)} in the middle"


def _limit(log):
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    for stream in (1, 2):
        os.dup2(file, stream)
    status = Path("/proc/self/status").read_text()
    size = 1024 * int(re.search(r"VmSize:\s*(\d+)", status)[1])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)


def verdict_of(reader, folder, file):
    """Read; "read", "refused: <the line>", or what is wrong with the way in which it ended."""
    try:
        reader.read(folder, file)
    except reader.errors as err:
        line = str(err)
        if _starved(err):
            return f"memory: {line}"
        if "\n" in line or "\r" in line or len(line) > _LONGEST:
            return f"not one line of a readable length: {line[:3000]!r}"
        if file.name not in line and f"{file.stem}." not in line:
            return f"the file is not named: {line}"
        return f"refused: {line}"
    except MemoryError:
        return f"memory\n{traceback.format_exc()[-3000:]}"
    except BaseException:
        return f"traceback\n{traceback.format_exc()[-6000:]}"
    return "read"


def _starved(err):
    """Whether an error comes from an allocation that the limit refused."""
    while err is not None:
        if isinstance(err, MemoryError) or _STARVED.search(str(err)):
            return True
        err = err.__cause__ or err.__context__
    return False


def functions_called(reader, folder, files, root):
    """Names of the functions below `root` that reading intact files calls, one a line."""
    called = set()

    def note(frame, event, _):
        name = frame.f_code.co_filename
        if event == "call" and name.startswith(str(root)):
            called.add(f"{Path(name).relative_to(root)}:{frame.f_code.co_name}")

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        for file in files:
            reader.read(folder, file)
    finally:
        sys.setprofile(None)
    return "\n".join(sorted(called))

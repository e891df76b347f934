"""Programs of a model in forks of one process that has imported MindSpore already.

To import MindSpore takes a second or two, to refuse an argument a tenth. Here each run is a process
of its own, as with conftest's Program, only that what it imports from outside of the model's folder
is there before it starts. The model's own modules are imported anew.

    python -m tests.warm    reads one job per line (JSON), prints the exit status of each
"""

import contextlib
import json
import os
import runpy
import subprocess
import sys
import tempfile
import threading
import traceback
from pathlib import Path

from tests.conftest import REPOSITORY, Program

MODULES = ("cv2", "mindspore", "mindspore.dataset", "numpy", "PIL.Image", "yaml")


class WarmProgram(Program):
    """A Program whose `run` forks; it serves short runs, one at a time."""

    def __init__(self, folder):
        super().__init__(folder)
        self.server = None

    def run(self, script, *flags, status=0, timeout=120):
        """Run to the end, check the exit status, return what it printed (stdout, stderr)."""
        self.server = self.server or subprocess.Popen(
            [sys.executable, "-m", "tests.warm"],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        with tempfile.TemporaryDirectory() as output:
            files = [str(Path(output, name)) for name in ("out", "err")]
            job = {"folder": str(self.folder), "files": files, "argv": [script, *map(str, flags)]}
            # A child that hangs ends with the server, whose pipe then ends too.
            timer = threading.Timer(timeout, self.close)
            timer.start()
            print(json.dumps(job), file=self.server.stdin, flush=True)
            code = self.server.stdout.readline().strip()
            timer.cancel()
            out, err = (Path(file).read_text() for file in files)
        assert code == str(status), f"exit {code or 'after a timeout'}\n{out}\n{err}"
        return out, err

    def close(self):
        """End the server and what it runs."""
        if self.server is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.server.pid, 9)
            self.server.wait()
            self.server = None


def main():
    """Serve jobs until the input ends."""
    for name in MODULES:
        __import__(name)
    for line in sys.stdin:
        job = json.loads(line)
        pid = os.fork()
        if not pid:
            os._exit(_child(**job))
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


def _child(folder, files, argv):
    """Run a program as `python argv` would in its folder; the exit status."""
    for number, file in enumerate(files, 1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(folder)
    sys.argv, sys.path[0], code = argv, folder, 0
    try:
        runpy.run_path(argv[0], run_name="__main__")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code


if __name__ == "__main__":
    main()

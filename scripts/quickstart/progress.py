"""How far a running step is: one live line on a terminal, else a line now and then."""

import re
import shutil
import sys
import time

# The end of the lines that a training or an evaluation prints: "... 12.5 %, 0:01:02 left)".
_PROGRESS = re.compile(r" left\)?$")


class Progress:
    """Follows the log of a running step.

    Args:
        name: of the step.
        log: its path.
        stream: where to print; None: standard output.
        every: seconds between lines where the stream is no terminal.
    """

    def __init__(self, name, log, stream=None, every=15.0):
        self.name, self.log, self.every = name, log, every
        self.stream = sys.stdout if stream is None else stream
        self.live = self.stream.isatty()
        self.began = self.printed = time.monotonic()
        self._at, self._rest, self._last, self._shown = 0, "", "", ""

    def look(self):
        """Read what is new in the log and show the newest progress in it."""
        with self.log.open(errors="replace") as file:
            file.seek(self._at)
            lines = (self._rest + file.read()).split("\n")
            self._at, self._rest = file.tell(), lines.pop()
        told = [line.strip() for line in lines if _PROGRESS.search(line.strip())]
        self._last = told[-1] if told else self._last
        now = time.monotonic()
        if self.live:
            text = self._last or f"{now - self.began:.0f} s"
            width = shutil.get_terminal_size().columns - 1
            self._print(f"\r\033[K{f'{self.name}: {text}'[:width]}", end="")
        elif self._last != self._shown and now - self.printed >= self.every:
            self._shown, self.printed = self._last, now
            self._print(f"{self.name}: {self._last}")

    def end(self):
        """Take the live line away."""
        if self.live:
            self._print("\r\033[K", end="")

    def _print(self, text, end="\n"):
        print(text, end=end, file=self.stream, flush=True)

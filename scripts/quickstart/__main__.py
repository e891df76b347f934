"""The quickstart of a model, called by quickstart.sh in the repository's root.

python -m scripts.quickstart [--check] MODEL [WORD]      (--check looks at the words only)
"""

import signal
import sys

from ..launching.arguments import ROOT
from ..models import MODELS
from .page import write_page
from .steps import Steps, command, short


def usage():
    """One line for each quickstart."""
    lines = [
        f"bash scripts/quickstart.sh {name} {word}".rstrip()
        for name, model in MODELS.items()
        for word in model.quickstarts
    ]
    return "\n       ".join(lines)


def main(words):
    """Run the steps of a quickstart, then show its table; returns the exit status."""
    check, words = words[:1] == ["--check"], [word for word in words if word != "--check"]
    name, word = (*words, "", "")[:2]
    found = MODELS[name].quickstarts.get(word) if name in MODELS else None
    if found is None or len(words) > 2:
        print(f"usage: {usage()}", file=sys.stderr)
        return 2
    if check:
        return 0
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    steps = Steps(ROOT / "out" / found.folder)
    commands = []
    for step, *rest in found.steps:
        filled = [part.format(folder=steps.folder) for part in rest]
        commands.append((step, command(ROOT / name, filled)))
        steps.run(step, *commands[-1][1])
    print((steps.folder / f"{found.steps[-1][0]}.log").read_text())
    print(f"images: {short(steps.folder)}/{found.images}")
    print(f"all steps took {steps.seconds():.0f} s")
    page = write_page(steps.folder, name, f"Quickstart: {name} {word}".strip(), commands)
    print(f"look at it in a browser: {short(page)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

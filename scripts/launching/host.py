"""Runs the preflight that every model has; called by check_host.sh.

python -m scripts.launching.host CALLER_FOLDER [ARGUMENT ...]     (in the repository's root)
"""

import os
import sys

from .arguments import models_folder


def preflight(*words):
    """The command that looks at this host, to be run in a model's folder."""
    return [sys.executable, "-m", "src.model_utils.host", *words]


def main(words):
    """Become the preflight of the first model: the copies are identical."""
    copy = min(models_folder().glob("*/src/model_utils/host.py"))
    os.chdir(copy.parents[2])
    command = preflight(*words)
    os.execv(command[0], command)


if __name__ == "__main__":
    main(sys.argv[2:])

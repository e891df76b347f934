"""The original's command, python src/utils/pth2ckpt.py FILE.pth: writes midas_pth.ckpt here."""

import os
import sys
from pathlib import Path


def main(arguments):
    """Hand over to convert.py, which says what fits; further flags are passed on."""
    if not arguments or arguments[0].startswith("-"):
        sys.exit(_usage())
    command = [sys.executable, str(Path(__file__).resolve().parents[2] / "convert.py")]
    source, *flags = arguments
    paths = ["--source_path", source, "--target_path", "midas_pth.ckpt"]
    os.execv(sys.executable, [*command, *paths, *flags])


def _usage():
    print("usage: python src/utils/pth2ckpt.py FILE.pth [--key value ...]", file=sys.stderr)
    return 2


if __name__ == "__main__":
    main(sys.argv[1:])

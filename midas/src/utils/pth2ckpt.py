"""The original's command: python src/utils/pth2ckpt.py FILE.pth writes midas_pth.ckpt here."""

import os
import sys
from pathlib import Path

if __name__ == "__main__":
    if len(sys.argv) == 1:
        print("usage: python src/utils/pth2ckpt.py FILE.pth [--key value ...]", file=sys.stderr)
        sys.exit(2)
    convert = str(Path(__file__).resolve().parents[2] / "convert.py")
    paths = ["--target_path", "midas_pth.ckpt", "--source_path"]
    os.execv(sys.executable, [sys.executable, convert, *paths, *sys.argv[1:]])

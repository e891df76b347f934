"""Write data/converted.mindir: data/tiny.mindir as converter_lite leaves it, for the CPU.

Usage: PYTHONPATH=.cache python3.7 tests/ascend310_infer/make_converted.py

Python 3.7 with numpy runs the converter of the MindSpore Lite 2.0.0 package, which is the library
that converter_lite calls. `general` is its --optimize=general; ascend_oriented needs CANN.
"""

from pathlib import Path

import mindspore_lite as lite

DATA = Path(__file__).parent / "data"


def main():
    converter = lite.Converter()
    converter.optimize = "general"
    converter.save_type = lite.ModelType.MINDIR
    path = DATA / "converted.mindir"
    if path.exists():
        path.unlink()
    converter.convert(lite.FmkType.MINDIR, str(DATA / "tiny.mindir"), str(path.with_suffix("")))
    path.chmod(0o644)


if __name__ == "__main__":
    main()

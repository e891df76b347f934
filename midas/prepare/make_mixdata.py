"""Write mixdata.json for the training datasets of a folder.

    python prepare/make_mixdata.py data

Every folder below it that holds Imgs/ and RDs/ becomes an entry, named after the folder (ReDWeb_V1
becomes RW, as in the zoo's file). Prints the number of pairs of each and names what has no partner.
"""

import argparse
import json
import os
import sys
from pathlib import Path

_NAMES = {"ReDWeb_V1": "RW"}


def find_datasets(root):
    """Folders at or below `root` that hold Imgs and RDs.

    Args:
        root: folder of the datasets.
    Returns:
        {name: folder relative to root, with slashes} sorted by folder.
    Raises:
        ValueError: no such folder, nothing found, or two of one name.
    """
    root = Path(root)
    if not root.is_dir():
        raise ValueError(f"{root} is not a folder")
    found = {}
    for folder, below, _ in sorted(os.walk(root)):
        if not {"Imgs", "RDs"} <= set(below):
            continue
        name = _NAMES.get(Path(folder).name, Path(folder).resolve().name)
        relative = Path(folder).relative_to(root).as_posix()
        if name in found:
            raise ValueError(f"{relative} and {found[name]} are both called {name}; rename one")
        found[name] = relative
    if not found:
        raise ValueError(f"no folder below {root} holds Imgs and RDs")
    return found


def pair_up(folder):
    """How many images have a depth file of the same stem, and the files without a partner.

    Args:
        folder: dataset folder with Imgs and RDs.
    Returns:
        (number of pairs, sorted names such as Imgs/a.jpg).
    """
    stems = {}
    for part in ("Imgs", "RDs"):
        files = [p for p in (Path(folder) / part).iterdir() if p.is_file() and p.name[0] != "."]
        stems[part] = {path.stem: f"{part}/{path.name}" for path in files}
    common = set(stems["Imgs"]) & set(stems["RDs"])
    alone = [n for names in stems.values() for stem, n in names.items() if stem not in common]
    return len(common), sorted(alone)


def main():
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", help="folder of the datasets: train.py's --train_data_dir")
    parser.add_argument("--output", default="", help="file to write (ROOT/mixdata.json)")
    args = parser.parse_args()
    output = Path(args.output or Path(args.root) / "mixdata.json")
    mix = {"img": {}, "depth": {}}
    try:
        for name, folder in find_datasets(args.root).items():
            pairs, alone = pair_up(Path(args.root) / folder)
            print(f"{name}: {pairs} pairs in {folder}")
            for file in alone:
                print(f"{name}: no partner: {folder}/{file}")
            prefix = "" if folder == "." else f"/{folder}"
            mix["img"][name], mix["depth"][name] = f"{prefix}/Imgs/*", f"{prefix}/RDs/*"
        output.write_text(json.dumps(mix, indent=4) + "\n", encoding="utf-8")
    except ValueError as err:
        print(f"error: {err}", file=sys.stderr)
        return 2
    except OSError as err:
        print(f"error: {err.filename}: {err.strerror}", file=sys.stderr)
        return 2
    print(f"wrote {output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Which image belongs to which target: mixdata.json, a list file, and a check of the files."""

import json
from pathlib import Path

from ..model_utils.errors import InputError, shown
from ..model_utils.images import good_samples, image_header


def depth_file(image):
    """The target of an image: its last folder called Imgs becomes RDs, the extension .png.

    Args:
        image: path such as ReDWeb_V1/Imgs/a.jpg.
    Returns:
        Path such as ReDWeb_V1/RDs/a.png; None without such a folder.
    """
    parts = list(Path(image).with_suffix(".png").parts)
    places = [i for i, part in enumerate(parts[:-1]) if part == "Imgs"]
    if not places:
        return None
    parts[places[-1]] = "RDs"
    return Path(*parts)


def pairs_from_mixdata(path, root):
    """Read mixdata.json, {"img": {name: pattern}, "depth": {name: pattern}}.

    Args:
        path: the file. A pattern is appended to `root` as text, as in the original ("/A/Imgs/*").
        root: folder of the datasets.
    Returns:
        {name: [(image path, depth path)]} sorted by path. The depth file is `depth_file`'s; of
        images outside an Imgs folder, the one with the same stem that the depth pattern finds.
        What has no partner is kept beside a name that is not on disk, for `check_pairs` to list.
    Raises:
        InputError: not such a file, or a pattern that finds nothing.
    """
    try:
        mix = json.loads(Path(path).read_text(encoding="utf-8"))
        images, depths = (
            {name: str(pattern) for name, pattern in dict(part).items()}
            for part in (mix["img"], mix.get("depth", {}))
        )
    except OSError as err:
        hint = "prepare/make_mixdata.py writes it; check --train_data_dir and --mixdata"
        raise InputError(f"{path}: {err.strerror}; {hint}") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise InputError(f'{path} must be JSON like {{"img": {{"RW": "/A/Imgs/*"}}}}') from None
    return {
        name: _match(_glob(root, pattern), _glob(root, depths.get(name, "")), name, path)
        for name, pattern in images.items()
    }


def _match(images, depths, name, path):
    """(image, depth) of every image, and of every listed depth file that no image has."""
    if not images:
        raise InputError(f"{path}: the img pattern of {name} finds no file; check --train_data_dir")
    by_stem = {file.stem: file for file in depths}
    missing = Path(f"{name}: the depth file")
    pairs = [(file, depth_file(file) or by_stem.get(file.stem, missing)) for file in images]
    used = {depth for _, depth in pairs}
    return pairs + [(Path(f"{name}: the image"), file) for file in depths if file not in used]


def _glob(root, pattern):
    # The zoo's patterns start with a slash that does not mean the root of the disk.
    pattern = pattern.lstrip("/")
    try:
        files = list(Path(root).glob(pattern)) if pattern else []
        return sorted(file for file in files if file.is_file() and file.name[0] != ".")
    except (ValueError, NotImplementedError, OSError) as err:
        raise InputError(f"pattern {shown(pattern)}: {err}; write one such as /A/Imgs/*") from None


def pairs_from_list(path, root):
    """Read a text file of "image depth" lines; a tab between them allows blanks inside the names.

    Args:
        path: the file; empty lines and lines that start with # do not count.
        root: folder that relative names start from.
    Returns:
        [(image path, depth path)].
    Raises:
        InputError: no such file, no pair, or a line that is not two names.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as err:
        raise InputError(f"train_list {path} cannot be read: {err}") from None
    pairs = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        names = line.strip().split("\t") if "\t" in line else line.split()
        if len(names) != 2:
            got = shown(line.strip())
            raise InputError(f"{path} line {number}: expected `image depth`, got {got}")
        pairs.append(tuple(Path(root) / name for name in names))
    if not pairs:
        raise InputError(f"{path} names no pair; write `image depth` lines")
    return pairs


def check_pair(pair):
    """Look at the two files without decoding them.

    Raises:
        InputError: one is missing, truncated or broken, or their sizes differ; both are named.
    """
    sizes = []
    for path, other in zip(pair, reversed(pair)):
        try:
            sizes.append(image_header(path, checksums=True).size)
        except InputError as err:
            raise InputError(f"{err} (its pair: {other})") from None
    if sizes[0] != sizes[1]:
        image, depth = (f"{path} is {width}x{height}" for path, (height, width) in zip(pair, sizes))
        raise InputError(f"{image}, {depth}")


def check_pairs(datasets, skip_bad, source="the training data"):
    """Find broken, unpaired and wrong-sized files before training and print each.

    Args:
        datasets: {name: [(image path, depth path)]}.
        skip_bad: leave bad pairs out; otherwise they are an error.
        source: what names the pairs, for messages.
    Returns:
        datasets without the bad pairs.
    Raises:
        InputError: bad pairs, or with skip_bad a dataset that has no good one.
    """
    named = [(name, pair) for name, pairs in datasets.items() for pair in pairs]
    good = good_samples(named, lambda entry: check_pair(entry[1]), skip_bad, source)
    found = {name: [pair for other, pair in good if other == name] for name in datasets}
    for name, pairs in found.items():
        if not pairs:
            raise InputError(f"{source}: {name}: none of {len(datasets[name])} pairs is good")
    return found

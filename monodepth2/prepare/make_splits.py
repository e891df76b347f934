"""Write the lists of frames to train on from the KITTI drives that are on disk.

    python prepare/make_splits.py KITTI --output splits/eigen_zhou
    python prepare/make_splits.py KITTI_ODOM --dataset kitti_odom --output splits/odom

KITTI raw, by the recipe of Zhou et al. (2017): every drive but the 28 of Eigen's test set, both
cameras, frames whose neighbours are there and at which the car moves, one in ten to validate on.
Odometry: sequences 00 to 08 to train on, test_files_09.txt and test_files_10.txt of the others.

These are not the original's lists, whose 39810 and 4424 frames were chosen by image motion and by
chance; ours tell motion by the speed that the car itself measured (oxts/). To compare results with
published ones, copy the original's folder splits/ instead.
"""

import argparse
import os
import random
import sys
from pathlib import Path

TEST_DRIVES = {  # of Eigen's test set
    "2011_09_26": "2 9 13 20 23 27 29 36 46 48 52 56 59 64 84 86 93 96 101 106 117",
    "2011_09_28": "2",
    "2011_09_29": "71",
    "2011_09_30": "16 18 27",
    "2011_10_03": "27 47",
}
TEST_SEQUENCES = (9, 10)
LISTS = ("train_files.txt", "val_files.txt")
_ENDINGS = {".jpg", ".png"}
_NORTH, _EAST = 6, 7  # places of the speeds in a line of oxts, metres per second


def test_drives():
    """Names of the drives that no network may train on."""
    return {
        f"{day}_drive_{int(number):04d}_sync"
        for day, numbers in TEST_DRIVES.items()
        for number in numbers.split()
    }


def numbers_of(folder):
    """Numbers of the images in a folder; none where there is no such folder."""
    names = os.listdir(folder) if folder.is_dir() else []
    paths = [Path(name) for name in names]
    return {int(p.stem) for p in paths if p.suffix in _ENDINGS and p.stem.isdecimal()}


def with_neighbours(left, right):
    """{"l": numbers, "r": numbers} of the frames whose neighbours and other image are there.

    Args:
        left, right: numbers of the images of both cameras.
    """
    found = {}
    for side, own, other in (("l", left, right), ("r", right, left)):
        found[side] = sorted(n for n in own & other if {n - 1, n + 1} <= own)
    return found


def moving(drive, numbers, least):
    """The set of frames at which the car is at least so fast, or its speed is not there.

    Args:
        drive: folder with oxts/data.
        numbers: of the frames.
        least: metres per second.
    Raises:
        ValueError: a file of oxts is damaged; it is named.
    """
    kept = set()
    for number in numbers:
        path = drive / "oxts" / "data" / f"{number:010d}.txt"
        if not path.is_file():
            kept.add(number)
            continue
        try:
            words = path.read_text(encoding="utf-8").split()
            north, east = float(words[_NORTH]), float(words[_EAST])
        except (ValueError, IndexError):
            raise ValueError(f"{path} is damaged; unpack it again") from None
        if not (north**2 + east**2) ** 0.5 < least:
            kept.add(number)
    return kept


def raw_lines(root, least):
    """{drive: lines} of KITTI raw, and how many lines were left out because the car stood.

    Args:
        root: folder of KITTI raw.
        least: metres per second.
    """
    tested, lines, still = test_drives(), {}, 0
    for drive in sorted(root.glob("*/*_sync")):
        if drive.name in tested or not drive.is_dir():
            continue
        cameras = [numbers_of(drive / f"image_0{camera}" / "data") for camera in (2, 3)]
        sides = with_neighbours(*cameras)
        kept = moving(drive, sorted({n for numbers in sides.values() for n in numbers}), least)
        name = f"{drive.parent.name}/{drive.name}"
        found = [f"{name} {n} {side}" for side in sides for n in sides[side] if n in kept]
        still += sum(map(len, sides.values())) - len(found)
        if found:
            lines[name] = found
    return lines, still


def odometry_lines(root):
    """{sequence: lines} to train on, and {list: lines} to test on, of KITTI's odometry."""
    lines, tests = {}, {}
    for folder in sorted((root / "sequences").glob("[0-9][0-9]")):
        cameras = [numbers_of(folder / f"image_{camera}") for camera in (2, 3)]
        number = int(folder.name)
        if number in TEST_SEQUENCES:
            pairs = sorted(n for n in cameras[0] if n + 1 in cameras[0])
            tests[f"test_files_{folder.name}.txt"] = [f"{number} {n} l" for n in pairs]
        elif number < min(TEST_SEQUENCES):
            cameras[1] = cameras[1] or cameras[0]  # of one camera alone
            found = with_neighbours(*cameras)
            sides = "lr" if numbers_of(folder / "image_3") else "l"
            lines[folder.name] = [f"{number} {n} {side}" for side in sides for n in found[side]]
    return lines, tests


def divide(lines, share, by, seed):
    """(lines to train on, lines to validate on), each in a random order.

    Args:
        lines: {drive: lines}.
        share: part of the frames, or of the drives, to validate on.
        by: "frame" or "drive".
        seed: the same seed gives the same lists.
    """
    rng = random.Random(seed)
    units = list(lines.values())
    if by == "frame":
        units = [[line] for drive in units for line in drive]
    rng.shuffle(units)
    count = min(max(1, round(share * len(units))), len(units) - 1)
    parts = [[line for unit in part for line in unit] for part in (units[count:], units[:count])]
    for part in parts:
        rng.shuffle(part)
    return parts


def write_lists(output, lists):
    """Write {name: lines} into a folder; each file appears complete."""
    output.mkdir(parents=True, exist_ok=True)
    for name, lines in lists.items():
        temporary = output / f".{name}-{os.getpid()}"
        temporary.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        temporary.replace(output / name)
        print(f"{output / name}: {len(lines)} lines")


def parse(arguments):
    """The options of the command line."""
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("data", type=Path, help="folder of KITTI raw, or of its odometry")
    parser.add_argument("--output", type=Path, required=True, help="folder of this split")
    parser.add_argument("--dataset", choices=("kitti", "kitti_odom"), default="kitti")
    parser.add_argument("--min_speed", type=float, default=0.5, help="m/s; less is standing (0.5)")
    parser.add_argument("--val_share", type=float, default=0.1, help="to validate on (0.1)")
    parser.add_argument("--val_by", choices=("frame", "drive"), default="frame", help="(frame)")
    parser.add_argument("--seed", type=int, default=0, help="of the order and the division (0)")
    parser.add_argument("--overwrite", action="store_true", help="replace lists that are there")
    return parser.parse_args(arguments)


def make(options):
    """Write the lists that the options ask for.

    Raises:
        ValueError: nothing to train on, lists are there already, a damaged file.
    """
    if not 0 < options.val_share < 1:
        raise ValueError(f"--val_share {options.val_share}: expected a part between 0 and 1")
    there = next((name for name in LISTS if (options.output / name).exists()), None)
    if there and not options.overwrite:
        raise ValueError(f"{options.output / there} exists; add --overwrite to replace it")
    if options.dataset == "kitti":
        (lines, still), tests = raw_lines(options.data, options.min_speed), {}
        print(f"{still} frames left out: slower than {options.min_speed} m/s")
        expected = "<date>/<drive>_sync/image_02/data and image_03/data"
    else:
        lines, tests = odometry_lines(options.data)
        expected = "sequences/00/image_2"
    units = len(lines) if options.val_by == "drive" else sum(map(len, lines.values()))
    if units < 2:
        raise ValueError(
            f"{options.data}: too few {options.val_by}s to train and to validate on ({units}); "
            f"expected {expected} with images"
        )
    parts = divide(lines, options.val_share, options.val_by, options.seed)
    write_lists(options.output, {**dict(zip(LISTS, parts)), **tests})
    print(f"of {len(lines)} drives; these are not the original's lists")


def main(arguments=None):
    """Write the lists of a split.

    Args:
        arguments: those of the command line unless they are given.
    """
    try:
        make(parse(arguments))
    except (ValueError, OSError) as err:
        print(f"error: {err}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()

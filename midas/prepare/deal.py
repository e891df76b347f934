"""Build MiDaS's KITTI evaluation tree from raw images and annotated depth.

    python prepare/deal.py --image_path RAW --depth_path data_depth_annotated

Copies <image_path>/<date>/<drive>/image_02/data/<frame>.png to <output_path>/<drive>/image/ and
<depth_path>/val/<drive>/proj_depth/groundtruth/image_02/<frame>.png to <output_path>/<drive>/depth/
for the frames of a list: write_file.txt beside this script, or any other with lines `drive frame`.
The lines of Eigen's test list, `date/drive frame side`, do as well; those of its frames that have
no annotated depth are left out, and what is left are the 161 of write_file.txt.
"""

import argparse
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def read_frames(path):
    """Read the list of frames.

    Args:
        path: text file of `drive frame` or `date/drive frame side` lines.
    Returns:
        List of (drive, frame, whether the depth must be there).
    Raises:
        ValueError: no such file, or a line of another form; names the line.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as err:
        raise ValueError(f"{path}: cannot be read: {err}") from None
    frames = []
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words:
            continue
        drive = words[0].rpartition("/")[2]
        if len(words) not in (2, 3) or "_drive_" not in drive:
            raise ValueError(f"{path} line {number}: {line[:80]!r} is not `drive frame`")
        frames.append((drive, words[1].zfill(10), "/" not in words[0]))
    return frames


def plan(frames, image_path, depth_path, output_path):
    """Which file goes where.

    Args:
        frames: from read_frames.
        image_path, depth_path, output_path: folders.
    Returns:
        (list of (source, target), number of frames without depth that are left out).
    Raises:
        ValueError: files are missing (the first five are named), or no frame is left.
    """
    copies, missing, left_out = [], [], 0
    for drive, frame, required in frames:
        name, date = f"{frame}.png", drive.split("_drive_")[0]
        truth = Path(depth_path, "val", drive, "proj_depth", "groundtruth", "image_02", name)
        image = Path(image_path, date, drive, "image_02", "data", name)
        if not required and not truth.is_file():
            left_out += 1
            continue
        missing += [str(path) for path in (truth, image) if not path.is_file()]
        target = Path(output_path, drive)
        copies += [(truth, target / "depth" / name), (image, target / "image" / name)]
    if missing:
        few = ", ".join(missing[:5]) + (" ..." if len(missing) > 5 else "")
        hint = "check --image_path and --depth_path"
        raise ValueError(f"{len(missing)} of {len(copies)} files are missing: {few}; {hint}")
    if not copies:
        raise ValueError(f"no frame of the list has depth below {depth_path}/val")
    return copies, left_out


def main():
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    text = "folder with val/<drive>/proj_depth (./data_depth_annotated)"
    parser.add_argument("--depth_path", default="./data_depth_annotated", help=text)
    parser.add_argument("--txt_path", default=HERE / "write_file.txt", help="list of frames")
    text = "folder with <date>/<drive>/image_02 (./)"
    parser.add_argument("--image_path", default="./", help=text)
    parser.add_argument("--output_path", default="../Kitti", help="folder to write (../Kitti)")
    args = parser.parse_args()
    try:
        frames = read_frames(args.txt_path)
        try:
            copies, left_out = plan(frames, args.image_path, args.depth_path, args.output_path)
        except (ValueError, OSError) as err:  # OSError: a name that is too long
            raise ValueError(f"{args.txt_path}: {err}") from None
        for source, target in copies:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    except ValueError as err:
        print(f"error: {err}", file=sys.stderr)
        return 2
    except OSError as err:
        print(f"error: {err.filename}: {err.strerror}", file=sys.stderr)
        return 1
    print(f"wrote {len(copies) // 2} frames to {args.output_path}; {left_out} without depth")
    return 0


if __name__ == "__main__":
    sys.exit(main())

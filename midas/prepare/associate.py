"""Match the images and depth maps of a TUM sequence by time.

    python prepare/associate.py TUM/SEQUENCE/rgb.txt TUM/SEQUENCE/depth.txt

Each stamp is used once, the closest pairs first. Prints `stamp data stamp data` of every match and
writes `data data` of it to --output.
"""

import argparse
import heapq
import sys
from pathlib import Path


def read_stamps(path):
    """Read `stamp data ...` lines; commas and tabs are blanks, # starts a comment line.

    Args:
        path: text file.
    Returns:
        {stamp in seconds: [data, ...]}; a later line of the same stamp replaces an earlier one,
        lines without data do not count.
    Raises:
        ValueError: no such file, or a stamp that is not a number; names file and line.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as err:
        raise ValueError(f"{path}: cannot be read: {err}") from None
    stamps = {}
    for number, line in enumerate(lines, 1):
        words = line.replace(",", " ").replace("\t", " ").split()
        if line.startswith("#") or len(words) < 2:
            continue
        try:
            stamps[float(words[0])] = words[1:]
        except ValueError:
            raise ValueError(
                f"{path} line {number}: {words[0][:80]!r} is not a time stamp"
            ) from None
    return stamps


def associate(first, second, offset, max_difference):
    """Pair two sets of stamps greedily, the smallest difference first (ties: earlier stamps).

    Two stamps that are closest to each other among all that are left are neighbours in time, so
    only neighbours are looked at: n log n for n stamps.

    Args:
        first, second: iterables of stamps, seconds.
        offset: seconds added to the second stamps.
        max_difference: seconds; a pair differs by less.
    Returns:
        List of (first stamp, second stamp), by the first.
    """
    line = sorted([(a, 0, a) for a in first] + [(b + offset, 1, b) for b in second])
    left, right = list(range(-1, len(line) - 1)), list(range(1, len(line) + 1))
    used, heap, matches = [False] * len(line), [], []

    def offer(i, j):
        """Put neighbours i < j up if they are one of each kind and close enough."""
        if i < 0 or j >= len(line) or line[i][1] == line[j][1]:
            return
        a, b = (line[i][2], line[j][2]) if line[i][1] == 0 else (line[j][2], line[i][2])
        difference = abs(a - (b + offset))
        if difference < max_difference:
            heapq.heappush(heap, (difference, a, b, i, j))

    for i in range(len(line) - 1):
        offer(i, i + 1)
    while heap:
        _, a, b, i, j = heapq.heappop(heap)
        if used[i] or used[j]:
            continue
        used[i] = used[j] = True
        matches.append((a, b))
        before, after = left[i], right[j]
        if before >= 0:
            right[before] = after
        if after < len(line):
            left[after] = before
        offer(before, after)
    return sorted(matches)


def main():
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("first_file", help="text file of `stamp data` lines, e.g. rgb.txt")
    parser.add_argument("second_file", help="the same, e.g. depth.txt")
    text = "print the matched lines of the first file only, write no file"
    parser.add_argument("--first_only", action="store_true", help=text)
    text = "seconds added to the stamps of the second file (0.0)"
    parser.add_argument("--offset", type=float, default=0.0, help=text)
    text = "largest difference of a match, seconds (0.02)"
    parser.add_argument("--max_difference", type=float, default=0.02, help=text)
    parser.add_argument("--output", default="associate.txt", help="file to write (associate.txt)")
    args = parser.parse_args()
    try:
        first, second = read_stamps(args.first_file), read_stamps(args.second_file)
    except ValueError as err:
        print(f"error: {err}", file=sys.stderr)
        return 2
    matches = associate(first, second, args.offset, args.max_difference)
    for a, b in matches:
        line = f"{a:f} {' '.join(first[a])}"
        if not args.first_only:
            line += f" {b - args.offset:f} {' '.join(second[b])}"
        print(line)
    if not args.first_only:
        lines = [f"{' '.join(first[a])} {' '.join(second[b])}\n" for a, b in matches]
        try:
            Path(args.output).write_text("".join(lines), encoding="utf-8")
        except OSError as err:
            print(f"error: {args.output}: {err.strerror}", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

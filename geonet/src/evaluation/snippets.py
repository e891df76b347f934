"""Snippets of a few frames compared with the true ones (eval_pose).

Lines and numbers are those of the original's eval_pose.py.
"""

import math
import re
from pathlib import Path

from ..model_utils.errors import InputError
from ..sfm_utils.snippets import evaluate_snippet_files
from ..sfm_utils.trajectories import read_tum

_SEQUENCE = re.compile(r"\d{2}", re.A)


def snippet_folder(gtruth_dir, names):
    """The folder of the true snippets: the one that is given, one in it, or the one around it.

    The Ascend port has them in 09_snippets/09/ or in 09_snippets/; its commands name either.

    Args:
        gtruth_dir: as the user gave it.
        names: of the predicted files, one of which must be there.
    Raises:
        InputError: none of the folders has one, or several inside have.
    """
    given = Path(gtruth_dir)
    inside = [path for path in sorted(given.glob("*")) if _SEQUENCE.fullmatch(path.name)]
    outside = [given.parent] if _SEQUENCE.fullmatch(given.name) else []
    for folders in ([given], inside, outside):
        found = [folder for folder in folders if _has_any(folder, names)]
        if len(found) > 1:
            folders = ", ".join(map(str, found))
            raise InputError(
                f"gtruth_dir {gtruth_dir} holds several sequences, {folders}: give one"
            )
        if found:
            return found[0]
    text = f"gtruth_dir {gtruth_dir} has no file of the {len(names)} predicted ones, such as"
    raise InputError(f"{text} {min(names)}; prepare/generate_pose_snippets.py writes them")


def _has_any(folder, names):
    return any(path.name in names for path in folder.glob("*.txt"))


def evaluate_files(gtruth_dir, pred_dir, places):
    """Compare the snippets of a folder with the true ones (eval_pose).

    Args:
        gtruth_dir: folder of the true snippets; see `snippet_folder`.
        pred_dir: folder of 000000.txt ..., of test_pose; it may hold other files.
        places: Places.
    Raises:
        InputError: nothing to compare, or a file is damaged.
    """
    names = {path.name for path in Path(pred_dir).glob("*.txt")}
    if not names:
        raise InputError(f"pred_dir {pred_dir} holds no .txt; --mode test_pose writes them")
    folder = snippet_folder(gtruth_dir, names)
    places.check()
    scores = score_snippets(folder, pred_dir)
    places.write(rows_of(scores), numbers_of(scores))


def score_snippets(folder, pred_dir):
    """Compare snippets, and print the original's two lines.

    Args:
        folder: of the true snippets.
        pred_dir: of the predicted ones.
    Returns:
        SnippetScores.
    Raises:
        InputError: a file is damaged, or none of the snippets counts.
    """
    scores = evaluate_snippet_files(folder, pred_dir)
    if math.isnan(scores.mean):
        text = f"none of the {len(scores.ates)} snippets in {pred_dir} counts: their times differ"
        raise InputError(
            f"{text} from those in {folder}, or the camera stands still in all of them"
        )
    _say_lengths(folder, pred_dir, min(scores.ates))
    print(f"Predictions dir: {pred_dir}")
    print(f"ATE mean: {scores.mean:.4f}, std: {scores.std:.4f}", flush=True)
    return scores


def _say_lengths(folder, pred_dir, name):
    """A line where a predicted snippet has another length than the true one."""
    predicted, true = (len(read_tum(Path(place, name))) for place in (pred_dir, folder))
    if predicted != true:
        text = f"the predicted snippets have {predicted} frames, the true ones {true}"
        print(f"{text}: their ATE is not that of either length", flush=True)


def rows_of(scores):
    """The CSV file's lines: a dict per snippet, no error where the original skips it."""
    ates = scores.ates.items()
    return [{"snippet": name, "ate": "" if ate is None else ate} for name, ate in ates]


def numbers_of(scores):
    """What the JSON file says of SnippetScores."""
    counted = sum(ate is not None for ate in scores.ates.values())
    return {"ate_mean": scores.mean, "ate_std": scores.std, "snippets": counted}

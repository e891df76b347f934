"""What a whole-card run leaves in the form of Ascend's model zoo for TensorFlow.

The zoo's test/train_full_1p.sh and train_performance_1p.sh take time and loss from the lines
`Iteration: [    100] | Time: 0.1000s/iter | Loss: 2.696` of the training's log, print four lines
and write <case>.log and <case>_loss.txt. Numbers have the digits that the zoo's awk gives them.
"""

import math
import os
import platform
import re

from .checks import RunError

RESULTS = ("{case}.log", "{case}_loss.txt")
_LINE = re.compile(r"Iteration: \[ *(\d{1,9})\] \| Time: (\S+)s/iter \| Loss: (\S+)")


def final_result(case, log, last, accuracy=None):
    """A pipeline's report, on one device. Names may hold values of the run in braces.

    Args:
        case: the zoo's CaseName.
        log: name of the training's log.
        last: how many of its last lines are averaged.
        accuracy: (name of the evaluation's log, pattern of its line with a group for each number).
    """

    def report(values, _output):
        folder, name = values["logs"], case.format(**values)
        lines = log_lines(folder / log.format(**values), int(values["steps"]))
        found = ""
        if accuracy:
            found = accuracy_of(folder / accuracy[0].format(**values), accuracy[1])
        times = [time for _, time, _ in lines[-last:]]
        second = f"{sum(times) / len(times):.6g}"
        if not 0 < float(second) < math.inf:
            raise RunError(f"{folder / log.format(**values)}: {second} s/iter is no time of a step")
        rate = f"{int(values['batch_size']) / float(second):.2f}"
        losses = [loss for _, _, loss in lines]
        about = {
            "Network": values["model"],
            "RankSize": 1,
            "BatchSize": values["batch_size"],
            "DeviceType": platform.machine(),
            "CaseName": name,
            "ActualFPS": rate,
            "TrainingTime": second,
            "ActualLoss": losses[-1],
            "E2ETrainingTime": values["seconds"],
            **({"TrainAccuracy": found} if accuracy else {}),
        }
        # The zoo's awk leaves the blank before each loss.
        _write(folder / f"{name}_loss.txt", "".join(f" {loss}\n" for loss in losses))
        _write(folder / f"{name}.log", "".join(f"{key} = {about[key]}\n" for key in about))
        return [
            _averaged(len(times), len(lines)),
            f"written: {folder / name}.log, {folder / name}_loss.txt",
            "------------------ Final result ------------------",
            f"Final Performance images/sec : {rate}",
            f"Final Performance sec/step : {second}",
            f"E2E Training Duration sec : {values['seconds']}",
            f"Final Train Accuracy : {found}",
        ]

    return report


def log_lines(path, steps):
    """(step, seconds, loss as it is written) of each log line of a training.

    Args:
        path: its log.
        steps: N, of which N - 1 are trained.
    Raises:
        RunError: there is none, a number is damaged, or the training stopped too early.
    """
    found = _LINE.findall(_text(path))
    if not found:
        hint = "log more often, such as --log_steps 1"
        raise RunError(f"{path} has no line 'Iteration: ... s/iter'; {hint}")
    try:
        lines = [(int(step), float(time), loss) for step, time, loss in found]
        numbers = [number for _, time, loss in lines for number in (time, float(loss))]
    except ValueError:
        numbers = [math.nan]
    if not all(map(math.isfinite, numbers)):
        raise RunError(f"{path} is damaged, its times and losses must be numbers; run it again")
    at = [0, *(step for step, _, _ in lines)]
    if 2 * at[-1] - at[-2] < steps:
        raise RunError(f"{path}: the training stopped after step {at[-1]} of {steps}; see its end")
    return lines


def accuracy_of(path, pattern):
    """The numbers of an evaluation's line as they are written, with commas.

    Raises:
        RunError: its log has no such line, or they are not finite.
    """
    found = re.findall(pattern, _text(path))
    try:
        numbers = [text for text in found[-1] if math.isfinite(float(text))]
        if len(numbers) == len(found[-1]):
            return ", ".join(numbers)
    except (IndexError, ValueError):
        pass
    raise RunError(f"{path} has no line with the accuracy; see the logs")


def _text(path):
    try:
        return path.read_text(errors="replace")
    except OSError as err:
        raise RunError(f"{path}: {err.strerror}") from None


def _averaged(count, of):
    if count < of:
        return f"mean of the last {count} of {of} log lines"
    return f"mean of all {count} log lines; the time of the first includes compilation"


def _write(path, text):
    temporary = path.with_name(f".{path.name}-{os.getpid()}")
    temporary.write_text(text)
    temporary.replace(path)

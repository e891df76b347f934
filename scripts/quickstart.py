"""The steps of quickstart.sh: each is a command that a user could type; what is done is skipped."""

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


class Steps:
    """Runs commands in order inside one folder and remembers which are done.

    Args:
        folder: working folder of the commands; their output goes to <folder>/<name>.log.
    """

    def __init__(self, folder):
        self.folder, self.began = Path(folder), time.monotonic()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._changed = False

    def run(self, name, *command):
        """Run one step unless this very command is done and nothing before it ran again.

        Raises:
            SystemExit: the command failed; its last lines are shown.
        """
        words = [str(word) for word in command]
        mark = self.folder / f".done-{name}"
        digest = hashlib.sha256(json.dumps(words).encode()).hexdigest()
        if not self._changed and mark.exists() and mark.read_text() == digest:
            print(f"{name}: done before", flush=True)
            return
        self._changed = True
        mark.unlink(missing_ok=True)
        print(f"{name}: {' '.join(_short(word) for word in words)}", flush=True)
        log, began = self.folder / f"{name}.log", time.monotonic()
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        with log.open("w") as file:
            streams = {"stdout": file, "stderr": subprocess.STDOUT}
            done = subprocess.run(words, cwd=self.folder, env=environment, **streams)
        if done.returncode:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
            print(f"{tail}\n{name} failed with exit code {done.returncode}; all of it is in {log}")
            raise SystemExit(1)
        print(f"{name}: {time.monotonic() - began:.0f} s, log in {_short(log)}", flush=True)
        mark.write_text(digest)


def _short(word):
    word = str(word)
    if word == sys.executable:
        return "python"
    return word.removeprefix(f"{ROOT}/")


def depthnet():
    """Render NYU rooms, train both stages, evaluate, export, run the exported graphs, report."""
    steps = Steps(ROOT / "out" / "quickstart")
    python, model, data = sys.executable, ROOT / "depthnet", steps.folder / "NYU"
    render = ("-m", "tests.synthetic", "nyu", data, "--train", 64, "--test", 16, "--per_scene", 1)
    steps.run("render", python, *render, "--seed", 0)
    schedule = ["--batch_size", 4, "--coarse_net_train_step", 80, "--fine_net_train_step", 70]
    rates = ["--learning_rate_max", 0.0001, "--learning_rate_min", 0.001]
    resume = ["--resume", "auto", "--resume_steps", 25, "--save_ckpt_steps", 100000]
    steps.run("train", python, model / "train.py", "--data_url", data, *schedule, *rates, *resume)
    panels = ["--save_panels", 3, "--panels_path", "."]
    steps.run("evaluate", python, model / "eval.py", "--test_data", data, *panels)
    for kind in ("coarse", "fine"):
        steps.run(f"export_{kind}", python, model / "export.py", "--coarse_or_fine", kind)
    graphs = [f"Model/MindIR/Final{name}Net.mindir" for name in ("Coarse", "Fine")]
    pictures = ["--input_path", data / "Test" / "*_colors.png", "--output_path", "predicted"]
    steps.run("predict", python, model / "infer.py", *pictures, "--model_weights", *graphs)
    steps.run("compare", python, "-m", "scripts.compare_depthnet", data, "eval_metrics.json")
    finish(steps, "worst_*.png, best_*.png, predicted/*_color.png")


def midas():
    """Render rooms and streets, train a small MiDaS, evaluate, export, run the graph, report."""
    steps = Steps(ROOT / "out" / "quickstart_midas")
    python, model, data = sys.executable, ROOT / "midas", steps.folder / "rendered"
    render = ("-m", "tests.synthetic", "midas", data, "--train", 256, "--test", 12)
    steps.run("render", python, *render, "--seed", 0)
    size = ["--img_width", 128, "--img_height", 96, "--features", 32, "--layers", 1, 1, 1, 1]
    size += ["--groups", 1, "--width_per_group", 16]
    small = ["--train_data_dir", data, *size, "--batch_size", 8, "--save_ckpt_steps", 100000]
    small += ["--resume", "auto", "--resume_steps", 40]
    # Nothing is pretrained here: one rate for all, a hundred times the encoder's usual one. The
    # default loss fits a scale of any sign, so that from random weights far may come out bright;
    # two epochs with the paper's settle the sign.
    rates = ["--backbone_params_lr", 0.001, "--no_backbone_params_lr", 0.001]
    first = ["--loss", "ssimae_trimmed", "--epoch_size", 2, "--train_url", "first"]
    steps.run("train_first", python, model / "train.py", *small, *rates, *first)
    rates += ["--lr_decay", "--power", 1.0]
    rates += ["--backbone_params_end_lr", 0.00001, "--no_backbone_params_end_lr", 0.00001]
    then = ["--model_weights", "first/ckpt/Midas_0-2_32.ckpt", "--epoch_size", 8]
    steps.run("train", python, model / "train.py", *small, *rates, *then)
    # Training leaves its configuration beside the weights: the rest needs no flag twice.
    trained = ["--config_path", "ckpt/config.yaml"]
    weights = "ckpt/Midas_0-8_32.ckpt"
    panels = ["--save_panels", 3, "--panels_path", "."]
    steps.run("evaluate", python, model / "eval.py", *trained, "--ckpt_path", weights, *panels)
    steps.run("export", python, model / "export.py", *trained, "--model_weights", weights)
    graph = ["--model_weights", "MindIR/midas.mindir", "--output_path", "predicted"]
    views = {"rooms": "TUM/*/rgb", "streets": "Kitti_raw_data/*0001_sync/image"}
    for name, folder in views.items():
        pictures = ["--input_path", data / "data" / folder / "*.png"]
        steps.run(f"predict_{name}", python, model / "infer.py", *trained, *pictures, *graph)
    steps.run("compare", python, "-m", "scripts.compare_midas", "val.json", *trained)
    finish(steps, "*_worst*.png, *_best*.png, predicted/*_color.png")


def finish(steps, pictures):
    """Show the table of the last step, where the pictures are, and the time."""
    print((steps.folder / "compare.log").read_text())
    print(f"pictures: {_short(steps.folder)}/{pictures}")
    print(f"all of it took {time.monotonic() - steps.began:.0f} s")


if __name__ == "__main__":
    {"depthnet": depthnet, "midas": midas}[sys.argv[1]]()

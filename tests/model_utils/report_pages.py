"""A page with one of everything, of made-up results."""

import numpy as np

from depthnet.src.model_utils.images import colorize
from depthnet.src.model_utils.report import Page, Picture

HOSTILE = '<b onclick="x">&amp; "q" \'s\'</b></script><script>document.title = "bad"</script>'


def write_metrics(path, steps=50):
    """A metrics.csv of two stages, of which the first one is validated."""
    lines = ["stage,step,loss,val_loss,lr"]
    for step in range(steps):
        validated = 2 / (1 + step) + 0.1 if step % 10 == 0 else ""
        lines.append(f"coarse,{step},{2 / (1 + step)},{validated},0.1")
    lines += [f"fine,{step},{1 + step % 3},,0.1" for step in range(steps)]
    path.write_text("\n".join(lines) + "\n")
    return path


def room(height=60, width=80):
    """(depth (H, W), rgb): a red box 1 m ahead of a blue wall at 3 m."""
    depth, rgb = np.full((height, width), 3.0), np.zeros((height, width, 3), np.uint8)
    rgb[..., 2] = 200
    box = slice(height // 3, -height // 3), slice(width // 3, -width // 3)
    depth[box], rgb[box] = 1, (220, 0, 0)
    return depth, rgb


def covered():
    """(points, colours): a red square and, all around behind it, a blue one, which comes last."""
    x, y = np.meshgrid(np.linspace(-1, 1, 60), np.linspace(-1, 1, 60))
    flat = np.stack([x, y, np.zeros_like(x)], -1).reshape(-1, 3)
    colors = np.repeat(np.uint8([[220, 0, 0], [0, 0, 200]]), len(flat), axis=0)
    return np.concatenate([0.5 * flat + (0, 0, 1), 2 * flat + (0, 0, 3)]), colors


def picture(size=(60, 80)):
    """Picture of three tiles: a photo-like one, a map, one that is wider than a page needs."""
    noise = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    ramp = np.tile(np.linspace(0, 1, size[1]), (size[0], 1))
    wide = np.repeat(noise, 10, axis=1)
    return Picture([("image", noise), ("map", colorize(ramp, 0, 1)), ("wide", wide)], 0, 1, "m")


def page_of(folder, text="plain"):
    """A Page with every kind of section; `text` stands wherever there is text."""
    page = Page(f"Title {text}", f"Introduction {text}")
    numbers = {"abs_rel": 0.25, f"a1 {text}": 0.5}
    worse = {"abs_rel": 0.5, f"a1 {text}": 0.75}
    page.table(f"Metrics {text}", {"network": numbers, f"rival {text}": worse}, (f"a1 {text}",))
    page.pictures(f"Pictures {text}", [(f"worst {text}", picture())], f"Note {text}")
    page.drawing(f"Drawing {text}", picture().tiles[0][1])
    page.histograms(f"Errors {text}", {f"abs rel {text}": np.linspace(0, 1, 200) ** 2})
    page.curves(write_metrics(folder / "metrics.csv"))
    page.cloud(f"Cloud {text}", *covered(), f"Note {text}")
    page.commands(f"Commands {text}", [(f"train {text}", f"python x.py {text}", 12.4)])
    page.this_command()
    return page

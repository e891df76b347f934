"""The six zero-shot evaluation datasets, each from its own tree on disk."""

from dataclasses import dataclass
from pathlib import Path

from ..model_utils.errors import InputError, shown
from ..model_utils.files import is_file
from ..model_utils.images import read_png
from .readers import (
    NyuFile,
    read_diw_table,
    read_dpt,
    read_eth3d_depth,
    read_kitti_depth,
    read_tum_depth,
)
from .samples import EvaluationSet, Order, Sample


@dataclass(frozen=True)
class Protocol:
    """Where an evaluation follows the model zoo's, or fixes it.

    Attributes:
        half_pixel: predictions are resized with half-pixel centres; else pixel i comes from
            i * in / out.
        rgb: every image is fed as RGB; else TUM, ETH3D and DIW are fed as BGR.
        tum_16_bit: TUM's depth is read with 16 bits; else with the upper 8 of them.
        skip_empty: images without a valid pixel do not count; else they make the mean of Kitti,
            TUM and NYU NaN and count as 0 for Sintel and ETH3D.
    """

    half_pixel: bool = True
    rgb: bool = True
    tum_16_bit: bool = True
    skip_empty: bool = True


PROTOCOLS = {"standard": Protocol(), "modelzoo": Protocol(False, False, False, False)}


class Kitti(EvaluationSet):
    """<drive>/image/<frame>.png with <drive>/depth/<frame>.png."""

    title, cap, resize_method = "Kitti", 80, "lower_bound"
    layout = "expected <drive>/image/*.png and <drive>/depth/*.png, see prepare/deal.py"

    def _list(self):
        images = sorted(self.root.glob("*/image/*.png"))
        return [self._beside(p, p.parents[1] / "depth" / p.name) for p in images]

    def load(self, index):
        """Sample of one image."""
        image, depth = self.items[index]
        return self._sample(self._image(image), read_kitti_depth(depth), (image, depth))


class Tum(EvaluationSet):
    """*_person/associate.txt, whose lines name an image and a depth file."""

    title, bgr_by_mistake = "TUM", True
    layout = "expected *_person/associate.txt, see prepare/associate.py"

    def _list(self):
        tables = sorted(self.root.glob("*_person/associate.txt"))
        return [pair for table in tables for pair in self._pairs(table)]

    def _pairs(self, table):
        for number, line in enumerate(table.read_text(errors="replace").splitlines(), 1):
            words = line.split()
            if not words:
                continue
            where = f"{table} line {number}"
            if len(words) != 2:
                raise InputError(
                    f"{where}: expected `image depth`, got {shown(line)}; {self.layout}"
                )
            for word in words:
                if not is_file(table.parent / word):
                    raise InputError(f"{where}: {table.parent / word} is missing; {self.layout}")
            yield tuple(table.parent / word for word in words)

    def load(self, index):
        """Sample of one image."""
        image, path = self.items[index]
        depth = read_tum_depth(path, as_8_bit=not self.protocol.tum_16_bit)
        return self._sample(self._image(image), depth, (image, path))


class Sintel(EvaluationSet):
    """final_left/<scene>/<frame>.png with depth/<scene>/<frame>.dpt and occlusions/...png."""

    title, metric, cap = "Sintel", "abs_rel", 72
    layout = "expected final_left, depth and occlusions, each with <scene>/<frame>"

    def _list(self):
        def of(folder, path, suffix):
            return self.root / folder / path.parent.name / (path.stem + suffix)

        return [
            self._beside(path, of("depth", path, ".dpt"), of("occlusions", path, ".png"))
            for path in sorted(self.root.glob("final_left/*/*.png"))
        ]

    def load(self, index):
        """Sample of one image; pixels whose occlusion map is 255 count, as in the original."""
        image, path, occlusion = self.items[index]
        depth, visible = read_dpt(path), read_png(occlusion, 8) == 255
        if visible.shape != depth.shape:
            raise InputError(f"{occlusion} {visible.shape} and {path} {depth.shape} differ in size")
        return self._sample(self._image(image), depth, (image, path), visible)


class Eth3d(EvaluationSet):
    """<scene>/images/dslr_images/*.JPG with ground_truth_depth/dslr_images/*.JPG (raw floats)."""

    title, metric, cap, resize_target, bgr_by_mistake = "ETH3D", "abs_rel", 72, True, True
    layout = "expected <scene>/images/dslr_images and <scene>/ground_truth_depth/dslr_images"

    def _list(self):
        images = sorted(self.root.glob("*/images/dslr_images/*.[Jj][Pp][Gg]"))
        folder = Path("ground_truth_depth", "dslr_images")
        return [self._beside(path, path.parents[2] / folder / path.name) for path in images]

    def load(self, index):
        """Sample of one image; the depth may have more rows than a smaller copy of the image."""
        path, depth = self.items[index]
        image = self._image(path)
        return self._masked(image, read_eth3d_depth(depth, *image.shape[:2]))


class Diw(EvaluationSet):
    """DIW_Annotations/DIW_test.csv and the images that it names; absent images are left out."""

    title, metric, bgr_by_mistake = "DIW", "whdr", True
    layout = "expected DIW_Annotations/DIW_test.csv and DIW_test/*.thumb"

    def _list(self):
        rows = read_diw_table(self.root / "DIW_Annotations" / "DIW_test.csv")
        # The last two parts of the name, as in the original: the table starts with "./".
        items = [(self.root.joinpath(*Path(name).parts[-2:]), *order) for name, *order in rows]
        absent = [str(path) for path, *_ in items if not is_file(path)]
        if absent:
            total = f"{len(absent)} of {len(items)} rows"
            print(f"DIW: left out {total} whose image is missing: {absent[0]} ...", flush=True)
        gone = set(absent)
        return [item for item in items if str(item[0]) not in gone]

    def load(self, index):
        """Sample of one row of the table."""
        path, *order = self.items[index]
        return Sample(self._image(path), order=Order(*order))


class Nyu(EvaluationSet):
    """nyu.mat and splits.mat; `root` is the pair of files."""

    title = "NYU"
    layout = "expected nyu.mat and splits.mat"

    def __init__(self, root, protocol):
        self.protocol, self.file = protocol, NyuFile(*root)
        self.items = self.file.indices

    def name(self, index):
        """Number of the image in nyu.mat, counted from 1."""
        return f"{self.items[index] + 1:04d}"

    def load(self, index):
        """Sample of one test image."""
        return self._masked(*self.file.load(index))


# In the order in which the original evaluates.
DATASETS = {"Sintel": Sintel, "Kitti": Kitti, "TUM": Tum, "DIW": Diw, "ETH3D": Eth3d, "NYU": Nyu}


def dataset_root(name, given, folder):
    """Where a dataset is: the folder joined with the given place, or the latter alone.

    Args:
        name: key of DATASETS, for messages.
        given: datapath_<name>: a path, or the list of NYU's two files.
        folder: train_data_dir.
    Returns:
        (root, None), or (None, the places that were looked at) when it is not on disk.
    Raises:
        InputError: datapath_NYU is not two files.
    """
    several = isinstance(given, list)
    if several and len(given) != 2:
        raise InputError(f"datapath_{name}: expected nyu.mat and splits.mat, got {given}")
    paths = given if several else [given]
    # The original joins the two as text, so a leading slash does not mean the root of the disk.
    joined = [Path(folder, path.lstrip("/")) for path in paths]
    for places in (joined, [Path(path) for path in paths]):
        if all(place.exists() for place in places):
            return (places if several else places[0]), None
    return None, " ".join(map(str, joined))


def open_datasets(places, folder, protocol, skip_absent=False):
    """List and check datasets.

    Args:
        places: {key of DATASETS: datapath_<name>}.
        folder: train_data_dir.
        protocol: Protocol.
        skip_absent: leave out what is not on disk, with a printed line.
    Returns:
        {name: dataset}.
    Raises:
        InputError: a dataset is not on disk, none is, or one is damaged.
    """
    found = {}
    for name, given in places.items():
        root, tried = dataset_root(name, given, folder)
        if root is not None:
            found[name] = DATASETS[name](root, protocol)
        elif skip_absent:
            print(f"{name}: skipped, {tried} is not there", flush=True)
        else:
            hint = f"check --train_data_dir and --datapath_{name}"
            raise InputError(f"{name}: {tried} is not there; {hint}")
    if not found:
        raise InputError("none of the datasets is on disk; check --train_data_dir")
    return found

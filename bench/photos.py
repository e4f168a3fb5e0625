"""Harmless photographs for measurements: landscapes and things, never people.

Seven ship with scikit-image and scikit-learn. The others come out of three Debian wallpaper
packages, fetched with `apt-get download` into a cache folder and never committed. Only the
names listed here are used: each was looked at on a contact sheet, and pictures with a figure
in them (people in the background of `Kleiber`, a painted one in `Autumn`), drawings and
patterns were left out. A later version of a package therefore cannot add one.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

U8 = npt.NDArray[np.uint8]

#: a crop's sides and shape: no side under, none over, and the longer over the shorter
CROP_LEAST = 400
CROP_MOST = 1024
CROP_ASPECT = 2.0

_SCIKIT_IMAGE = ("coffee.png", "chelsea.png", "rocket.jpg", "hubble_deep_field.jpg")
_SCIKIT_IMAGE_MORE = ("motorcycle_left.png",)
_SCIKIT_LEARN = ("china.jpg", "flower.jpg")


@dataclass(frozen=True, slots=True)
class Package:
    """A Debian package and which of its pictures are used.

    Contact sheets were made of lomiri-wallpapers 20.04.0-2, mate-backgrounds 1.26.0-1 and
    plasma-workspace-wallpapers 4:5.27.5-2 (Debian 12).
    """

    name: str
    licence: str
    folder: str
    files: tuple[str, ...]


_PACKAGES = (
    Package(
        "lomiri-wallpapers-16.04",
        "CC-BY-4.0, CC-BY-SA-4.0 or CC0-1.0",
        "usr/share/backgrounds",
        (
            "Bridge_by_Sander_Klootwijk.jpg",
            "Dragonfly_by_Bolly.jpg",
            "Picture_0B_by_freespace.jpg",
            "Picture_1A_by_freespace.jpg",
            "Wine_by_Jakkub_Mede.jpg",
            "aitzgorri_by_Aitzol_Berasategi.jpg",
            "greentock_by_Peter_Nerlich.jpg",
            "life_by_Aitzol_Berasategi.jpg",
            "picosdeeuropa_by_Aitzol_Berasategi.jpg",
            "seeding_by_Clements_Engelhardt.jpg",
        ),
    ),
    Package(
        "mate-backgrounds",
        "GPL-2+",
        "usr/share/backgrounds/mate/nature",
        (
            "Aqua.jpg",
            "Blinds.jpg",
            "Dune.jpg",
            "FreshFlower.jpg",
            "Garden.jpg",
            "GreenMeadow.jpg",
            "LadyBird.jpg",
            "RainDrops.jpg",
            "Storm.jpg",
            "TwoWings.jpg",
            "Wood.jpg",
            "YellowFlower.jpg",
        ),
    ),
    Package(
        "plasma-workspace-wallpapers",
        "GPL-2+ (some LGPL-3)",
        "usr/share/wallpapers",
        tuple(
            f"{name}/contents/images/2560x1600.jpg"
            for name in (
                "BytheWater",
                "ColdRipple",
                "ColorfulCups",
                "DarkestHour",
                "EveningGlow",
                "FallenLeaf",
                "Grey",
                "Kite",
                "OneStandsOut",
                "Path",
                "summer_1am",
            )
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Photo:
    """A photograph on disk. It is decoded only when `pixels` is called."""

    name: str
    path: Path
    width: int
    height: int
    licence: str

    def pixels(self) -> U8:
        """The whole picture, (height, width, 3) uint8 RGB, as stored."""
        with Image.open(self.path) as image:
            return np.array(image.convert("RGB"))


@dataclass(frozen=True, slots=True)
class Crop:
    """A part of a photograph that counts as a picture of its own."""

    photo: str
    name: str
    pixels: U8


def cache_folder() -> Path:
    """Where fetched packages are kept: under XDG_CACHE_HOME, else in the repository."""
    home = os.environ.get("XDG_CACHE_HOME")
    if home:
        return Path(home) / "brightline-bench" / "photos"
    return Path(__file__).resolve().parents[1] / ".cache" / "bench-photos"


def _fetched(package: Package) -> Path | None:
    """The folder that a package was unpacked to; None where it cannot be had."""
    target = cache_folder() / package.name
    if target.is_dir():
        return target
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        return None
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        scratch = Path(folder)
        try:
            subprocess.run(
                ["apt-get", "download", "-qq", package.name],
                cwd=scratch,
                check=True,
                capture_output=True,
                timeout=600,
            )
            archive = next(scratch.glob("*.deb"))
            subprocess.run(
                ["dpkg-deb", "-x", archive.name, "out"], cwd=scratch, check=True, timeout=300
            )
        except (subprocess.SubprocessError, OSError, StopIteration):
            return None
        (scratch / "out").rename(target)
    return target


def _photo(name: str, path: Path, licence: str) -> Photo:
    with Image.open(path) as image:
        width, height = image.size
    return Photo(name, path, width, height, licence)


def _from_python() -> list[Photo]:
    import skimage
    import sklearn

    images = Path(skimage.__file__).parent / "data"
    samples = Path(sklearn.__file__).parent / "datasets" / "images"
    found = [(images / name, "CC0 or public domain") for name in _SCIKIT_IMAGE]
    found += [(images / name, "as scikit-image states it") for name in _SCIKIT_IMAGE_MORE]
    found += [(samples / name, "CC-BY-2.0") for name in _SCIKIT_LEARN]
    return [_photo(path.stem, path, licence) for path, licence in found if path.is_file()]


def _from_debian() -> list[Photo]:
    found = []
    for package in _PACKAGES:
        folder = _fetched(package)
        if folder is None:
            print(f"{package.name} cannot be fetched: going on without it", file=sys.stderr)
            continue
        for file in package.files:
            path = folder / package.folder / file
            if path.is_file():
                name = file.partition("/contents/")[0].removesuffix(".jpg")
                found.append(_photo(name, path, package.licence))
    return found


@functools.cache
def _all(debian: bool) -> tuple[Photo, ...]:
    return tuple(_from_python() + (_from_debian() if debian else []))


def photos(minimum_side: int = 0, debian: bool = True) -> list[Photo]:
    """Photographs whose shorter side has at least `minimum_side` pixels.

    Without apt, without the network or with `debian=False` only those that the Python
    packages ship; what is missing is said on stderr.
    """
    return [p for p in _all(debian) if min(p.width, p.height) >= minimum_side]


def _grid(photo: Photo, rng: np.random.Generator) -> list[tuple[int, int, int, int]]:
    """One photo's cells as (left, top, right, bottom), in random order."""
    grids = [
        (columns, rows)
        for columns in range(1, photo.width // CROP_LEAST + 1)
        for rows in range(1, photo.height // CROP_LEAST + 1)
        if max(photo.width // columns, photo.height // rows) <= CROP_MOST
        and _aspect(photo.width // columns, photo.height // rows) <= CROP_ASPECT
    ]
    if not grids:
        return []
    columns, rows = grids[int(rng.integers(len(grids)))]
    w, h = photo.width // columns, photo.height // rows
    cells = [(x * w, y * h, (x + 1) * w, (y + 1) * h) for y in range(rows) for x in range(columns)]
    return [cells[k] for k in rng.permutation(len(cells))]


def _aspect(a: int, b: int) -> float:
    return max(a, b) / min(a, b)


def crops(count: int, seed: int, debian: bool = True) -> Iterator[Crop]:
    """Up to `count` different pictures: cells of the photographs, none overlapping another.

    The rule. Each photo is divided by a regular grid, drawn at random among those whose cells
    have sides of 400 to 1024 px and an aspect of at most 2. Its cells are put in random order.
    Pictures are then dealt one a photo, round after round, until there are `count`; they are
    yielded photo by photo. The same seed and the same photos give the same pictures.
    """
    rng = np.random.default_rng(seed)
    sources = photos(CROP_LEAST, debian)
    grids = [_grid(photo, rng) for photo in sources]
    deepest = max((len(cells) for cells in grids), default=0)
    dealt = [(k, n) for k in range(deepest) for n, cells in enumerate(grids) if k < len(cells)]
    for n, photo in enumerate(sources):
        chosen = [grids[n][k] for k, owner in dealt[:count] if owner == n]
        if not chosen:
            continue
        whole = photo.pixels()
        for left, top, right, bottom in chosen:
            part = np.ascontiguousarray(whole[top:bottom, left:right])
            yield Crop(photo.name, f"{photo.name}@{left},{top}", part)

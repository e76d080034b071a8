"""Reads a folder of class folders with image files, and names what it cannot read."""

import dataclasses
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from folder_layout import FolderError, layout_of
from image_files import ImageFileError
from image_set import MOST_BYTES, Preparation, bytes_of, changes, preparation_for, seen

__all__ = ["FolderError", "Pictures", "load_pictures", "write_digits"]
# Named one by one. More than these are counted.
MOST_NAMES = 5


@dataclasses.dataclass(frozen=True)
class Pictures:
    """Images of one size as uint8, their class numbers, and how they came to be.

    Args:
        images: `(images, height, width)` if all are grey, else with three channels.
        labels: The class number of each image.
        parts: For each image `"train"`, `"validation"` or `"test"`, or `""` where there are no
            such folders.
        class_names: The names of the class folders.
        preparation: What the images were brought to.
        changes: A line for each kind of change that was made to the images.
        unreadable: The files that were left out, and why they cannot be read.
        no_images: The files that do not end as image files do.
        outside: Images and folders that are in no class folder.
    """

    images: np.ndarray
    labels: np.ndarray
    parts: np.ndarray
    class_names: list[str]
    preparation: Preparation
    changes: list[str]
    unreadable: dict[Path, str]
    no_images: list[Path]
    outside: list[Path] = dataclasses.field(default_factory=list)


def load_pictures(
    folder: Path,
    size: tuple[int, int] | None = None,
    skip_unreadable: bool = False,
    progress: Callable[[Iterable[Path], str], Iterable[Path]] = lambda paths, what: paths,
) -> Pictures:
    """Loads all images of all class folders, brought to one size.

    Args:
        folder: Holds one folder for each class, and these hold the image files, or `train` and
            `test` with such folders.
        size: `(height, width)` in pixels, by default the median of the images, with the longer
            side no longer than 224.
        skip_unreadable: Whether to omit the files that cannot be read.
        progress: Is given the files and what is done with them, and shows how far it is.

    Returns:
        The images, `(images, height, width)` if all are grey, else with three channels.

    Raises:
        FolderError: If there are no two classes, if a file cannot be read, or if the images do
            not fit into memory.
    """
    layout = layout_of(folder)
    unreadable: dict[Path, str] = {}

    def read(paths: list[Path], what: str, function: Callable[[Path], Any]) -> list[Any]:
        results = []
        for path in progress(paths, what):
            try:
                results.append(function(path))
            except ImageFileError as error:
                unreadable[path] = str(error)
        if unreadable and not skip_unreadable:
            raise FolderError(f"{_named(unreadable)} Or give --skip-unreadable to omit them.")
        return results

    files = read(layout.paths, "Looking at", seen)
    if not files:
        raise FolderError(f"{folder} holds no image that can be read. {_named(unreadable)}")
    preparation = preparation_for(files, size)
    _refuse_more_than_memory(len(files), preparation)
    images = np.empty((len(files), *preparation.size, *[3] * preparation.colour), "uint8")
    num_images = 0

    def load(path: Path) -> None:
        nonlocal num_images
        images[num_images] = preparation.image(path)
        num_images += 1

    read([file.path for file in files], "Loading", load)
    kept = [place for place, path in enumerate(layout.paths) if path not in unreadable]
    labels, numbers = np.unique(np.array(layout.labels)[kept], return_inverse=True)
    if len(labels) < 2:
        raise FolderError(
            f"{folder} holds readable images of {len(labels)} classes, and at least two are "
            f"needed. {_named(unreadable)}"
        )
    return Pictures(
        images=images[:num_images],
        labels=numbers,
        parts=np.array(layout.parts)[kept],
        class_names=[layout.class_names[label] for label in labels],
        preparation=preparation,
        changes=changes([file for file in files if file.path not in unreadable], preparation),
        unreadable=unreadable,
        no_images=layout.no_images,
        outside=layout.outside,
    )


def _named(unreadable: dict[Path, str]) -> str:
    files = [f"{path} ({reason})" for path, reason in list(unreadable.items())[:MOST_NAMES]]
    more = f" and {len(unreadable) - MOST_NAMES} more" if len(unreadable) > MOST_NAMES else ""
    return f"These files cannot be read as images: {', '.join(files)}{more}. Repair or remove them."


def _refuse_more_than_memory(num_images: int, preparation: Preparation) -> None:
    needed = bytes_of(num_images, preparation)
    if needed > MOST_BYTES:
        height, width = preparation.size
        raise FolderError(
            f"{num_images} images of {height} x {width} pixels need {needed / 2**30:.0f} GiB of "
            f"memory, and {MOST_BYTES // 2**30} are allowed. Give a smaller --size."
        )


def write_digits(folder: Path) -> None:
    """Writes scikit-learn's 1,797 digits of 8 x 8 pixels as image files, a folder per class."""
    from PIL import Image
    from sklearn.datasets import load_digits

    digits = load_digits()
    for number, (image, label) in enumerate(zip(digits.images, digits.target, strict=True)):
        class_folder = folder / str(label)
        class_folder.mkdir(parents=True, exist_ok=True)
        pixels = (image * (255 / 16)).astype("uint8")
        Image.fromarray(pixels).save(class_folder / f"{number:04}.png")

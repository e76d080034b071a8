"""Reads a folder of class folders with image files, and names what it cannot read."""

import dataclasses
from pathlib import Path

import numpy as np
from PIL import Image

ENDINGS = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}


class FolderError(Exception):
    """The folder cannot be used; the message says why and what to do."""


@dataclasses.dataclass(frozen=True)
class Pictures:
    """Images of one size as uint8, their class numbers, and the files that were left out."""

    images: np.ndarray
    labels: np.ndarray
    class_names: list[str]
    unreadable: list[Path]
    no_images: list[Path]


def load_pictures(
    folder: Path, size: tuple[int, int] | None = None, skip_unreadable: bool = False
) -> Pictures:
    """Loads all images of all class folders, brought to one size.

    Args:
        folder: Holds one folder for each class, and these hold the image files.
        size: `(height, width)` in pixels; by default, the median of the images.
        skip_unreadable: Whether to leave out the files that cannot be read.

    Returns:
        The images, `(images, height, width)` if all are grey, else with three channels.

    Raises:
        FolderError: If there are no two classes, or a file cannot be read.
    """
    if not folder.is_dir():
        raise FolderError(f"There is no folder {folder}. Give one that holds a folder per class.")
    class_folders = sorted(path for path in folder.iterdir() if path.is_dir())
    pictures, labels, unreadable, no_images = [], [], [], []
    for label, class_folder in enumerate(class_folders):
        for path in sorted(class_folder.iterdir()):
            if path.suffix.lower() not in ENDINGS:
                no_images.append(path)
                continue
            try:
                pictures.append(_opened(path))
                labels.append(label)
            except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
                unreadable.append(path)
    if unreadable and not skip_unreadable:
        names = ", ".join(str(path) for path in unreadable)
        raise FolderError(
            f"These files cannot be read as images: {names}. Mend or remove them, or give "
            "--skip-unreadable to leave them out."
        )
    found = [class_folders[label].name for label in sorted(set(labels))]
    if len(found) < 2:
        raise FolderError(
            f"{folder} holds images of {len(found)} classes: {', '.join(found) or 'none'}. Give a "
            "folder with at least two class folders, each with image files "
            f"({', '.join(sorted(ENDINGS))})."
        )
    if size is None:
        width, height = np.median([picture.size for picture in pictures], axis=0)
        size = int(height), int(width)
    mode = "L" if all(picture.mode == "L" for picture in pictures) else "RGB"
    images = [np.asarray(picture.convert(mode).resize(size[::-1])) for picture in pictures]
    _, numbers = np.unique(labels, return_inverse=True)
    return Pictures(np.stack(images), numbers, found, unreadable, no_images)


def _opened(path: Path) -> Image.Image:
    with Image.open(path) as picture:
        picture.load()
        if picture.mode.startswith("I;16"):
            # Pillow would clip the 16 bits of a scan instead of scaling them.
            return Image.fromarray((np.asarray(picture) >> 8).astype("uint8"))
        return picture.convert("L" if picture.mode in ("1", "L", "LA") else "RGB")


def write_digits(folder: Path) -> None:
    """Writes scikit-learn's 1,797 digits of 8 x 8 pixels as image files, a folder per class."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    for number, (image, label) in enumerate(zip(digits.images, digits.target, strict=True)):
        class_folder = folder / str(label)
        class_folder.mkdir(parents=True, exist_ok=True)
        pixels = (image * (255 / 16)).astype("uint8")
        Image.fromarray(pixels).save(class_folder / f"{number:04}.png")

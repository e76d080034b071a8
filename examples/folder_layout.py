"""Says which folders are classes and which are parts, and which files are to be read."""

import dataclasses
from pathlib import Path

from command_line import InputError
from image_files import ENDINGS

PARTS = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "test": "test",
    "testing": "test",
}
EXPECTED = """Expected is a folder for each class, with its image files in it:
  {folder}/cats/1.jpg
  {folder}/dogs/2.jpg
or the same inside of {folder}/train and {folder}/test."""
# Files that systems put beside images.
NOT_MEANT = {"thumbs.db", "desktop.ini"}


class FolderError(InputError):
    """The folder cannot be used. The message says why and what to do."""


@dataclasses.dataclass(frozen=True)
class Layout:
    """The image files of a folder, with their classes and parts, and what is left out.

    Args:
        paths: The image files.
        labels: The class of each file, as a place in `class_names`.
        parts: For each file `"train"`, `"validation"`, `"test"`, or `""` where there are no parts.
        class_names: The names of the class folders.
        no_images: Other files and folders in the class folders, and class folders without images.
        outside: Images and folders that are in no class folder of a part.
    """

    paths: list[Path]
    labels: list[int]
    parts: list[str]
    class_names: list[str]
    no_images: list[Path]
    outside: list[Path]


def layout_of(folder: Path) -> Layout:
    """Finds the image files of a folder of class folders, or of `train` and `test` with those.

    Raises:
        FolderError: If there are no two classes, with what was found instead.
    """
    try:
        if not folder.is_dir():
            kind = "is a file" if folder.exists() else "does not exist"
            raise FolderError(f"{folder} {kind}. Give a folder that holds a folder per class.")
        return _layout_of(folder)
    except OSError as error:
        raise FolderError(f"{str(folder)[:200]} cannot be read: {error.strerror}.") from error


def _layout_of(folder: Path) -> Layout:
    parts = _parts_of(folder)
    if not parts:
        _refuse_no_classes(folder, _folders_in(folder))
        parts = {"": [folder]}
    class_folders = [
        (part, class_folder)
        for part, part_folders in parts.items()
        for part_folder in part_folders
        for class_folder in _folders_in(part_folder)
    ]
    files = [(part, c, path) for part, c in class_folders for path in _visible_in(c)]
    images = [file for file in files if _may_be_image(file[2])]
    class_names = sorted({c.name for part, c, _ in images if part in ("", "train")})
    unknown = sorted({c.name for _, c, _ in images} - set(class_names))
    if unknown:
        raise FolderError(
            f"{folder} has no training images of these classes: {_listed(unknown)}. Put their "
            "folders into train too, or remove them from the other parts."
        )
    odd = [name for name in class_names if not name.isprintable()]
    if odd:
        raise FolderError(
            f"{folder} holds a class whose name is no text: {odd[0]!r}. Give its folder another "
            "name."
        )
    if len(class_names) < 2:
        raise FolderError(
            f"{folder} holds images of {len(class_names)} classes: {_listed(class_names)}. Give a "
            "folder with at least two class folders, each with image files "
            f"({', '.join(sorted(ENDINGS))})."
        )
    return Layout(
        paths=[path for *_, path in images],
        labels=[class_names.index(c.name) for _, c, _ in images],
        parts=[part for part, *_ in images],
        class_names=class_names,
        no_images=[path for *_, path in files if not _may_be_image(path)]
        + [c for _, c in class_folders if c not in {c for _, c, _ in images}],
        outside=_outside(folder, [path for paths in parts.values() for path in paths]),
    )


def _parts_of(folder: Path) -> dict[str, list[Path]]:
    """The folders of each part, none where the names are those of classes."""
    parts: dict[str, list[Path]] = {}
    named = [path for path in _folders_in(folder) if path.name.lower() in PARTS]
    for path in named:
        if _folders_in(path):
            parts.setdefault(PARTS[path.name.lower()], []).append(path)
    if "train" in parts and len(parts) > 1:
        return parts
    flat = [path for path in named if any(_may_be_image(each) for each in _visible_in(path))]
    if "train" in parts and flat:
        train = parts["train"][0]
        raise FolderError(
            f"{train} holds folders, and {flat[0]} holds image files without a class. Put these "
            f"into class folders, or give {train} alone."
        )
    return {}


def _outside(folder: Path, part_folders: list[Path]) -> list[Path]:
    loose = [path for part in {folder, *part_folders} for path in _visible_in(part)]
    others = _folders_in(folder) if part_folders != [folder] else []
    return sorted(
        [path for path in loose if _may_be_image(path)]
        + [path for path in others if path not in part_folders]
    )


def _refuse_no_classes(folder: Path, folders: list[Path]) -> None:
    """Says what was found where class folders were expected."""
    if any(_may_be_image(path) for found in folders for path in _visible_in(found)):
        return
    images = [path for path in _visible_in(folder) if _may_be_image(path)]
    deeper = [path for path in folders if any(_folders_in(path))]
    if images:
        found = f"{len(images)} image files lie directly in {folder}, and no class folder"
    elif deeper:
        inner = _listed([path.name for path in _folders_in(deeper[0])])
        found = (
            f"{folder} holds {_listed([path.name for path in folders])} with no image files, but "
            f"with folders ({inner}). If those are the classes, give {deeper[0]}"
        )
    elif folders:
        names = _listed([path.name for path in folders])
        found = f"{folder} holds the folders {names}, with no image file in any of them"
    else:
        found = f"{folder} holds no folders and no image files"
    raise FolderError(f"{found}.\n" + EXPECTED.format(folder=folder))


def _visible_in(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.iterdir()
        if not path.name.startswith(".") and path.name.lower() not in NOT_MEANT
    )


def _folders_in(folder: Path) -> list[Path]:
    return [path for path in _visible_in(folder) if path.is_dir()]


def _may_be_image(path: Path) -> bool:
    return path.suffix.lower() in ENDINGS and not path.is_dir()


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return (", ".join(names[:5]) + more) or "none"

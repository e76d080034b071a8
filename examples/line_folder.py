"""Reads a folder of images of lines with their texts: `x.png` beside `x.gt.txt` or `x.txt`."""

import dataclasses
import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from command_line import InputError
from image_files import ENDINGS, ImageFileError, decoded, opened

# The first ending that is found is taken, as tesstrain, kraken and Calamari write them.
TEXT_ENDINGS = (".gt.txt", ".txt")
# Made of the same image by binarization and the like, as ocropy and its heirs name them.
KINDS_OF_IMAGES = (".bin", ".nrm", ".raw", ".dew")
# An image that is so many times as high as it is wide shows no line.
TALLEST = 20
MOST_NAMES = 3


class LinesError(InputError):
    """The lines cannot be used. The message says why and what to do."""


@dataclasses.dataclass(frozen=True)
class Lines:
    """Images of lines, their texts in Unicode's NFC, and the files that they are from."""

    images: list[np.ndarray]
    texts: list[str]
    paths: list[Path]

    def __len__(self) -> int:
        return len(self.images)

    @classmethod
    def joined(cls, parts: Sequence["Lines"]) -> "Lines":
        """The lines of several folders as one."""
        lists = zip(*(part.lists() for part in parts), strict=True)
        return cls(*(list(itertools.chain(*values)) for values in lists))

    def some(self, places: Iterable[int]) -> "Lines":
        """The lines at these places."""
        chosen = list(places)
        return Lines(*([values[place] for place in chosen] for values in self.lists()))

    def lists(self) -> tuple[list[np.ndarray], list[str], list[Path]]:
        """Images, texts and paths."""
        return self.images, self.texts, self.paths


def open_line(path: Path) -> np.ndarray:
    """The image of one line, turned as its EXIF tag says and laid on white.

    Raises:
        ImageFileError: If the file cannot be read as an image.
    """
    with opened(path) as image:
        file = decoded(image)
    pixels = np.asarray(file.on("white"))
    height, width = pixels.shape[:2]
    if min(height, width) < 2 or width * TALLEST < height:
        raise ImageFileError(f"{width} x {height} pixels are no line of text")
    if file.values == "8 bits":
        return pixels
    low, high = pixels.min(), pixels.max()
    # Less is the noise of an empty line.
    if high - low < max(abs(low), abs(high)) / 16:
        return np.zeros_like(pixels)
    return (pixels - low) / ((high - low) or 1)


def load_lines(
    folder: Path, progress: Callable[[list[Path], str], Iterable[Path]] = lambda paths, what: paths
) -> tuple[Lines, list[str]]:
    """Loads all pairs of image and text of a folder and the folders in it.

    Returns:
        The lines, and a sentence for each kind of file that was left out.

    Raises:
        LinesError: If there is no pair.
    """
    try:
        if not folder.is_dir():
            raise LinesError(
                f"There is no folder {folder}. Give one with pairs x.png and x.gt.txt."
            )
        files = sorted(path for path in folder.rglob("*") if not _is_hidden(path, folder))
    except OSError as error:
        raise LinesError(f"{str(folder)[:200]} cannot be read: {error.strerror}.") from error
    images = [path for path in files if path.suffix.lower() in ENDINGS]
    written = [path for path in files if _small(path).name.endswith(TEXT_ENDINGS)]
    # By their names in small letters too, as some systems write "X.PNG" beside "x.gt.txt".
    texts = {_small(path): path for path in written} | {path: path for path in written}
    pairs = {path: _text_of(path, texts) for path in images}
    without_text = [path for path in images if pairs[path] is None]
    # Of "x.gt.txt" and "x.txt" the first is taken.
    taken = {text for text in pairs.values() if text}
    named = {path.with_name(_stem(path)) for path in taken}
    without_image = sorted(
        path for path in {*written} - taken if path.with_name(_stem(path)) not in named
    )
    unreadable: list[str] = []
    lines = Lines([], [], [])
    for path in progress([path for path in images if pairs[path]], "Loading"):
        try:
            if not pairs[path].is_file():
                raise ImageFileError(f"{pairs[path].name} is not a regular file")
            try:
                # Tesseract ends a text with a form feed.
                text = pairs[path].read_text(encoding="utf-8-sig").strip()
            except UnicodeDecodeError as error:
                raise ImageFileError(f"{pairs[path].name} is not UTF-8") from error
            if len(text.splitlines()) > 1:
                raise ImageFileError("its text has several lines")
            lines.images.append(open_line(path))
            lines.texts.append(unicodedata.normalize("NFC", text))
            lines.paths.append(path)
        except (ImageFileError, OSError) as error:
            unreadable.append(f"{path.name} ({error})")
    said = [
        f"{what} ({len(names)}): {', '.join(names[:MOST_NAMES])}"
        + ", ..." * (len(names) > MOST_NAMES)
        for names, what in (
            ([path.name for path in without_text], "Images without a text, left out"),
            ([path.name for path in without_image], "Texts without an image, left out"),
            (unreadable, "Lines that cannot be read, left out"),
            (
                [p.name for p, t in zip(lines.paths, lines.texts, strict=True) if not t],
                "Empty texts, trained on as such",
            ),
        )
        if names
    ]
    if not len(lines):
        reasons = f" {'. '.join(said)}." if said else ""
        raise LinesError(
            f"{folder} holds no pair of an image and a text. Expected are files like x.png and "
            f"x.gt.txt.{reasons}"
        )
    return lines, said


def works_of(lines: Lines, pattern: str) -> list[str]:
    """The work of each line: the first group of a pattern that the name of its file begins with.

    A pattern with a `/` is compared with the name and as many folders above it.

    Raises:
        LinesError: If the pattern has no group or does not fit a name.
    """
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise LinesError(f"--split-by {pattern!r} is no regular expression: {error}.") from error
    if not compiled.groups:
        raise LinesError(
            f"--split-by {pattern!r} has no group in round brackets to name the work. For example, "
            "write '(.*)_'."
        )
    # Within [] a / stands for a character that is not compared.
    num_parts = 1 + re.sub(r"\[[^]]*\]", "", pattern).count("/")
    names = ["/".join(path.parts[-num_parts:]) for path in lines.paths]
    matches = [compiled.match(name) for name in names]
    if None in matches:
        raise LinesError(
            f"--split-by {pattern!r} does not fit the name {names[matches.index(None)]}. Write "
            "'(.*)' to make each file a work."
        )
    # All images of one text are of one work, whatever the pattern says of their kinds.
    works: dict[Path, str] = {}
    return [
        works.setdefault(_small(path.with_name(_stems(path)[-1])), match[1] or "")
        for path, match in zip(lines.paths, matches, strict=True)
        if match
    ]


def split_by_work(
    lines: Lines, works: Sequence[str], share: float, seed: int, num_kept: int = 1
) -> tuple[Lines, Lines]:
    """The lines of most works, and of other works about a share of the lines.

    At least `num_kept` works stay, and at least one goes apart where there are more.
    """
    counts = Counter(works)
    names = sorted(counts)
    mixed = [names[place] for place in np.random.default_rng(seed).permutation(len(names))]
    apart: set[str] = set()
    missing = share * len(lines)
    for work in mixed:
        is_nearer = abs(missing - counts[work]) < abs(missing)
        if is_nearer and len(apart) + num_kept < len(names):
            apart.add(work)
            missing -= counts[work]
    if not apart and len(names) > num_kept:
        apart = {min(mixed, key=counts.__getitem__)}
    is_apart = [work in apart for work in works]
    return (
        lines.some(place for place, is_other in enumerate(is_apart) if not is_other),
        lines.some(place for place, is_other in enumerate(is_apart) if is_other),
    )


def _is_hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def _stem(path: Path) -> str:
    """The name of a line: that of its image or its text without the ending."""
    name = path.name
    ending = next((end for end in TEXT_ENDINGS if name.lower().endswith(end)), path.suffix)
    return name[: len(name) - len(ending)]


def _small(path: Path) -> Path:
    return path.with_name(path.name.lower())


def _stems(path: Path) -> list[str]:
    """The names of a line: its own, and without the kind of the image."""
    stem = _stem(path)
    # "x.bin.png" belongs to "x.gt.txt" too, and "page.1.png" not to "page.gt.txt".
    return [stem, Path(stem).stem] if Path(stem).suffix in KINDS_OF_IMAGES else [stem]


def _text_of(path: Path, texts: dict[Path, Path]) -> Path | None:
    names = [path.with_name(name + ending) for ending in TEXT_ENDINGS for name in _stems(path)]
    names += [_small(name) for name in names]
    return next((texts[name] for name in names if name in texts), None)

"""Brings the images of a set to one size and one kind, and says what it changes."""

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from image_files import (
    ORIENTATION,
    ImageFile,
    ImageFileError,
    decoded,
    is_cut_to_eight_bits,
    is_turned,
    opened,
    pages_of,
)

# A drawing of less contrast than this, of 255, is not seen on its ground.
VISIBLE = 64
# Longer sides are made this long, in pixels, where no size is asked for.
LONGEST = 224
MOST_BYTES = 4 * 2**30
# Modes and formats of which the header tells all that a survey asks for.
PLAIN_MODES = {"1", "L", "RGB"}


@dataclasses.dataclass(frozen=True)
class Seen:
    """What a survey notes of one image file. `grounds` are those that show a transparent image."""

    path: Path
    size: tuple[int, int]
    is_coloured: bool
    values: str = "8 bits"
    span: tuple[float, float] = (0.0, 255.0)
    grounds: tuple[str, ...] | None = None
    turned: bool = False
    num_pages: int = 1
    other_colours: bool = False


@dataclasses.dataclass(frozen=True)
class Preparation:
    """What every image of a set is brought to. It is kept with a model, to read other images alike.

    Args:
        size: `(height, width)` in pixels.
        colour: Whether the images have red, green and blue, or are grey.
        ground: What transparent images are laid on: `"white"`, `"black"`, or `"each"` for
            white unless only black shows the drawing.
        integers: The lowest and the highest of integers with more than 8 bits, or `None`.
        floats: The lowest and the highest of floats, or `None`.
    """

    size: tuple[int, int]
    colour: bool
    ground: str = "white"
    integers: tuple[float, float] | None = None
    floats: tuple[float, float] | None = None

    def image(self, path: Path) -> np.ndarray:
        """An image file as uint8, `(height, width)` or `(height, width, 3)`.

        Raises:
            ImageFileError: If the file cannot be read, or holds other values than the set.
        """
        height, width = self.size
        with opened(path) as image:
            sides = (width, height) if not is_turned(image) else (max(self.size),) * 2
            # A JPEG file is decoded at a fraction of its size, though not below twice this one.
            image.draft(None, (2 * sides[0], 2 * sides[1]))
            file = decoded(image)
        if file.values == "8 bits":
            mode = "RGB" if self.colour else "L"
            laid = file.on(self._ground_of(file)).convert(mode).resize((width, height))
            return np.asarray(laid)
        span = self.integers if file.values == "integers" else self.floats
        if span is None:
            raise ImageFileError(
                f"it holds {file.values} of more than 8 bits, as no image of the training did. "
                "Convert it to 8 bits"
            )
        low, high = span
        pixels = np.asarray(file.image.resize((width, height)))
        grey = (np.clip((pixels - low) / (high - low), 0, 1) * 255).round().astype("uint8")
        return np.stack([grey] * 3, axis=-1) if self.colour else grey

    def _ground_of(self, file: ImageFile) -> str:
        return _grounds_of(file)[0] if self.ground == "each" else self.ground


def seen(path: Path) -> Seen:
    """What one image file is like, from its header where that is enough.

    Raises:
        ImageFileError: If the file is no image, is damaged, or is no regular file.
    """
    with opened(path) as image:
        plain = image.mode in PLAIN_MODES and "transparency" not in image.info
        if plain and image.format != "TIFF" and not is_cut_to_eight_bits(image):
            on_its_side = image.getexif().get(ORIENTATION, 1) in range(5, 9)
            return Seen(
                path,
                image.size if on_its_side else image.size[::-1],
                image.mode == "RGB",
                turned=is_turned(image),
                num_pages=pages_of(image),
            )
        file = decoded(image)
    return Seen(
        path,
        file.image.size[::-1],
        file.is_coloured,
        file.values,
        file.image.getextrema() if file.values != "8 bits" else (0.0, 255.0),
        _grounds_of(file) if file.is_transparent else None,
        file.turned,
        file.num_pages,
        file.other_colours,
    )


def _grounds_of(file: ImageFile) -> tuple[str, ...]:
    """The grounds on which the drawing is seen, white first. White where neither shows it."""
    contrasts = {}
    for ground in ("white", "black"):
        low, high = file.on(ground).convert("L").getextrema()
        contrasts[ground] = high - low
    return tuple(ground for ground in contrasts if contrasts[ground] >= VISIBLE) or ("white",)


def preparation_for(files: Sequence[Seen], size: tuple[int, int] | None = None) -> Preparation:
    """What the images of a set are brought to: by default their median size, or less of it."""
    if size is None:
        median = np.median([file.size for file in files], axis=0)
        scale = min(1.0, LONGEST / max(median))
        size = tuple(max(1, int(side)) for side in median * scale)
    grounds = [file.grounds for file in files if file.grounds]
    all_on = [g for g in ("white", "black") if all(g in shown for shown in grounds)]
    return Preparation(
        size=size,
        colour=any(file.is_coloured for file in files),
        ground=all_on[0] if all_on else "each",
        integers=_span(file.span for file in files if file.values == "integers"),
        floats=_span(file.span for file in files if file.values == "floats"),
    )


def _span(spans: Iterable[tuple[float, float]]) -> tuple[float, float] | None:
    lows_and_highs = list(zip(*spans, strict=True))
    if not lows_and_highs:
        return None
    low, high = float(min(lows_and_highs[0])), float(max(lows_and_highs[1]))
    # Where all pixels are the same, only their distance from zero tells black from white.
    return (low, high) if low < high else (min(low, 0.0), max(high, 0.0) or 1.0)


def changes(files: Sequence[Seen], preparation: Preparation) -> list[str]:
    """A line for each kind of change that the preparation makes to the images of a set."""
    lines = []

    def say(changed: list[Seen], text: str) -> None:
        if changed:
            lines.append(f"{len(changed)} image{'s' * (len(changed) > 1)} {text}.")

    say([f for f in files if f.turned], "turned or mirrored, as the EXIF tag says")
    transparent = [f for f in files if f.grounds]
    for ground in ("white", "black"):
        laid = [
            f
            for f in transparent
            if (f.grounds[0] if preparation.ground == "each" else preparation.ground) == ground
        ]
        say(laid, f"with a {ground} background behind transparent parts")
    for values in ("integers", "floats"):
        span = getattr(preparation, values)
        if span:
            kind = "integers of more than 8 bits" if values == "integers" else "floats"
            low, high = span
            wide = [f for f in files if f.values == values]
            say(wide, f"of {kind}: the range {low:g} to {high:g} becomes 0 to 255")
            outside = [f for f in wide if f.span[0] < low or f.span[1] > high]
            say(outside, f"with values outside of {low:g} to {high:g}, which are clipped")
    pages = [f for f in files if f.num_pages > 1]
    names = ", ".join(str(f.path) for f in pages)
    say(pages, f"with several pages or moving: only the first page is read: {names}")
    say([f for f in files if f.other_colours], "converted to red, green and blue")
    if preparation.colour:
        say([f for f in files if not f.is_coloured], "grey, read in colour as the others are")
    else:
        say([f for f in files if f.is_coloured], "in colour, read as grey")
    height, width = preparation.size
    scaled = [f for f in files if f.size != preparation.size]
    stretched = [f for f in scaled if abs(f.size[0] * width - f.size[1] * height) > f.size[1]]
    text = f"scaled to a height of {height} and a width of {width} pixels"
    if stretched:
        text += f", which changes the ratio of height to width of {len(stretched)}"
    say(scaled, text)
    return lines


def bytes_of(num_images: int, preparation: Preparation) -> int:
    """The memory that the prepared images take."""
    height, width = preparation.size
    return num_images * height * width * (3 if preparation.colour else 1)

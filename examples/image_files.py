"""Opens one image file the way a viewer shows it, and notes what that took."""

import contextlib
import dataclasses
import stat
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

# The second line is of photos that not every Pillow opens: not to be left out without a stop.
ENDINGS = {
    *(".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"),
    *(".avif", ".heic", ".heif", ".jp2", ".jxl"),
}
ORIENTATION = 0x0112
OTHER_COLOURS = {"CMYK", "YCbCr", "LAB", "HSV"}


class ImageFileError(Exception):
    """The file cannot be read as an image. The message says why."""


@dataclasses.dataclass(frozen=True)
class ImageFile:
    """A decoded image, and what its file was like.

    Args:
        image: Of the mode L, LA, RGB or RGBA, or F where the values are not of 8 bits.
        values: What the file holds: `"8 bits"`, `"integers"` or `"floats"`.
        turned: Whether its EXIF tag says that it lies on its side or is mirrored.
        num_pages: The number of pages, or of frames, of which the first was read.
        other_colours: Whether its colours were others than red, green and blue.
    """

    image: Image.Image
    values: str
    turned: bool
    num_pages: int
    other_colours: bool

    @property
    def is_coloured(self) -> bool:
        """Whether it has red, green and blue."""
        return self.image.mode.startswith("RGB")

    @property
    def is_transparent(self) -> bool:
        """Whether the ground shows through somewhere."""
        return self.image.mode.endswith("A") and self.image.getextrema()[-1][0] < 255

    def on(self, ground: str) -> Image.Image:
        """The image laid on a ground that is `"white"` or `"black"`, without alpha."""
        if not self.image.mode.endswith("A"):
            return self.image
        mode = self.image.mode.removesuffix("A")
        value = 255 if ground == "white" else 0
        laid = Image.new("RGBA", self.image.size, (value, value, value, 255))
        laid.alpha_composite(self.image.convert("RGBA"))
        return laid.convert("RGB").convert(mode)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """An image file whose header is read.

    Raises:
        ImageFileError: If the file is no image, is damaged, or is no regular file.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise ImageFileError(f"it is a folder: name {path}/*")
        if not stat.S_ISREG(mode):
            raise ImageFileError("not a regular file")
        # Given a path, Pillow 13 scrambles uncompressed TIFFs that lie on a side.
        with (
            warnings.catch_warnings(action="ignore"),
            path.open("rb") as file,
            Image.open(file) as image,
        ):
            yield image
    except ImageFileError:
        raise
    except UnidentifiedImageError as error:
        raise ImageFileError("not an image of a format that Pillow knows") from error
    except Image.DecompressionBombError as error:
        raise ImageFileError(f"more than {2 * Image.MAX_IMAGE_PIXELS:,} pixels") from error
    # The decoders raise errors of many kinds on damaged files.
    except Exception as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise ImageFileError(reason.splitlines()[0]) from error


def decoded(image: Image.Image) -> ImageFile:
    """Decodes an opened image, turned as its EXIF tag says, in one of the five modes."""
    # Pillow knows it until the image is loaded, as for the EXIF tag of a PNG.
    is_cut = is_cut_to_eight_bits(image)
    turned = is_turned(image)
    num_pages = pages_of(image)
    image.load()
    if is_cut and max(most for _, most in _extrema(image)) < 128:
        raise ImageFileError(
            "its colours are of 16 bits, and all dark: Pillow would keep only the upper 8. Save "
            "it with 8 bits"
        )
    image = ImageOps.exif_transpose(image)
    other_colours = image.mode in OTHER_COLOURS
    if image.mode.startswith("I") or image.mode == "F":
        values = "floats" if image.mode == "F" else "integers"
        pixels = np.asarray(image).astype("float32")
        if not np.isfinite(pixels).all():
            raise ImageFileError("it holds pixels that are NaN or infinite")
        image = Image.fromarray(pixels)
    else:
        values = "8 bits"
        image = _in_eight_bits(image)
    return ImageFile(image, values, turned, num_pages, other_colours)


def is_turned(image: Image.Image) -> bool:
    """Whether the EXIF tag of an opened image says that it lies on its side or is mirrored."""
    return image.getexif().get(ORIENTATION, 1) in range(2, 9)


def pages_of(image: Image.Image) -> int:
    """The number of pages or frames. A phone's photo with a preview beside it is one."""
    return 1 if image.format == "MPO" else getattr(image, "n_frames", 1)


def is_cut_to_eight_bits(image: Image.Image) -> bool:
    """Whether Pillow reads the upper half of each value: of colours of 16 bits, and with alpha."""
    tiles = getattr(image, "tile", ())
    return len(image.getbands()) > 1 and any(";16" in str(tile[3]) for tile in tiles)


def _extrema(image: Image.Image) -> list[tuple[float, float]]:
    """The lowest and the highest value of each band but alpha."""
    bands = zip(image.getbands(), image.getextrema(), strict=True)
    return [extrema for band, extrema in bands if band != "A"]


def _in_eight_bits(image: Image.Image) -> Image.Image:
    if image.mode == "LAB":
        profiles = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, *profiles, outputMode="RGB")
    transparent = image.mode in ("PA", "La", "LA", "RGBa", "RGBA") or (
        "transparency" in image.info and image.mode in ("1", "L", "P", "RGB")
    )
    if image.mode in ("P", "PA"):
        return _without_palette(image, transparent)
    grey = image.mode in ("1", "L", "La", "LA")
    return image.convert(("L" if grey else "RGB") + "A" * transparent)


def _without_palette(image: Image.Image, transparent: bool) -> Image.Image:
    """A grey palette gives a grey image."""
    image = image.convert("RGBA")
    red, green, blue, alpha = image.split()
    if not red.tobytes() == green.tobytes() == blue.tobytes():
        return image if transparent else image.convert("RGB")
    return Image.merge("LA", (green, alpha)) if transparent else green

"""Image files as they come: every mode of Pillow, every kind of change, and what is said of it."""

import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from image_files import ImageFileError, decoded, opened
from image_set import Preparation, changes, preparation_for, seen
from PIL import Image
from wide_colours import write_png, write_tiff

HEIGHT, WIDTH = 6, 4
RAMP = np.linspace(0, 255, HEIGHT * WIDTH).round().astype("uint8").reshape(HEIGHT, WIDTH)
COLOURS = np.arange(HEIGHT * WIDTH * 3).reshape(HEIGHT, WIDTH, 3).astype("uint8") * 3
GREY_MODES = ["1", "L", "LA", "La", "P"]
MODES = [*GREY_MODES, "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "LAB", "HSV"]


def in_mode(mode):
    """The ramp in a mode of Pillow."""
    grey = Image.fromarray(RAMP)
    if mode in ("La", "RGBa"):
        return grey.convert(mode.upper()).convert(mode)
    if mode == "PA":
        return grey.convert("P").convert("PA")
    if mode in ("HSV", "LAB", "RGBX", "YCbCr", "CMYK"):
        return Image.new(mode, (WIDTH, HEIGHT))
    return grey.convert(mode)


def prepared(path, size=None):
    """The file as it is read, and the lines that are said of it."""
    file = seen(path)
    preparation = preparation_for([file], size)
    return preparation.image(path), changes([file], preparation)


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_of_eight_bits_becomes_one_of_four(mode):
    file = decoded(in_mode(mode))
    assert file.image.mode in ("L", "LA", "RGB", "RGBA")
    assert file.image.mode.endswith("A") == (mode in ("LA", "La", "PA", "RGBA", "RGBa"))
    assert file.is_coloured == (mode not in (*GREY_MODES, "PA"))
    assert file.values == "8 bits"
    if mode in ("L", "LA", "La", "P", "RGB", "RGBA", "RGBa"):
        np.testing.assert_array_equal(np.asarray(file.on("white").convert("L")), RAMP)


@pytest.mark.parametrize("mode", ["I", "I;16", "I;16B", "I;16L", "F"])
def test_every_mode_of_more_bits_keeps_its_values(mode):
    values = RAMP.astype("float32") * 16
    dtypes = {"I": "int32", "F": "float32", "I;16B": ">u2"}
    array = values.astype(dtypes.get(mode, "<u2"))
    image = Image.frombytes(mode, (WIDTH, HEIGHT), array.tobytes())
    file = decoded(image)
    assert file.values == ("floats" if mode == "F" else "integers")
    np.testing.assert_array_equal(np.asarray(file.image), values)


@pytest.mark.parametrize(
    ("mode", "ending"),
    [
        ("1", "png"),
        ("1", "bmp"),
        ("L", "jpg"),
        ("L", "webp"),
        ("L", "tif"),
        ("LA", "png"),
        ("P", "png"),
        ("P", "gif"),
        ("RGB", "bmp"),
        ("RGB", "jpeg"),
        ("RGB", "webp"),
        ("RGBA", "png"),
        ("RGBA", "tiff"),
        ("RGBX", "tif"),
        ("CMYK", "jpg"),
        ("CMYK", "tif"),
        ("YCbCr", "jpg"),
        ("LAB", "tif"),
        ("I", "tif"),
        ("I;16", "png"),
        ("I;16", "tif"),
        ("I;16B", "tif"),
        ("F", "tif"),
    ],
)
def test_every_kind_of_file_is_read(tmp_path, mode, ending):
    wide = {"I": "<i4", "I;16": "<u2", "I;16B": ">u2", "F": "<f4"}.get(mode)
    path = tmp_path / f"image.{ending}"
    if wide:
        values = (RAMP.astype("int32") * 16).astype(wide)
        Image.frombytes(mode, (WIDTH, HEIGHT), values.tobytes()).save(path)
    else:
        in_mode(mode).save(path)
    pixels, lines = prepared(path)
    assert pixels.shape[:2] == (HEIGHT, WIDTH)
    assert pixels.dtype == "uint8"
    if wide:
        np.testing.assert_allclose(pixels, RAMP, atol=1)
        assert "becomes 0 to 255" in lines[0]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["jpg", "png", "tif", "lzw.tif", "webp"])
def test_the_exif_tag_turns_an_image_as_viewers_do(tmp_path, orientation, ending):
    # What is stored, such that the first quarter of what is shown is dark.
    shown = np.full((32, 48), 255, "uint8")
    shown[:16, :24] = 0
    stored = {
        1: shown,
        2: shown[:, ::-1],
        3: shown[::-1, ::-1],
        4: shown[::-1],
        5: shown.T,
        6: np.rot90(shown),
        7: shown.T[::-1, ::-1],
        8: np.rot90(shown, -1),
    }[orientation]
    tag = Image.Exif()
    tag[0x0112] = orientation
    path = tmp_path / f"image.{ending}"
    options = {"webp": {"lossless": True}, "lzw.tif": {"compression": "tiff_lzw"}}
    Image.fromarray(np.ascontiguousarray(stored)).save(path, exif=tag, **options.get(ending, {}))
    assert seen(path).size == (32, 48)
    pixels, lines = prepared(path)
    grey = pixels if pixels.ndim == 2 else pixels[..., 0]
    np.testing.assert_allclose(grey, shown, atol=8)
    assert bool(lines) == (orientation != 1)
    if lines:
        assert lines == ["1 image turned or mirrored, as the EXIF tag says."]


def transparent(mode, value, rows):
    """Ink of one value on a transparent ground."""
    array = np.zeros((16, 24, 4), "uint8")
    array[..., :3] = value
    array[rows, :, 3] = 255
    return Image.fromarray(array).convert(mode)


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
@pytest.mark.parametrize(("ink", "ground"), [(0, 255), (100, 255), (255, 0), (230, 0)])
def test_a_transparent_image_is_laid_on_what_shows_its_drawing(tmp_path, mode, ink, ground):
    transparent(mode, ink, slice(2, 5)).save(tmp_path / "image.png")
    pixels, lines = prepared(tmp_path / "image.png")
    assert (pixels[2:5] == ink).all()
    assert (pixels[5:] == ground).all()
    name = "white" if ground else "black"
    assert lines == [f"1 image with a {name} background behind transparent parts."]


@pytest.mark.parametrize("mode", ["L", "P", "RGB"])
def test_a_transparent_colour_of_a_png_is_transparent(tmp_path, mode):
    pixels = np.full((8, 8), 0, "uint8")
    pixels[2:4] = 255
    image = Image.fromarray(pixels).convert(mode)
    black = (0, 0, 0) if mode == "RGB" else 0
    image.save(tmp_path / "image.png", transparency=black)
    read, lines = prepared(tmp_path / "image.png")
    assert "a black background behind" in lines[0]
    assert (read[2:4] == 255).all()
    assert (read[4:] == 0).all()


def test_all_drawings_of_a_set_lie_on_one_ground_where_one_shows_them_all(tmp_path):
    inks = {"mid": 128, "light": 250}
    for name, ink in inks.items():
        transparent("LA", ink, slice(2, 5)).save(tmp_path / f"{name}.png")
    files = [seen(tmp_path / f"{name}.png") for name in inks]
    preparation = preparation_for(files)
    assert preparation.ground == "black"
    assert [preparation.image(file.path)[0, 0] for file in files] == [0, 0]
    transparent("LA", 0, slice(2, 5)).save(tmp_path / "dark.png")
    files.append(seen(tmp_path / "dark.png"))
    preparation = preparation_for(files)
    assert preparation.ground == "each"
    assert [preparation.image(file.path)[0, 0] for file in files] == [255, 0, 255]
    assert [line for line in changes(files, preparation) if "background" in line] == [
        "2 images with a white background behind transparent parts.",
        "1 image with a black background behind transparent parts.",
    ]


def test_an_alpha_channel_that_hides_nothing_is_no_change(tmp_path):
    Image.fromarray(RAMP).convert("RGBA").save(tmp_path / "image.png")
    assert prepared(tmp_path / "image.png")[1] == []


@pytest.mark.parametrize("palette", ["grey", "coloured"])
def test_a_grey_palette_stays_grey(tmp_path, palette):
    image = Image.fromarray(RAMP).convert("P")
    if palette == "coloured":
        image = Image.fromarray(COLOURS).quantize(24)
    image.save(tmp_path / "image.gif")
    pixels, lines = prepared(tmp_path / "image.gif")
    assert pixels.ndim == (2 if palette == "grey" else 3)
    assert lines == []


@given(
    st.sampled_from(["uint16", "int32", "float32"]), st.integers(-900, 900), st.integers(1, 4000)
)
def test_the_range_of_the_whole_set_becomes_0_to_255(tmp_path_factory, dtype, low, span):
    folder = tmp_path_factory.mktemp("wide")
    low = abs(low) if dtype == "uint16" else low
    ramps = {
        "first": np.linspace(low, low + span, 24).reshape(6, 4),
        "second": np.full((6, 4), low + span // 2),
    }
    for name, ramp in ramps.items():
        Image.fromarray(ramp.astype(dtype)).save(folder / f"{name}.tif")
    files = [seen(folder / f"{name}.tif") for name in ramps]
    preparation = preparation_for(files)
    first, second = (preparation.image(file.path) for file in files)
    assert (first.min(), first.max()) == (0, 255)
    assert abs(second.astype(float) - (span // 2) / span * 255).max() <= 0.5 + 1e-3
    (line,) = changes(files, preparation)
    kind = "floats" if dtype == "float32" else "integers of more than 8 bits"
    assert line.startswith(f"2 images of {kind}: the range {low} to {low + span} becomes")


def test_pixels_that_are_no_number_are_refused(tmp_path):
    pixels = RAMP.astype("float32")
    pixels[0, 0] = np.nan
    Image.fromarray(pixels).save(tmp_path / "image.tif")
    with pytest.raises(ImageFileError, match="NaN or infinite"):
        seen(tmp_path / "image.tif")


WIDE_FILES = [(write_png, 3), (write_png, 4), (write_png, 2), (write_tiff, 3)]


@pytest.mark.parametrize(("write", "channels"), WIDE_FILES)
def test_colours_of_16_bits_are_not_made_black(tmp_path, write, channels):
    pixels = np.full((HEIGHT, WIDTH, channels), 65535)
    pixels[..., : 3 if channels > 2 else 1] = RAMP[..., None].astype(int) * 257
    write(tmp_path / "image", pixels)
    image, said = prepared(tmp_path / "image")
    assert not said
    np.testing.assert_array_equal(image.reshape(HEIGHT, WIDTH, -1)[..., 0], RAMP)
    # A camera of 12 bits.
    pixels[..., : 3 if channels > 2 else 1] //= 16
    write(tmp_path / "image", pixels)
    with pytest.raises(ImageFileError, match="its colours are of 16 bits, and all dark"):
        seen(tmp_path / "image")


@pytest.mark.parametrize("ending", ["tif", "gif", "png", "webp"])
def test_files_of_several_pages_are_named(tmp_path, ending):
    pages = [Image.fromarray(np.roll(RAMP, number, 0)) for number in range(3)]
    path = tmp_path / f"pages.{ending}"
    pages[0].save(path, save_all=True, append_images=pages[1:])
    lines = prepared(path)[1]
    assert any(f"only the first page is read: {path}." in line for line in lines)


def test_scaling_says_the_size_and_whether_the_ratio_changes(tmp_path):
    for name, size in (("a", (8, 8)), ("b", (8, 8)), ("c", (16, 16)), ("d", (8, 16))):
        Image.fromarray(np.zeros(size, "uint8")).save(tmp_path / f"{name}.png")
    files = [seen(tmp_path / f"{name}.png") for name in "abcd"]
    assert changes(files, preparation_for(files, (8, 8))) == [
        "2 images scaled to a height of 8 and a width of 8 pixels, which changes the ratio of "
        "height to width of 1."
    ]


def test_images_larger_than_224_pixels_are_made_smaller(tmp_path):
    Image.fromarray(np.zeros((1000, 500), "uint8")).save(tmp_path / "image.png")
    assert preparation_for([seen(tmp_path / "image.png")]).size == (224, 112)
    assert preparation_for([seen(tmp_path / "image.png")], (300, 5)).size == (300, 5)


def test_a_jpeg_file_that_is_decoded_smaller_looks_the_same(tmp_path):
    rows = np.linspace(0, 255, 1200)[:, None] * np.ones(1600)
    path = tmp_path / "image.jpg"
    Image.fromarray(rows.astype("uint8")).save(path, quality=95)
    read = Preparation((60, 80), colour=False).image(path)
    with Image.open(path) as image:
        np.testing.assert_allclose(read, np.asarray(image.resize((80, 60))), atol=3)


def test_values_that_the_training_did_not_have(tmp_path):
    Image.fromarray(RAMP.astype("float32")).save(tmp_path / "image.tif")
    with pytest.raises(ImageFileError, match="Convert it to 8 bits"):
        Preparation((6, 4), colour=False).image(tmp_path / "image.tif")
    narrow = Preparation((6, 4), colour=False, floats=(10.0, 20.0))
    lines = changes([seen(tmp_path / "image.tif")], narrow)
    assert "with values outside of 10 to 20, which are clipped" in lines[1]
    assert set(narrow.image(tmp_path / "image.tif").ravel()) >= {0, 255}


@pytest.mark.parametrize(
    "kind", ["empty", "text", "truncated", "pipe", "folder", "missing", "link"]
)
def test_what_is_no_image_says_why(tmp_path, kind):
    path = tmp_path / "image.png"
    if kind in ("empty", "text"):
        path.write_bytes(b"" if kind == "empty" else b"no image")
    elif kind == "truncated":
        Image.fromarray(np.random.default_rng(0).integers(0, 255, (99, 99), "uint8")).save(path)
        path.write_bytes(path.read_bytes()[:2000])
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "link":
        path.symlink_to(tmp_path / "nowhere.png")
    with pytest.raises(ImageFileError) as error:
        Preparation((6, 4), colour=False).image(path)
    assert str(error.value)
    assert "\n" not in str(error.value)
    if kind == "folder":
        assert str(error.value) == f"it is a folder: name {path}/*"


@given(st.data())
def test_damaged_files_never_end_in_another_error(tmp_path_factory, data):
    """Bytes of whole files, changed or cut off."""
    folder = tmp_path_factory.mktemp("damaged")
    ending = data.draw(st.sampled_from(["png", "jpg", "gif", "bmp", "tif", "webp"]))
    path = folder / f"image.{ending}"
    Image.fromarray(COLOURS).save(path)
    content = bytearray(path.read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=8)):
        content[place] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        seen(path)
        assert Preparation((6, 4), colour=True).image(path).shape == (6, 4, 3)
    except ImageFileError:
        pass
    with pytest.raises(ImageFileError), opened(folder):
        pass

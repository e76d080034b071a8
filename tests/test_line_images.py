"""What a reader makes of the image of a line."""

from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from messages import raises
from PIL import Image
from wide_colours import write_png

from keras_imgseq._lines.line_image import _resampled, all_prepared, prepared

HEIGHT = 16


def ink(height=16, width=40):
    """Some strokes, 1 on 0, with margins."""
    line = np.zeros((height, width), "float32")
    line[height // 4 : height // 2, width // 4 : width // 2] = 1
    line[height // 2 : -height // 4, width // 2 : -width // 4] = 0.5
    return line


KINDS = {
    "grey": lambda line: ((1 - line) * 255).round().astype("uint8"),
    "white on black": lambda line: (line * 255).round().astype("uint8"),
    "16 bits": lambda line: ((1 - line) * 65535).round().astype("uint16"),
    "floats": lambda line: 1 - line,
    "halves": lambda line: (1 - line).astype("float16"),
    "one channel": lambda line: ((1 - line) * 255).round().astype("uint8")[..., None],
    "colour": lambda line: np.stack([((1 - line) * 255).round().astype("uint8")] * 3, -1),
    "alpha": lambda line: np.stack(
        [*[np.zeros_like(line, "uint8")] * 3, (line * 255).round().astype("uint8")], -1
    ),
    "grey and alpha": lambda line: np.stack(
        [np.zeros_like(line, "uint8"), (line * 255).round().astype("uint8")], -1
    ),
    "yellowed paper": lambda line: ((0.8 - 0.6 * line) * 255).round().astype("uint8"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_image_gives_the_same_line(kind):
    line = ink()
    result = prepared(KINDS[kind](line), HEIGHT)
    assert result.dtype == "float32"
    np.testing.assert_allclose(result, line, atol=0.02)
    assert (result[0] == 0).all()


def test_black_on_white_may_be_bits():
    line = np.round(ink() - 0.1)
    np.testing.assert_array_equal(prepared(line == 0, HEIGHT), line)


@given(st.integers(2, 60), st.integers(2, 90), st.integers(0, 2**32 - 1))
def test_what_is_prepared_stays_as_it_is(height, width, seed):
    image = np.random.default_rng(seed).integers(0, 256, (height, width), "uint8")
    if round(width * HEIGHT / height) < 2:
        return
    once = prepared(image, HEIGHT)
    assert once.shape == (HEIGHT, round(width * HEIGHT / height))
    assert once.min() >= 0
    assert once.max() <= 1
    np.testing.assert_array_equal(prepared(once, HEIGHT), once)


@pytest.mark.parametrize("size", [(32, 80), (48, 121), (9, 23), (160, 400)])
def test_scaling_is_that_of_pillow(size):
    smooth = np.random.default_rng(0).random((5, 9)).astype("float32")
    image = np.asarray(Image.fromarray(smooth).resize(size[::-1], Image.Resampling.BICUBIC))
    width = round(size[1] * HEIGHT / size[0])
    ours = _resampled(_resampled(image, width).T, HEIGHT).T
    pillow = Image.fromarray(image).resize((width, HEIGHT), Image.Resampling.BILINEAR)
    np.testing.assert_allclose(ours, np.asarray(pillow), atol=2e-4)


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_blank_image_is_all_paper(value):
    noise = np.random.default_rng(0).integers(-3, 4, (20, 50))
    image = np.clip(value + noise, 0, 255).astype("uint8")
    assert not prepared(image, HEIGHT).any()
    assert prepared(image, HEIGHT).shape == (16, 40)


@pytest.mark.parametrize(
    ("image", "cure"),
    [
        (np.zeros((40, 1), "uint8"), "Turn the image, or cut the line out of it"),
        (np.zeros((1, 40), "uint8"), "several pixels high.*1 pixels high and 40 wide"),
        (np.zeros((420, 20), "uint8"), "Turn the image, or cut the line out of it"),
        (np.ma.masked_array(np.zeros((20, 30), "uint8")), r"Write image.filled\(white\)"),
        (np.zeros((4000, 20), "uint8"), "which is 0 wide at the reader's height of 16"),
        (np.zeros((3, 20, 30), "uint8"), r"write image.transpose\(1, 2, 0\)"),
        (np.zeros((2, 20, 30, 3), "uint8"), "The image of a line is"),
        (np.zeros(20, "uint8"), "The image of a line is"),
        (np.zeros((0, 20), "uint8"), "at least one pixel"),
        (
            np.full((20, 30), 255.0),
            r"from 255 to 255. If black is 0 and white 255, write image.astype\('uint8'\)",
        ),
        (np.full((20, 30), -0.1), r"Write np.clip\(image, 0, 1\)"),
        (np.full((20, 30), np.nan), r"Write np.nan_to_num\(image\)"),
        (np.full((20, 30), 4000), r"white 65535, write image.astype\('uint16'\)"),
        (np.full((20, 30), -40.0), "Subtract what is black in your images"),
        (np.full((20, 30), np.nan), "from nan to nan"),
        (
            np.full((20, 30), 255),
            r"'int64' from 255 to 255. If black is 0 and white 255, write image.astype\('uint8'",
        ),
        (np.array([["a"]]), "Write an array of numbers"),
        ([[1, 2], [3]], "write image.detach"),
    ],
)
def test_what_is_no_line_says_what_to_write(image, cure):
    with raises(ValueError, match=cure):
        prepared(image, HEIGHT)


@pytest.mark.parametrize(("dtype", "white"), [("uint16", 4095), ("uint16", 32767), ("uint32", 255)])
def test_few_bits_in_a_wide_type_are_not_taken_for_black(dtype, white):
    image = np.full((20, 60), white, dtype)
    image[6:14, 10:50] = 0
    with raises(ValueError, match=rf"Received: values up to {white}\. Write image / {white}"):
        prepared(image, 20)
    assert prepared(image / white, 20).max() == 1


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_floats_that_were_divided_twice_are_not_taken_for_paper(dtype):
    image = np.full((20, 60), 1, dtype)
    image[6:14, 10:50] = 0
    with raises(ValueError, match="as if divided by 255 twice"):
        prepared(image / 255, 20)
    assert prepared(image, 20).max() == 1
    # Half a grey level of noise on black is paper.
    assert prepared(image / 255 * 0.4, 20).max() == 0


@pytest.mark.parametrize("path", ["line.png", Path("line.png")], ids=["text", "path"])
def test_a_path_is_to_be_opened(path):
    with raises(ValueError, match=r"For a file, write PIL.Image.open\(path\)"):
        prepared(path, HEIGHT)
    with raises(ValueError, match=r"images\[0\].*For a file, write PIL.Image.open\(path\)"):
        all_prepared([path], HEIGHT)
    with raises(ValueError, match=r"For a file, write \[PIL.Image.open\(path\)\]"):
        all_prepared(path, HEIGHT)


@pytest.mark.parametrize(
    "images", [[ink()] * 2, (ink(), ink(9)), [Image.fromarray(ink().astype("uint8"))] * 2]
)
def test_several_images_are_no_line(images):
    with raises(ValueError, match=r"a list of 2 images. For the first of them, write images\[0\]"):
        prepared(images, HEIGHT)


def test_lists_of_numbers_are_a_line():
    np.testing.assert_array_equal(prepared(ink().tolist(), HEIGHT), prepared(ink(), HEIGHT))
    rows = [*ink()]
    np.testing.assert_array_equal(prepared(rows, HEIGHT), prepared(ink(), HEIGHT))


@pytest.mark.parametrize("largest", [1, 2])
def test_small_integers_are_taken_for_light_only_where_they_can_be(largest):
    image = np.zeros((8, 30), "uint8")
    image[2:6, 3:20] = largest
    if largest == 1:
        with raises(ValueError, match=r"values up to 1\. Write image / 1"):
            prepared(image, 8)
    else:
        assert not prepared(image, 8).any()


def test_cures_of_pillow_images_work():
    pixels = np.zeros((8, 30), "uint16")
    pixels[2:6, 3:20] = 4000
    image = Image.fromarray(pixels)
    with raises(ValueError, match=r"Write np.asarray\(image\) / 4095"):
        prepared(image, 8)
    prepared(np.asarray(image) / 4095, 8)
    with raises(ValueError, match=r"write np.asarray\(image\).astype\('uint16'\)"):
        prepared(image.convert("I"), 8)


def test_floats_that_numpy_does_not_know_are_read():
    pixels = np.zeros((8, 30), "float32")
    pixels[2:6, 3:20] = 1
    image = pixels.astype(ml_dtypes.bfloat16)
    np.testing.assert_array_equal(prepared(image, 8), prepared(pixels, 8))


@pytest.mark.parametrize("mode", ["P", "CMYK", "YCbCr", "HSV", "RGBX", "RGBa"])
def test_the_colours_of_other_modes_are_read_as_light(mode):
    pixels = np.full((8, 30, 3), 255, "uint8")
    pixels[2:6, 3:20] = 0
    image = Image.fromarray(pixels)
    if mode == "RGBX":
        # What the fourth number is, nobody knows.
        image = Image.merge(mode, [*image.split(), Image.new("L", image.size, 0)])
    if mode == "RGBa":
        image = image.convert("RGBA")
    line = prepared(image.convert(mode), 8)
    np.testing.assert_allclose(line, prepared(pixels, 8), atol=0.02)


def test_a_line_is_at_most_twenty_times_as_high_as_wide():
    assert prepared(np.zeros((400, 20), "uint8"), 64).shape == (64, 3)
    with raises(ValueError, match="Turn the image, or cut the line out of it"):
        prepared(np.zeros((420, 20), "uint8"), 64)


@given(st.integers(40, 200), st.integers(2, 10))
def test_the_tallest_line_can_be_prepared_again(height, width):
    once = prepared(np.zeros((20 * width, width), "uint8"), height)
    np.testing.assert_array_equal(prepared(once, height), once)


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_colours_of_16_bits_are_not_made_black(tmp_path, channels):
    pixels = np.full((16, 40, channels), 65535)
    pixels[..., : 3 if channels > 2 else 1] = ((1 - ink()) * 65535).astype(int)[..., None]
    write_png(tmp_path / "line.png", pixels)
    with Image.open(tmp_path / "line.png") as image:
        np.testing.assert_allclose(prepared(image, HEIGHT), ink(), atol=0.01)
    # A camera of 12 bits.
    pixels[..., : 3 if channels > 2 else 1] //= 16
    write_png(tmp_path / "line.png", pixels)
    with (
        Image.open(tmp_path / "line.png") as image,
        raises(ValueError, match="16 bits for each colour.*up to 15 of 255"),
    ):
        prepared(image, HEIGHT)

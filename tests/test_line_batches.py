"""Batches of text lines: each line once, in few widths, changed or not, for one device or more."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from messages import raises
from small_lines import READER, lines, small_reader
from strategies import fewer

from keras_imgseq import LineBatches


@given(
    st.lists(st.integers(6, 120), min_size=1, max_size=12),
    st.integers(1, 5),
    st.booleans(),
    st.integers(0, 3),
)
@fewer(30, compiled=30)
def test_batches_hold_every_line_once_in_few_widths(widths, batch_size, shuffle, epoch):
    reader = READER
    images = lines(widths)
    texts = ["abc"[number % 3] for number in range(len(widths))]
    batches = LineBatches(images, texts, reader, batch_size, shuffle=shuffle)
    batches.begin_at(epoch)
    seen = []
    sizes = []
    for index in range(batches.num_batches):
        batch, labels = batches[index]
        assert batch.shape[0] == len(labels)
        assert batch.shape[2] % 32 == 0
        sizes.append(batch.shape)
        for line, label in zip(batch, labels, strict=True):
            width = np.flatnonzero(line.any(axis=0)).max() + 2
            seen.append((int(width), int(label[0])))
    assert sorted(seen) == sorted((width, 1 + number % 3) for number, width in enumerate(widths))
    assert sum(size[0] < batch_size for size in sizes) <= 1
    if len({size[2] for size in sizes}) > 1:
        assert sizes[0][2] != sizes[1][2]


def test_mixing_depends_on_the_seed_and_the_epoch_alone():
    images, texts = lines(range(10, 40)), ["a"] * 30

    def first(seed, epoch, **options):
        batches = LineBatches(images, texts, READER, 4, seed=seed, **options)
        batches.begin_at(epoch)
        return batches[0][0]

    np.testing.assert_array_equal(first(1, 2), first(1, 2))
    assert first(1, 2).tolist() != first(1, 3).tolist()
    assert first(1, 2).tolist() != first(2, 2).tolist()

    def noisy(line, generator):
        return np.clip(line + generator.normal(0, 0.1, line.shape), 0, 1)

    np.testing.assert_array_equal(first(1, 2, augment=noisy), first(1, 2, augment=noisy))
    assert first(1, 2, augment=noisy).tolist() != first(1, 2).tolist()

    def in_place(line, generator):
        line += 0.1
        return line.clip(0, 1)

    batches = LineBatches(images, texts, READER, 4, shuffle=False, augment=in_place)
    np.testing.assert_array_equal(batches[0][0], batches[0][0])

    # What becomes too wide, or too short for its text, is taken as it was.
    def wider(line, generator):
        return np.pad(line, ((0, 0), (0, 200)))

    def same(line, generator):
        return line

    np.testing.assert_array_equal(first(1, 2, augment=wider), first(1, 2, augment=same))
    texts = ["abab"] * 30
    short = first(1, 2, augment=lambda line, _: line[:, :5])
    np.testing.assert_array_equal(short, first(1, 2, augment=same))


def test_a_text_that_is_too_long_for_its_image_is_named():
    images = lines((8, 20))
    with raises(ValueError, match=r"texts\[0\]='aabc', which needs 5 steps") as error:
        LineBatches(images, ["aabc", "a"], READER)
    said = "8 pixels wide, and its ink ends after 7. The ink must"
    assert said in str(error.value)
    assert "must end after 9 pixels or more" in str(error.value)
    LineBatches(lines((10, 20)), ["aabc", "a"], READER)
    # Paper at the end has no steps, and a blank line has one.
    wide = [np.pad(line, ((0, 0), (0, 20))) for line in lines((8, 20))]
    blank = [np.zeros((8, 40), "float32"), wide[1]]
    for images, said in ((wide, "its ink ends after"), (blank, "Its image has no ink")):
        with raises(ValueError, match=f"needs 5 steps.*{said}"):
            LineBatches(images, ["aabc", "a"], READER)


def test_too_long_lines_may_be_skipped(capsys):
    batches = LineBatches(lines((8, 20)), ["aabc", "a"], READER, too_long="skip")
    assert batches[0][1].tolist() == [[1]]
    said = capsys.readouterr().out
    assert "1 of 2 lines are left out: their images have too few steps" in said
    assert "Number 0 ('aabc')." in said
    LineBatches([np.zeros((8, 40)), *lines((20,))], ["aa", "a"], READER, too_long="skip")
    assert "Number 0 ('aa', no ink)." in capsys.readouterr().out
    with raises(ValueError, match="No line is left"):
        LineBatches(lines((8,)), ["aabc"], READER, too_long="skip")


@pytest.mark.parametrize(
    ("change", "cure"),
    [
        ({"texts": ["a"]}, "Write two lists of equal length"),
        ({"images": [], "texts": []}, "Write two lists of equal length"),
        ({"texts": ["a", "x"]}, r"'x' \(U\+0078\) in texts\[1\]='x'. Add it to the alphabet"),
        ({"texts": ["a", 3]}, r"texts\[1\]=3"),
        ({"texts": "ab"}, r"For one line, write \[text\]"),
        ({"texts": None}, r"Received: texts=None. For one line, write \[text\]"),
        ({"texts": np.array(None)}, r"For one line, write \[text\]"),
        ({"images": None}, r"Received: images=None. For one line, write \[image\]"),
        ({"images": 3}, r"For one line, write \[image\]"),
        ({"images": np.array(None)}, r"For one line, write \[image\]"),
        ({"reader": None}, r"Received: reader=None. Write LineReader\(alphabet\)"),
        ({"batch_size": 0}, "write batch_size=16"),
        ({"seed": -1}, "`seed` is a whole number from 0"),
        ({"shuffle": 1}, "Write shuffle=True"),
        ({"too_long": "drop"}, "Write one of 'error', 'skip'"),
        ({"augment": 3}, "`augment` is a function"),
    ],
)
def test_batches_that_cannot_be(change, cure):
    arguments = {"images": lines((20, 30)), "texts": ["a", "b"], "reader": READER}
    with raises(ValueError, match=cure):
        LineBatches(**{**arguments, **change})


def test_a_batch_holds_16_lines_unless_it_is_said():
    batches = LineBatches(lines([20] * 40), ["a"] * 40, READER)
    assert sorted(len(batches[number][0]) for number in range(batches.num_batches)) == [8, 16, 16]


def test_batches_take_whatever_gives_one_line_after_the_other():
    images, texts = lines((20, 30)), ["a", "b"]
    array = np.empty(2, object)
    array[:] = images
    expected = LineBatches(images, texts, READER, 2, shuffle=False)[0][0]
    for series in (images, tuple(images), array, (image for image in images)):
        batches = LineBatches(series, (text for text in texts), READER, 2, shuffle=False)
        np.testing.assert_array_equal(batches[0][0], expected)


def test_an_augment_of_another_height_is_refused():
    batches = LineBatches(lines((20,)), ["a"], READER, augment=lambda line, _: line[:4])
    with raises(ValueError, match="`augment` returns a line of 8 pixels of height"):
        batches[0]


@pytest.mark.parametrize(("num_lines", "devices"), [(13, 4), (12, 4), (9, 2)])
@pytest.mark.parametrize("shuffle", [True, False])
def test_every_batch_is_a_multiple_of_the_devices(num_lines, devices, shuffle, capsys):
    images = lines(range(20, 20 + 4 * num_lines, 4))
    for number, image in enumerate(images):
        image[3, 3] = number / 100
    batches = LineBatches(
        images, ["a"] * num_lines, small_reader(), 8, shuffle=shuffle, devices=devices
    )
    left_out = num_lines % devices
    said = f"{left_out} of {num_lines} lines are left out of each epoch, so that each of {devices}"
    assert (said in capsys.readouterr().out) == (left_out > 0)
    seen = []
    for epoch in range(12):
        batches.begin_at(epoch)
        sizes = [len(batches[index][0]) for index in range(batches.num_batches)]
        assert sum(sizes) == num_lines - left_out
        assert all(size % devices == 0 for size in sizes)
        assert sum(size < 8 for size in sizes) <= 1
        seen += [tuple(line[3, :12]) for n in range(len(sizes)) for line in batches[n][0]]
    # Every line has its turn.
    assert len(set(seen)) == num_lines
    for change, cure in (
        ({"batch_size": 6}, "Write a batch_size that 4 divides"),
        ({"devices": 0}, "write devices=1"),
        ({"batch_size": 64, "devices": 64}, "fewer lines than devices"),
    ):
        with raises(ValueError, match=cure):
            LineBatches(images, ["a"] * num_lines, small_reader(), **{"devices": 4, **change})


@pytest.mark.parametrize("epoch", [0, 1, 2])
def test_the_first_two_batches_differ_in_width_with_changed_lines_too(epoch):
    images = [reader_line for width in (60, 90, 120) for reader_line in lines((width,), height=32)]
    reader = small_reader(height=32)
    batches = LineBatches(
        images, ["a"] * 3, reader, 1, shuffle=False, augment=lambda line, generator: line
    )
    batches.begin_at(epoch)
    assert batches[0][0].shape != batches[1][0].shape


@pytest.mark.parametrize(
    ("changed", "cure"),
    [
        (lambda line, generator: line * 255, "ink 1 and paper 0"),
        (lambda line, generator: line * np.nan, "ink 1 and paper 0"),
        (lambda line, generator: line[:, :0], "ink 1 and paper 0"),
    ],
)
def test_what_augment_may_not_return(changed, cure):
    batches = LineBatches(lines((60,)), ["a"], small_reader(), augment=changed)
    with raises(ValueError, match=cure):
        batches[0]


def test_a_line_that_grows_by_more_than_a_tenth_is_taken_as_it_was():
    images = lines((20, 60))

    def wider(line, generator):
        return np.pad(line, ((0, 0), (40, 0)))

    batches = LineBatches(images, ["a", "a"], small_reader(), 2, augment=wider, shuffle=False)
    np.testing.assert_array_equal(batches[0][0][0, :, :20], images[0])


def test_a_single_batch_of_an_epoch_keeps_its_width():
    images = lines((20, 90, 150), height=32)
    reader = small_reader(height=32)
    reader.compile("sgd")
    batches = LineBatches(images, ["a", "b", "ab"], reader, 2, devices=2)
    assert batches.num_batches == 1
    losses = reader.fit(batches, epochs=4, verbose=0).history["loss"]
    assert np.isfinite(losses).all()
    widths = set()
    for epoch in range(8):
        batches.begin_at(epoch)
        widths.add(batches[0][0].shape[2])
    assert len(widths) == 1


@pytest.mark.parametrize("devices", [1, 2])
def test_later_batches_may_be_narrower_than_the_first_two(devices):
    images = [line for width in (50, 60, 60, 60, 60, 60) for line in lines((width,), height=32)]
    reader = small_reader(height=32)
    reader.compile("sgd")
    narrower = lambda line, generator: line[:, : generator.integers(20, line.shape[1] + 1)]  # noqa: E731
    batches = LineBatches(images, ["a"] * 6, reader, 2, devices=devices, augment=narrower)
    history = reader.fit(batches, epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()

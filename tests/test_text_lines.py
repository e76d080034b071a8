"""The reader of text lines and its batches."""

import unicodedata
import warnings

import keras
import numpy as np
import pytest
from backends import INSTALLED, run_python, skip_without
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_imgseq import LineBatches, LineReader, plot
from keras_imgseq._lines.decoding import text_of

BACKEND = keras.backend.backend()
to_numpy = keras.ops.convert_to_numpy
SMALL = {
    "height": 8,
    "filters": (3, 4),
    "pool_sizes": ((2, 2), (2, 1)),
    "units": 4,
    "dropout": 0.0,
}


def lines(widths, height=8, seed=0):
    """Prepared images of lines: floats from 0 to 1 with a border of 0."""
    random = np.random.default_rng(seed)
    result = []
    for width in widths:
        line = np.zeros((height, width), "float32")
        line[1:-1, 1:-1] = random.random((height - 2, width - 2)).round(2)
        result.append(line)
    return result


def small_reader(**changes):
    keras.utils.set_random_seed(0)
    reader = LineReader("abc", **{**SMALL, **changes})
    random = np.random.default_rng(1)
    # As after a training: then a normalization makes something of zeros.
    for layer in reader.get_layer("stem").normalizations:
        layer.set_weights([abs(random.normal(size=w.shape)) + 0.1 for w in layer.get_weights()])
    return reader


def test_the_answers_and_the_loss_of_a_batch_are_those_of_its_lines():
    reader = small_reader(units=(4, 3))
    images = [reader.prepare(line) for line in lines((9, 14, 30))]
    texts = ["ab", "", "aacb"]
    labels = reader.encode(texts)
    loss = keras.losses.CTC(reduction=None)
    batch = np.stack([np.pad(image, ((0, 0), (0, 32 - image.shape[1]))) for image in images])
    together = reader.predict(batch, verbose=0)
    losses = to_numpy(loss(labels, together))
    for number, image in enumerate(images):
        alone = reader.predict(image[None], verbose=0)
        num_steps = -(-image.shape[1] // 2)
        assert alone.shape == (1, num_steps, 4)
        np.testing.assert_allclose(together[number, :num_steps], alone[0], atol=1e-5)
        assert (together[number, num_steps:] == [0, -10_000, -10_000, -10_000]).all()
        label = reader.encode([texts[number]])
        np.testing.assert_allclose(to_numpy(loss(label, alone))[0], losses[number], rtol=1e-5)


def test_how_widely_a_batch_is_padded_changes_no_training():
    images = np.stack(
        [np.pad(line, ((0, 0), (0, 18 - line.shape[1]))) for line in lines((11, 17, 18))]
    )
    labels = np.array([[1, 2], [3, 0], [2, 2]])

    def trained(pad):
        reader = small_reader()
        reader.compile(keras.optimizers.SGD(0.05))
        padded = np.pad(images, ((0, 0), (0, 0), (0, pad)))
        reader.fit(padded, labels, epochs=3, shuffle=False, verbose=0)
        return reader.get_weights()

    for first, second in zip(trained(2), trained(14), strict=True):
        np.testing.assert_allclose(first, second, atol=1e-5)


def test_a_reader_learns_saves_loads_and_goes_on(tmp_path):
    """Also in a fresh process and on another backend."""
    images = lines((20, 24, 40, 33))
    texts = ["abc", "a", "cc", "b"]
    reader = small_reader(dropout=0.1, cell="gru")
    reader.compile("adam")
    batches = LineBatches(images, texts, reader, 2, shuffle=False)
    history = reader.fit(batches, epochs=2, verbose=0).history
    assert {"loss", "character_error_rate"} <= set(history)
    path = tmp_path / "reader.keras"
    reader.save(path)
    loaded = keras.saving.load_model(path)
    assert loaded.alphabet == "abc"
    assert loaded.get_config() == reader.get_config()
    assert int(loaded.optimizer.iterations) == 4
    assert "character_error_rate" in loaded.evaluate(batches, return_dict=True, verbose=0)
    assert loaded.read(images) == reader.read(images)
    loaded.fit(batches, verbose=0)
    answers = reader.predict(np.stack([np.pad(images[0], ((0, 0), (0, 4)))]), verbose=0)
    np.save(tmp_path / "image.npy", np.pad(images[0], ((0, 0), (0, 4)))[None])
    code = """
import sys, keras, numpy as np, keras_imgseq
reader = keras.saving.load_model(sys.argv[1] + "/reader.keras")
assert reader.alphabet == "abc" and reader.compiled
image = np.load(sys.argv[1] + "/image.npy")
np.save(sys.argv[1] + "/answers.npy", reader.predict(image, verbose=0))
"""
    other = next((name for name in INSTALLED if name != BACKEND), BACKEND)
    ended = run_python("-c", code, tmp_path, backend=other)
    assert ended.returncode == 0, ended.stderr
    np.testing.assert_allclose(np.load(tmp_path / "answers.npy"), answers, atol=1e-5)


def test_the_alphabet_and_the_weights_go_over_to_another_reader():
    reader = small_reader()
    other = reader.with_alphabet("cxb")
    assert other.alphabet == "cxb"
    before, after = (r.get_layer("logits").get_weights()[0] for r in (reader, other))
    for new, old in ((0, 0), (1, 3), (3, 2)):
        np.testing.assert_array_equal(after[:, new], before[:, old])
    for first, second in zip(
        reader.get_layer("rnn_1").get_weights(), other.get_layer("rnn_1").get_weights(), strict=True
    ):
        np.testing.assert_array_equal(first, second)


def test_layers_that_are_not_trained_stay_so(tmp_path):
    reader = small_reader()
    reader.get_layer("rnn_1").trainable = False
    reader.get_layer("stem").normalizations[0].trainable = False
    reader.save(tmp_path / "reader.keras")
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        loaded = keras.saving.load_model(tmp_path / "reader.keras")
    expected = [weight.path for weight in reader.trainable_weights]
    assert len(expected) < len(small_reader().trainable_weights)
    for other in (loaded, reader.with_alphabet("xyz")):
        assert [weight.path for weight in other.trainable_weights] == expected


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
def test_logits_are_single_under_mixed_precision(dtype):
    reader = small_reader(dtype=dtype)
    assert reader.get_layer("stem").compute_dtype == dtype.removeprefix("mixed_")
    answers = reader(keras.ops.ones((1, 8, 12)))
    assert keras.backend.standardize_dtype(answers.dtype) == "float32"
    copy = LineReader.from_config(reader.get_config())
    assert copy.get_layer("stem").compute_dtype == dtype.removeprefix("mixed_")


def test_reading_takes_lists_batches_and_nothing():
    reader = small_reader()
    images = lines((12, 30, 9, 12))
    read = reader.read(images)
    assert read == [reader.read([image])[0] for image in images]
    same = np.stack([images[0], images[3]])
    assert reader.read(same) == [read[0], read[3]]
    assert reader.read([]) == []
    texts, certainties = reader.read(images, return_certainty=True)
    assert texts == read
    assert all(0 <= certainty <= 1 for certainty in certainties)
    many = lines(range(10, 80))
    assert reader.read(many) == [text for image in many for text in reader.read([image])][:70]
    with pytest.raises(ValueError, match=r"images\[1\]: The image of a line"):
        reader.read([images[0], np.zeros(3)])
    for one in (images[0], np.zeros((8, 40, 3), "uint8")):
        with pytest.raises(ValueError, match=r"For one line, write \[image\]"):
            reader.read(one)


class Scripted(LineReader):
    """A reader whose answers are given."""

    def predict_on_batch(self, batch):
        answers = np.full((len(batch), -(-batch.shape[2] // 2), 4), -20.0, "float32")
        answers[:, :, 0] = 0
        for step, label in ((1, 1), (2, 1), (4, 2), (5, 3)):
            answers[:, step, 0], answers[:, step, label] = -20, 0
        return answers


def test_characters_are_located_in_the_pixels_of_the_image_given():
    reader = Scripted("abc", **SMALL)
    image = np.full((16, 40), 255, "uint8")
    image[4:8, 4:30] = 0
    # Scaled by a half, a step of two pixels sees four of the image.
    places = reader.locate(image)
    assert [place[0] for place in places] == ["a", "b", "c"]
    edges = [(left, right) for _, left, right, _ in places]
    assert edges == [(4, 14), (14, 20), (20, 24)]
    assert all(certainty > 0.99 for *_, certainty in places)
    assert reader.read([image]) == ["abc"]


def test_a_line_is_drawn_with_its_characters_above_their_places():
    pytest.importorskip("matplotlib")
    reader = Scripted("abc", **SMALL)
    image = np.full((16, 40), 255, "uint8")
    image[4:8, 4:30] = 0
    axes = plot.plot_line(reader, image)
    assert "certainty" in {other.get_ylabel() for other in axes.figure.axes}
    assert [(text.get_text(), text.get_position()[0]) for text in axes.texts] == [
        ("a", 9),
        ("b", 17),
        ("c", 22),
    ]
    with pytest.raises(ValueError, match="A line is drawn of a LineReader"):
        plot.plot_line("reader", image)


@given(
    st.lists(st.integers(6, 120), min_size=1, max_size=12),
    st.integers(1, 5),
    st.booleans(),
    st.integers(0, 3),
)
@settings(max_examples=30)
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


READER = LineReader("abc", **SMALL)


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
    with pytest.raises(ValueError, match=r"texts\[0\]='aabc', which needs 5 steps") as error:
        LineBatches(images, ["aabc", "a"], READER)
    said = "8 pixels wide, and its ink ends after 7. The ink must"
    assert said in str(error.value)
    assert "must end after 9 pixels or more" in str(error.value)
    LineBatches(lines((10, 20)), ["aabc", "a"], READER)
    # Paper at the end has no steps, and a blank line has one.
    wide = [np.pad(line, ((0, 0), (0, 20))) for line in lines((8, 20))]
    for images in (wide, [np.zeros((8, 40), "float32"), wide[1]]):
        with pytest.raises(ValueError, match="needs 5 steps"):
            LineBatches(images, ["aabc", "a"], READER)


def test_too_long_lines_may_be_skipped(capsys):
    batches = LineBatches(lines((8, 20)), ["aabc", "a"], READER, too_long="skip")
    assert batches[0][1].tolist() == [[1]]
    assert "1 of 2 lines are left out: their texts need" in capsys.readouterr().out
    with pytest.raises(ValueError, match="No line is left"):
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
    with pytest.raises(ValueError, match=cure):
        LineBatches(**{**arguments, **change})


def test_batches_take_whatever_gives_one_line_after_the_other():
    images, texts = lines((20, 30)), ["a", "b"]
    array = np.empty(2, object)
    array[:] = images
    expected = LineBatches(images, texts, READER, 2, shuffle=False)[0][0]
    for series in (images, tuple(images), array, (image for image in images)):
        batches = LineBatches(series, (text for text in texts), READER, 2, shuffle=False)
        np.testing.assert_array_equal(batches[0][0], expected)


@pytest.mark.parametrize("images", [None, [], [np.zeros((8, 20))], [np.zeros((8, 20))] * 2])
def test_images_that_are_not_one_array_yet_are_refused(images):
    reader = small_reader()
    reader.compile("adam")
    labels = np.array([[1]])
    for call in (reader.fit, reader.evaluate, reader.train_on_batch, reader.test_on_batch):
        with pytest.raises(ValueError, match=r"write LineBatches\(images, texts, reader\)"):
            call(images, labels)
    with pytest.raises(ValueError, match=r"write reader.read\(images\)"):
        reader.predict(images)


def test_images_that_are_not_prepared_are_refused():
    reader = small_reader()
    reader.compile("adam")
    images, labels = np.full((1, 8, 20), 255, "uint8"), np.array([[1]])
    for call in (lambda: reader.fit(images, labels), lambda: reader.predict(images)):
        with pytest.raises(ValueError, match="Received: x of uint8 with values up to 255"):
            call()
    assert len(reader.predict(images // 255, verbose=0)) == 1


@pytest.mark.parametrize("texts", [["a"], "a", np.array(["a"]), np.array(["a"], object)])
def test_texts_are_no_labels_yet(texts):
    reader = small_reader()
    reader.compile("adam")
    with pytest.raises(ValueError, match=r"Labels are whole numbers.*reader.encode\(texts\)"):
        reader.fit(np.zeros((1, 8, 20)), texts)


def test_an_augment_of_another_height_is_refused():
    batches = LineBatches(lines((20,)), ["a"], READER, augment=lambda line, _: line[:4])
    with pytest.raises(ValueError, match="`augment` returns a line of 8 pixels of height"):
        batches[0]


def test_texts_and_alphabets_are_in_nfc():
    decomposed = unicodedata.normalize("NFD", "ä")
    reader = LineReader(decomposed + "a\u0364", **SMALL)
    assert reader.alphabet == "äa\u0364"
    assert reader.encode([decomposed, "aͤ", ""]).tolist() == [[1, 0], [2, 3], [0, 0]]
    assert READER.encode([""]).shape == (1, 1)


@pytest.mark.parametrize(
    ("change", "cure"),
    [
        ({"alphabet": ""}, "For example, write"),
        ({"alphabet": ["a", "b"]}, "`alphabet` is a string of all characters"),
        ({"alphabet": "aba"}, "with 'a' more than once"),
        ({"alphabet": "ä" + "a\u0308"}, "with 'ä' more than once"),
        ({"height": 0}, "write height=40"),
        ({"name": "my reader"}, "write name="),
        ({"units": ()}, "units=128"),
        ({"units": 0}, "units=128"),
        ({"cell": "rnn"}, "Unknown cell"),
        ({"dropout": "half"}, "write dropout=0.2"),
        ({"dropout": 1.0}, "less than 1"),
        ({"filters": ()}, "Write filters=16 or"),
    ],
)
def test_readers_that_cannot_be(change, cure):
    with pytest.raises(ValueError, match=cure):
        LineReader(**{"alphabet": "abc", **SMALL, **change})


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
        with pytest.raises(ValueError, match=cure):
            LineBatches(images, ["a"] * num_lines, small_reader(), **{"devices": 4, **change})


def test_labels_of_no_character_are_refused():
    reader = small_reader()
    reader.compile("sgd")
    images = np.zeros((2, 8, 24), "float32")
    for label in (-1, len(reader.alphabet) + 1):
        labels = np.array([[1, 2], [1, label]])
        for use in (reader.fit, reader.evaluate):
            with pytest.raises(
                ValueError, match=rf"Received: y\[1, 1\]={label}\. Write reader.enc"
            ):
                use(images, labels, verbose=0)
        assert_harmless(reader, images, labels)
    images[:, 2:6, 1:20] = 1
    labels = np.array([[1, 2], [1, 0]])
    assert np.isfinite(reader.fit(images, labels, verbose=0).history["loss"][0])


class Batches(keras.utils.PyDataset):
    """One batch, whose labels a reader sees too late for an error."""

    def __init__(self, images, labels):
        super().__init__()
        self.batch = images, labels

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return self.batch


def assert_harmless(reader, images, labels):
    reader.fit(Batches(images, labels * 0), verbose=0)
    history = reader.fit(Batches(images, labels), verbose=0).history
    assert np.isnan(history["loss"][0])
    for weight in reader.get_weights():
        assert np.isfinite(weight).all()


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_text_that_needs_more_steps_than_its_line_has_harms_nothing(optimizer):
    reader = small_reader()
    reader.compile(optimizer)
    images = np.zeros((2, 8, 8), "float32")
    images[:, 2:6, 1:7] = 1
    labels = np.array([[1, 2, 0, 0, 0], [1, 1, 2, 2, 3]])
    held = {"validation_data": (images, labels)}
    for use in (
        lambda: reader.fit(images, labels, verbose=0),
        lambda: reader.fit(images[:1], labels[:1], **held, verbose=0),
        lambda: reader.evaluate(images, labels, verbose=0),
        lambda: reader.train_on_batch(images, labels),
        lambda: reader.test_on_batch(images, labels),
    ):
        with pytest.raises(ValueError, match=r"Received: y\[1\], which needs 7 steps, for x\[1\]"):
            use()
    assert_harmless(reader, images, labels)


def test_a_zero_stands_behind_the_other_labels():
    reader = small_reader()
    reader.compile("sgd")
    images = np.zeros((1, 8, 24), "float32")
    images[:, 2:6, 1:20] = 1
    good, bad = np.array([[1, 2, 0]]), np.array([[0, 1, 2]])
    with pytest.raises(ValueError, match=r"with 0 at place 0. The first character .* is 1"):
        reader.fit(images, bad, verbose=0)
    # Before the training, not after its first epoch.
    with pytest.raises(ValueError, match=r"with 0 at place 0"):
        reader.fit(images, good, validation_data=(images, bad), verbose=0)
    for labels in (good, [good]):
        loss = reader.train_on_batch(images, labels)
        assert np.isfinite(loss if np.isscalar(loss) else loss[0])
    assert_harmless(reader, images, bad)


def test_a_reader_that_diverged_says_so():
    reader = small_reader()
    reader.set_weights([weight * np.nan for weight in reader.get_weights()])
    with pytest.raises(ValueError, match="a training that diverged"):
        reader.read(lines((20,)))


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
    with pytest.raises(ValueError, match=cure):
        batches[0]


def test_a_line_that_grows_by_more_than_a_tenth_is_taken_as_it_was():
    images = lines((20, 60))

    def wider(line, generator):
        return np.pad(line, ((0, 0), (40, 0)))

    batches = LineBatches(images, ["a", "a"], small_reader(), 2, augment=wider, shuffle=False)
    np.testing.assert_array_equal(batches[0][0][0, :, :20], images[0])


@pytest.mark.skipif(BACKEND != "jax", reason="the other backends export it")
def test_what_keras_cannot_export_from_jax_is_said(tmp_path):
    with pytest.raises(ValueError, match="load it with KERAS_BACKEND=tensorflow or"):
        small_reader().export(tmp_path / "reader.onnx", format="onnx", verbose=False)


@pytest.mark.skipif(BACKEND == "jax", reason="JAX exports no recurrent layer that reads backwards")
def test_a_reader_of_fixed_width_runs_in_onnxruntime(tmp_path):
    skip_without("onnx")
    import onnxruntime

    reader = small_reader()
    image = lines((20,))[0][None]
    size = keras.InputSpec(shape=(1, 8, 24), dtype="float32")
    reader.export(tmp_path / "reader.onnx", format="onnx", input_signature=[size], verbose=False)
    session = onnxruntime.InferenceSession(tmp_path / "reader.onnx")
    padded = np.pad(image, ((0, 0), (0, 0), (0, 4)))
    (answers,) = session.run(None, {session.get_inputs()[0].name: padded})
    np.testing.assert_allclose(answers, reader.predict(padded, verbose=0), atol=1e-4)


@pytest.mark.parametrize("devices", [1, 2])
def test_later_batches_may_be_narrower_than_the_first_two(devices):
    images = [line for width in (50, 60, 60, 60, 60, 60) for line in lines((width,), height=32)]
    reader = small_reader(height=32)
    reader.compile("sgd")
    narrower = lambda line, generator: line[:, : generator.integers(20, line.shape[1] + 1)]  # noqa: E731
    batches = LineBatches(images, ["a"] * 6, reader, 2, devices=devices, augment=narrower)
    history = reader.fit(batches, epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()


def test_what_is_read_is_in_the_same_normal_form_as_the_texts():
    belief = np.eye(3, dtype="float32")[[2, 0, 1]]
    alphabet = "\u0308a"
    assert text_of(belief, alphabet)[0] == "\xe4"


def test_a_flag_is_a_flag():
    with pytest.raises(ValueError, match="`return_certainty` is True or False"):
        small_reader().read([], return_certainty="no")

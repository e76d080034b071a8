"""What the axes of images are is never guessed in silence."""

import warnings

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from messages import raises

from keras_imgseq import (
    ImageAsSequence,
    SequenceAsImage,
    build_image_rnn,
    count_image_rnn_params,
    image_as_sequence,
    sequence_as_image,
)

# The shape of one image, and what reads it, by the channels_last default.
FIRST = "channels of these images seem to stand first"
LAST = "channels of these images seem to stand last"
NUMBER = "seem to be a number of images"
DOUBTFUL = [
    ((1, 22, 1000), "row", FIRST),
    ((3, 30, 26), "row", FIRST),
    ((3, 30, 26), "column", FIRST),
    ((4, 30, 26), (2, 2), FIRST),
    ((1, 28, 28), "row", FIRST),
    ((3, 20, 64), "column", FIRST),
    ((600, 28, 28), "row", NUMBER),
    ((600, 28, 28), "pixel", NUMBER),
    ((141, 28, 35), "row", NUMBER),
]
CLEAR = [
    ((28, 28), "row"),
    ((1, 28), "row"),
    ((3, 28), "row"),
    ((600, 28), "row"),
    ((28, 28, 1), "row"),
    ((28, 28, 3), "row"),
    ((3, 28, 3), "row"),
    ((1, 28, 4), "row"),
    ((600, 28, 3), "row"),
    ((140, 28, 35), "row"),
    ((30, 26, 64), "row"),
    ((2, 30, 26), "row"),
    ((1, 22, 1000), "column"),
    ((1, 22, 1000), "pixel"),
]


@pytest.fixture(params=["channels_last", "channels_first"])
def default(request):
    before = keras.config.image_data_format()
    keras.config.set_image_data_format(request.param)
    yield request.param
    keras.config.set_image_data_format(before)


def mirrored(shape, step, said, default):
    """The same situation where the default is channels_first."""
    if default == "channels_last":
        return shape, step, said
    if said == NUMBER or len(shape) == 2:
        return shape, step, said
    step = {"row": "column", "column": "row"}.get(step, step) if shape[0] == 1 else "pixel"
    return shape[::-1], step, said and LAST


def sequences_of(shape, step, default):
    layer = ImageAsSequence(step, data_format=default)
    return np.zeros(layer.compute_output_shape((2, *shape)), "float32")


@pytest.mark.parametrize(("shape", "step", "said"), DOUBTFUL)
def test_doubtful_axes_are_refused_and_warned_of(default, shape, step, said):
    shape, step, said = mirrored(shape, step, said, default)
    sequences = sequences_of(shape, step, default)
    for refuse in (
        lambda **given: build_image_rnn(shape, 3, units=1, reading=step, **given),
        lambda **given: build_image_rnn(shape, 3, units=1, reading=ImageAsSequence(step, **given)),
        lambda **given: count_image_rnn_params(shape, 3, units=1, reading=step, **given),
        lambda **given: image_as_sequence(np.zeros((2, *shape)), step, **given),
        lambda **given: image_as_sequence(np.zeros(shape), step, batched=False, **given),
        lambda **given: sequence_as_image(sequences, shape, step, **given),
    ):
        with raises(ValueError, match=said) as error:
            refuse()
        assert "Received: " in str(error.value)
        cure = "images.shape[1:]" if said == NUMBER else 'write data_format="channels_'
        assert cure in str(error.value)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            refuse(data_format=default)
    for warn in (
        lambda **given: ImageAsSequence(step, **given).build((None, *shape)),
        lambda **given: ImageAsSequence(step, **given)(keras.Input(shape)),
        lambda **given: SequenceAsImage(shape, step, **given),
    ):
        with pytest.warns(UserWarning, match=said):
            warn()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warn(data_format=default)


@pytest.mark.parametrize(("shape", "step"), CLEAR)
def test_clear_axes_are_read_without_a_word(default, shape, step):
    shape, step, _ = mirrored(shape, step, None, default)
    if default == "channels_first" and len(shape) == 3 and step == "row":
        step = "pixel"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        build_image_rnn(shape, 3, units=1, reading=step)
        image_as_sequence(np.zeros((2, *shape)), step)
        ImageAsSequence(step).build((None, *shape))


def test_whether_it_was_given_survives_the_copies_of_the_factory():
    for reading in ("row", ImageAsSequence("row"), None):
        made = build_image_rnn((28, 28), 10, reading=reading).get_layer("as_sequence")
        with raises(ValueError, match=FIRST):
            build_image_rnn((3, 28, 28), 10, reading=made)
    given = ImageAsSequence("row", data_format="channels_last")
    made = build_image_rnn((28, 28), 10, reading=given).get_layer("as_sequence")
    build_image_rnn((3, 28, 28), 10, reading=made)


def test_an_inverse_warns_as_its_layer_would():
    with pytest.warns(UserWarning, match=FIRST):
        ImageAsSequence().inverse((3, 28, 28))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ImageAsSequence(data_format="channels_last").inverse((3, 28, 28))


def test_every_reading_must_mean_a_single_row_of_pixels():
    with raises(ValueError, match=FIRST):
        build_image_rnn((1, 28, 28), 10, reading=["row", "column"])
    build_image_rnn((1, 28, 28), 10, reading=["pixel", "column"])


@pytest.mark.parametrize("step", [4, "pixel", "row"])
def test_the_axes_are_doubted_before_the_sizes(step):
    for read in (
        lambda: image_as_sequence(np.zeros((2, 3, 30, 30)), step),
        lambda: build_image_rnn((3, 30, 30), 10, reading=step),
        lambda: sequence_as_image(np.zeros((2, 30, 90)), (3, 30, 30), step),
    ):
        with raises(ValueError, match='write data_format="channels_first"'):
            read()


def test_one_image_in_predict_is_refused_in_words():
    model = build_image_rnn((28, 28), 10)
    with raises(ValueError, match=r"Received: shape=\(28, 28\).*image\[None\]"):
        model.predict(np.zeros((28, 28)))


def test_one_coloured_image_is_no_batch_of_grey_ones():
    image = np.zeros((24, 20, 3), "float32")
    with raises(ValueError, match=r"24 grey ones of 20 x 3 pixels.* write batched=False"):
        image_as_sequence(image, "column")
    with pytest.warns(UserWarning, match=r"If it is one image, write image\[None\]"):
        ImageAsSequence()(image)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert image_as_sequence(image, "column", batched=False).shape == (20, 72)
        for grey in (image[:15], image[:, :15], np.zeros((24, 20, 5))):
            image_as_sequence(grey)
        image_as_sequence(image, data_format="channels_last")
        ImageAsSequence(data_format="channels_last")(image)
        ImageAsSequence()(keras.Input(batch_shape=(32, 28, 4)))


def test_the_shape_of_a_batch_without_its_number_is_refused():
    with raises(ValueError, match="a number of images, their height and their width"):
        build_image_rnn((None, 28, 28), 10)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Features behind a convolution are such images too.
        ImageAsSequence()(keras.Input((None, 28, 28)))
        build_image_rnn((None, 28, 28), 10, data_format="channels_last")


def test_a_batch_of_pytorch_is_refused():
    with raises(ValueError, match='write data_format="channels_first"'):
        image_as_sequence(np.zeros((64, 1, 28, 28)))


def test_a_column_of_one_channel_first_image_is_refused_where_the_default_is_first():
    before = keras.config.image_data_format()
    keras.config.set_image_data_format("channels_first")
    try:
        for shape in ((28, 28, 1), (28, 28, 3)):
            with raises(ValueError, match=LAST):
                build_image_rnn(shape, 10)
    finally:
        keras.config.set_image_data_format(before)


def test_one_reading_that_was_given_its_data_format_is_enough():
    given = ImageAsSequence("row", data_format="channels_last")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = build_image_rnn((3, 30, 26), 2, reading=["column", given])
    assert model.get_layer("reading_1_as_sequence").data_format == "channels_last"


@pytest.mark.parametrize("sizes", [(None, 28, 26), (None, None, 26), (3, None, 3)])
def test_unknown_sizes_are_no_doubt(sizes):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ImageAsSequence("pixel").build((None, *sizes))


@pytest.mark.parametrize("shape", [(64, 28, 28, 1), (10, 64, 64, 3), (8, 10, 64, 64, 3)])
def test_more_axes_in_input_shape_name_both_cures(shape):
    for make in (build_image_rnn, count_image_rnn_params):
        with raises(ValueError, match=r"images.shape\[1:\].*TimeDistributed") as error:
            make(shape, 3)
        assert f"Received: input_shape={shape}" in str(error.value)


def test_doubtful_models_load_without_a_warning(tmp_path):
    with pytest.warns(UserWarning, match=FIRST):
        model = keras.Sequential([keras.Input((3, 8, 9)), ImageAsSequence("row")])
    with pytest.warns(UserWarning, match="every named order"):
        ordered = keras.Sequential([keras.Input((8, 9)), ImageAsSequence("row", "hilbert")])
    for number, saved in enumerate((model, ordered)):
        saved.save(tmp_path / f"{number}.keras")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            loaded = keras.saving.load_model(tmp_path / f"{number}.keras")
            keras.models.clone_model(saved)
        assert loaded.output_shape == saved.output_shape


@pytest.mark.parametrize("step", ["row", "column"])
@pytest.mark.parametrize("order", ["snake", "zigzag", "spiral", "hilbert", "morton"])
def test_an_order_that_changes_nothing_warns_once_and_where_the_caller_stands(step, order):
    with pytest.warns(UserWarning, match="every named order") as caught:
        layer = ImageAsSequence(step, order)
    assert [warning.filename for warning in caught] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        build_image_rnn((4, 6), 2, reading=layer)
        ImageAsSequence("pixel", order)
        ImageAsSequence(step, "random", seed=1)
        ImageAsSequence(step, [1, 0])


CURES = [
    (lambda: image_as_sequence(np.zeros((42, 784))), r"images\.reshape\(-1, height, width\)"),
    (lambda: image_as_sequence(np.zeros((28, 28))), r"images\[None\]"),
    (lambda: ImageAsSequence()(np.zeros((28, 28))), r"images\[None\]"),
    (lambda: image_as_sequence(np.zeros((2, 5, 8, 8, 3))), "TimeDistributed"),
    (lambda: ImageAsSequence()(np.zeros((2, 8, 8, 1, 1))), r"images\[\.\.\., 0\]"),
    (lambda: ImageAsSequence()(np.zeros((2, 5, 8, 8, 1))), "video.*TimeDistributed"),
    (lambda: ImageAsSequence()(np.zeros((2, 5, 8, 8, 2))), "volume"),
    (lambda: ImageAsSequence()([np.zeros((4, 6))] * 2), r"np\.stack\(images\)"),
    (lambda: ImageAsSequence()([np.zeros((4, 6)), np.zeros((5, 6))]), "`mask_value`"),
    (lambda: image_as_sequence([np.zeros((4, 6)), np.zeros((5, 6))]), "Pad them to one size"),
    (lambda: image_as_sequence([[[1, 2], [3]]]), "Pad them to one size"),
]


@pytest.mark.parametrize(("read", "cure"), CURES)
def test_the_cure_follows_what_was_given(read, cure):
    with raises(ValueError, match=cure) as error:
        read()
    assert "Received: " in str(error.value)


def test_a_list_of_images_of_one_size_is_a_batch_for_the_functions():
    image = np.arange(12).reshape(3, 4)
    np.testing.assert_array_equal(image_as_sequence([image, image]), [image, image])


def test_a_pair_is_one_patch_and_a_list_is_several_readings():
    one = build_image_rnn((8, 8), 2, reading=(4, 4))
    several = build_image_rnn((8, 8), 2, reading=[4, 4])
    assert "as_sequence" in [layer.name for layer in one.layers]
    assert "reading_2_as_sequence" in [layer.name for layer in several.layers]
    for reading in (("row", "column"), np.array([2, 2]), {4, 2}, 2.5, b"row", (4, 4, 4)):
        with raises(ValueError) as error:
            build_image_rnn((8, 8), 2, reading=reading)
        assert "Received: " in str(error.value)
    with raises(ValueError, match=r"one patch: \(4, 4\). A list holds several readings"):
        build_image_rnn((8, 8), 2, reading=("row", "column"))


@pytest.mark.parametrize(
    "read",
    [
        lambda: ImageAsSequence("row", "hilbert"),
        lambda: SequenceAsImage((4, 6), "row", "hilbert"),
        lambda: image_as_sequence(np.zeros((2, 4, 6)), "row", "hilbert"),
        lambda: sequence_as_image(np.zeros((2, 4, 6)), (4, 6), "row", "hilbert"),
    ],
)
def test_an_order_that_changes_nothing_is_a_warning(read):
    with pytest.warns(UserWarning, match="every named order reads the rows one after the other"):
        read()


@pytest.mark.parametrize(
    ("build", "cure"),
    [
        (lambda: build_image_rnn((784,), 10), r"images\.reshape\(-1, 28, 28\)"),
        (lambda: build_image_rnn((4, 6), 3, reading=["cross"]), 'Write reading="cross"'),
        (
            lambda: build_image_rnn((4, 6), 3, reading=(ImageAsSequence(), ImageAsSequence())),
            "A list holds several readings",
        ),
    ],
)
def test_the_factory_names_a_cure_that_works(build, cure):
    with raises(ValueError, match=cure):
        build()


SIDES = st.sampled_from([1, 2, 3, 4, 5, 16, 28, 40, 200, 1000])


@given(st.tuples(SIDES, SIDES, SIDES), st.sampled_from(["channels_last", "channels_first"]))
def test_every_cure_of_a_refused_shape_works(shape, configured):
    before = keras.config.image_data_format()
    keras.config.set_image_data_format(configured)
    try:
        for given_format in ("channels_last", "channels_first"):
            count_image_rnn_params(shape, 3, data_format=given_format)
        try:
            count_image_rnn_params(shape, 3)
        except ValueError as error:
            said = str(error)
        else:
            return
        assert f"shape={shape}, data_format={configured!r} by default" in said
        assert len(said) < 400
        if "write the shape of one image: images.shape[1:]" in said:
            assert shape[0] > 4 * max(shape[1:])
            count_image_rnn_params(shape[1:], 3)
        else:
            # One side seems to be the channels, and it is not the one of the configuration.
            outer, inner = shape[::2] if configured == "channels_last" else shape[::-2]
            assert outer in (1, 3, 4)
            assert inner not in (1, 3, 4)
            assert 'write data_format="channels_last"' in said
            assert 'write data_format="channels_first"' in said
    finally:
        keras.config.set_image_data_format(before)


def test_an_unknown_number_of_channels_is_no_cure():
    before = keras.config.image_data_format()
    keras.config.set_image_data_format("channels_first")
    try:
        with raises(ValueError, match=r"shape\[1:\]. If they are not, write the number of ch"):
            build_image_rnn((None, 28, 28), 3)
        cure = r'write batched=False and data_format="channels_last"'
        with raises(ValueError, match=cure):
            image_as_sequence(np.zeros((28, 28, 3)))
        image = np.zeros((28, 28, 3))
        assert image_as_sequence(image, batched=False, data_format="channels_last").shape == (
            28,
            84,
        )
    finally:
        keras.config.set_image_data_format(before)


@pytest.mark.parametrize(
    "build",
    [
        lambda: build_image_rnn((8, 8), 2, filters=[4] * 10_000, pool_sizes=[(2, 2)]),
        lambda: build_image_rnn((8, 8), 2, filters=[4] * 10_000, pool_sizes=[(2, 0)] * 10_000),
        lambda: build_image_rnn(
            (8, 8), 2, reading=[ImageAsSequence("row"), 1, 2] * 2000, return_sequences=True
        ),
        lambda: build_image_rnn(
            (8, 8), 2, reading=[ImageAsSequence(mask_value=n) for n in range(2000)], filters=4
        ),
        lambda: build_image_rnn(
            (8, 8, 8),
            2,
            reading=[
                ImageAsSequence(data_format="channels_last"),
                *[ImageAsSequence(data_format="channels_first")] * 3000,
            ],
        ),
        lambda: ImageAsSequence("pixel", [0] * 100_000),
        lambda: build_image_rnn((28,) * 100_000, 2),
        lambda: build_image_rnn((28, 28), 2, units=["a"] * 100_000),
        lambda: build_image_rnn((28, 28), 2, cell="x" * 100_000),
        lambda: image_as_sequence("x" * 100_000),
        lambda: image_as_sequence([None] * 100_000),
    ],
)
def test_an_error_has_a_bounded_length(build):
    with raises(ValueError, match="Received: ") as error:
        build()
    assert len(str(error.value)) < 900


def test_a_tuple_that_is_no_pair_names_the_rule():
    for reading in ((4,), (), (4, 4, 4)):
        with raises(ValueError, match="A pair of ints in round brackets is one patch"):
            build_image_rnn((8, 8), 2, reading=reading)


def test_a_list_of_sequences_is_stacked_or_put_back_one_by_one():
    sequences = [np.zeros((28, 28)), np.zeros((20, 28))]
    with raises(ValueError, match="one by one with batched=False, each with its own"):
        sequence_as_image(sequences, (28, 28))
    with raises(ValueError, match=r"a list of 2 items. Write np.stack\(sequences\)"):
        SequenceAsImage((28, 28))(sequences)


@pytest.mark.parametrize("dtype", ["datetime64[s]", "timedelta64[s]"])
def test_times_are_no_pixels(dtype):
    with raises(ValueError, match=r'Write images.astype\("float32"\)'):
        image_as_sequence(np.zeros((2, 4, 6), dtype))

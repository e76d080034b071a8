"""One checker for each kind of argument: the same words for the same mistake, everywhere."""

import enum

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_imgseq import (
    ImageAsSequence,
    SequenceAsImage,
    build_image_rnn,
    count_image_rnn_params,
    image_as_sequence,
    sequence_as_image,
)
from keras_imgseq._reading.arguments import shown

IMAGES = np.zeros((2, 4, 6), "float32")


def to_layer(**arguments):
    return ImageAsSequence(**arguments)


def to_inverse(**arguments):
    return SequenceAsImage(**{"image_size": (4, 6), **arguments})


def to_function(**arguments):
    return image_as_sequence(IMAGES, **arguments)


def to_inverse_function(**arguments):
    return sequence_as_image(IMAGES, **{"image_size": (4, 6), **arguments})


def to_factory(**arguments):
    return build_image_rnn(**{"input_shape": (4, 6), "classes": 3, **arguments})


def to_count(**arguments):
    return count_image_rnn_params(**{"input_shape": (4, 6), "classes": 3, **arguments})


READINGS = [to_layer, to_inverse, to_function, to_inverse_function]
NETWORKS = [to_factory, to_count]
INVERSES = [to_inverse, to_inverse_function, lambda image_size: to_layer().inverse(image_size)]
FUNCTIONS = [to_function, to_inverse_function]

# Values of every kind that Python has, none of which is a flag, a name or a size.
ODD = [
    None,
    "no",
    "",
    b"row",
    bytearray(b"ab"),
    2.5,
    float("nan"),
    10**400,
    -1,
    1j,
    [1],
    [],
    {},
    {28, 4},
    frozenset({1}),
    range(0),
    (n for n in (4, 6)),
    np.array([1, 2]),
    np.array(4.0),
    np.array("row"),
    object,
    int,
    len,
    lambda: 1,
    keras.layers.ReLU,
    keras.KerasTensor((4,)),
    np.zeros((2, 2)),
    np.float64("nan"),
    Ellipsis,
]

KINDS = [
    # The arguments of a kind, who takes them, and which odd values are right all the same.
    ("flag", ["transpose", "reverse"], READINGS, ()),
    ("flag", ["batched"], FUNCTIONS, ()),
    ("flag", ["bidirectional", "return_sequences"], NETWORKS, ()),
    ("choice", ["padding", "data_format"], READINGS, (None,)),
    ("choice", ["data_format"], NETWORKS, (None,)),
    ("choice", ["merge", "unroll"], NETWORKS, ()),
    ("step", ["step"], READINGS, ("two",)),
    ("order", ["order"], READINGS, ()),
    ("seed", ["seed"], READINGS, (None,)),
    ("size", ["image_size"], INVERSES, ("two",)),
    ("size", ["input_shape"], NETWORKS, ("two",)),
    ("count", ["classes"], NETWORKS, (None,)),
    ("count", ["units"], NETWORKS, ([1], "two")),
    ("number", ["mask_value"], [to_layer], (None, 2.5, -1, 10**399)),
    ("number", ["dropout", "recurrent_dropout"], NETWORKS, ()),
    ("number", ["scale"], NETWORKS, (None, 2.5, -1)),
    ("cell", ["cell"], [to_factory], ()),
    ("activation", ["activation", "classifier_activation"], NETWORKS, (None,)),
    ("text", ["name"], NETWORKS, (None, "no", "")),
    ("reading", ["reading"], NETWORKS, (None, [1])),
]


def is_right(value, right):
    if isinstance(value, np.ndarray):
        return "two" in right and value.shape == (2,)
    return any(value is one or (type(value) is type(one) and value == one) for one in right)


@pytest.mark.parametrize(
    ("name", "take", "right"),
    [(name, take, right) for _, names, takers, right in KINDS for name in names for take in takers],
)
def test_an_odd_value_is_named(name, take, right):
    for value in ODD:
        if is_right(value, right):
            continue
        with pytest.raises(ValueError) as error:
            take(**{name: value})
            pytest.fail(f"{name}={value!r} was accepted")
        said = str(error.value)
        assert "Received: " in said, (name, value, said)
        # A reading that is a step is named as one.
        assert name in said or (name == "reading" and "step=" in said), (name, value, said)
        assert len(said) < 900, (name, len(said))


@pytest.mark.parametrize("whole", [int, np.int64, np.int8, np.uint16])
def test_whole_numbers_of_numpy_are_pythons_own(whole):
    model = to_factory(units=[whole(3), whole(2)], classes=whole(3), reading=whole(2))
    assert model.count_params() == to_count(units=(whole(3), whole(2)), classes=whole(3), reading=2)
    sizes = (whole(4), whole(6))
    assert build_image_rnn(sizes, whole(3)).input_shape == (None, 4, 6)
    assert build_image_rnn(np.array([4, 6]), 3).input_shape == (None, 4, 6)
    assert SequenceAsImage(sizes, whole(2)).image_size == (4, 6)
    assert ImageAsSequence((whole(2), whole(3))).get_config()["step"] == (2, 3)
    assert ImageAsSequence("pixel", "random", seed=whole(5)).get_config()["seed"] == 5


class Name(str, enum.Enum):  # noqa: UP042
    """Names as an enum of strings, of which `str()` gives another one."""

    COLUMN = "column"
    SNAKE = "snake"
    SAME = "same"
    FIRST = "channels_first"
    GRU = "gru"
    MEAN = "mean"


def test_names_of_an_enum_are_their_strings():
    images = np.arange(48).reshape(1, 2, 4, 6)
    for take in (image_as_sequence, lambda *a, **o: ImageAsSequence(*a, **o)(images)):
        arguments = () if take is not image_as_sequence else (images,)
        names = {"padding": Name.SAME, "data_format": Name.FIRST}
        by_enum = take(*arguments, (3, 4), Name.SNAKE, **names)
        plain = {"padding": "same", "data_format": "channels_first"}
        expected = image_as_sequence(images, (3, 4), "snake", **plain)
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(by_enum), expected)
    assert type(ImageAsSequence(Name.COLUMN).get_config()["step"]) is str
    readings = [Name.COLUMN, Name.COLUMN]
    model = to_factory(cell=Name.GRU, merge=Name.MEAN, reading=readings)
    assert model.count_params() == to_count(cell="gru", merge="mean", reading=["column"] * 2)
    assert to_count(cell=Name.GRU, merge=Name.MEAN, reading=readings) == model.count_params()


@pytest.mark.parametrize("take", NETWORKS)
@pytest.mark.parametrize("name", ["a.b", "a/b", 3, b"name"])
def test_a_name_that_no_backend_takes(take, name):
    with pytest.raises(ValueError, match="Received: name="):
        take(name=name)


def test_a_name_of_numpy_can_be_saved(tmp_path):
    to_factory(name=np.str_("left")).save(tmp_path / "model.keras")


@pytest.mark.parametrize("value", [np.timedelta64(4, "s"), memoryview(b"ab")])
def test_spans_of_time_and_bytes_are_no_numbers(value):
    for take, name in (
        (to_layer, "step"),
        (to_inverse, "image_size"),
        (to_factory, "units"),
        (to_factory, "classes"),
        (to_factory, "input_shape"),
        (to_factory, "scale"),
        (to_layer, "mask_value"),
    ):
        with pytest.raises(ValueError, match=f"Received: {name}="):
            take(**{name: value})


@pytest.mark.parametrize("order", [[0, True, 2], np.matrix([[0, 1]]), np.ma.array([1, 0])])
def test_an_order_is_of_plain_ints(order):
    with pytest.raises(ValueError, match="Received: order="):
        ImageAsSequence("pixel", order)


@pytest.mark.parametrize(("dtype", "value"), [("float16", 1e5), ("float32", 1e39)])
def test_a_mask_value_that_the_images_cannot_hold(dtype, value):
    layer = ImageAsSequence("row", mask_value=value)
    for images in (IMAGES.astype(dtype), keras.Input((4, 6), dtype=dtype)):
        with pytest.raises(ValueError, match=r"holds values up to .* Received: mask_value="):
            layer(images)


@pytest.mark.parametrize("dtype", [">f4", ">u2", "<i4"])
def test_layers_read_bytes_in_any_order(dtype):
    images = np.arange(48).reshape(2, 4, 6).astype(dtype)
    sequences = keras.ops.convert_to_numpy(ImageAsSequence("column")(images))
    np.testing.assert_array_equal(sequences, images.transpose(0, 2, 1))


@pytest.mark.parametrize("dtype", ["M8[s]", "longdouble"])
def test_a_dtype_that_the_backend_lacks_is_named(dtype):
    images = np.zeros((2, 4, 6), dtype)
    if keras.backend.backend() == "jax" and dtype == "longdouble":
        images = np.zeros((2, 4, 6), "M8[s]")
    with pytest.raises(ValueError, match=r"Received: .*dtype|Received: an array of"):
        ImageAsSequence()(images)


@pytest.mark.parametrize("value", [True, np.True_])
def test_flags_of_numpy_are_pythons_own(value):
    assert ImageAsSequence(transpose=value).get_config()["transpose"] is True
    assert image_as_sequence(IMAGES, batched=value).shape == (2, 4, 6)


@given(st.floats(allow_nan=False, allow_infinity=False, width=32), st.sampled_from("df"))
def test_numbers_of_numpy_are_pythons_own(value, kind):
    number = np.dtype(kind).type(value)
    assert ImageAsSequence(mask_value=number).mask_value == float(number)


@pytest.mark.parametrize("take", NETWORKS)
@pytest.mark.parametrize(
    "arguments", [{"units": 10**9}, {"units": (4, 10**9)}, {"classes": 10**12}]
)
def test_numbers_that_no_memory_holds_are_refused(take, arguments):
    with pytest.raises(ValueError, match=r"an int from 1 to 16777216. Received: (units|classes)="):
        take(**arguments)


def test_a_patch_that_no_memory_holds_is_refused():
    layer = ImageAsSequence(10**7, padding="same")
    for read in (
        lambda: layer(IMAGES),
        lambda: image_as_sequence(IMAGES, 10**7, padding="same"),
        lambda: layer.compute_output_shape((2, 4, 6)),
    ):
        with pytest.raises(ValueError, match="Write a smaller patch"):
            read()


def test_messages_about_long_values_are_short():
    for take, arguments in (
        (to_layer, {"order": [*range(100_000), 0]}),
        (to_layer, {"order": "x" * 100_000}),
        (to_layer, {"step": tuple(range(100_000))}),
        (to_inverse, {"image_size": [1] * 100_000}),
        (to_factory, {"units": [-1] * 100_000}),
        (to_factory, {"cell": "y" * 100_000}),
        (to_factory, {"reading": tuple("z" * 1000 for _ in range(1000))}),
        (to_factory, {"input_shape": 10**5000}),
    ):
        with pytest.raises(ValueError, match="Received: ") as error:
            take(**arguments)
        assert len(str(error.value)) < 900


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (lambda: 1, "TypeError"),
        (len, "TypeError"),
        (lambda units: 1, r"cell\(16\)=1"),
        (keras.layers.Dense(3), "Received: cell"),
        (keras.layers.GRU, "not a layer"),
        (keras.layers.LSTM, "not a layer"),
        (keras.layers.Dense, "not a layer"),
    ],
)
def test_a_callable_that_makes_no_cell_is_named(cell, said):
    with pytest.raises(ValueError, match=said) as error:
        build_image_rnn((4, 6), 3, cell=cell)
    assert "A callable cell takes a number of units" in str(error.value)


@pytest.mark.parametrize("take", NETWORKS)
@pytest.mark.parametrize("activation", ["softmax", keras.activations.softmax, "log_softmax"])
def test_a_softmax_of_one_class_is_refused(take, activation):
    for arguments in ({}, {"return_sequences": True}):
        with pytest.raises(ValueError, match='classifier_activation="sigmoid"'):
            take(classes=1, classifier_activation=activation, **arguments)
    take(classes=1, classifier_activation="sigmoid")
    take(classes=1, classifier_activation=None)


@pytest.mark.parametrize("take", NETWORKS)
def test_an_activation_is_a_name_or_a_function_of_one_tensor(take):
    take(activation="tanh", classifier_activation=keras.ops.sigmoid)
    take(activation=lambda x: keras.ops.tanh(x) / 2)
    for activation in (keras.layers.ReLU, int, "tanhh", 3, len, lambda: 1):
        for name in ("activation", "classifier_activation"):
            with pytest.raises(ValueError, match=f"Received: {name}="):
                take(**{name: activation})


def test_a_value_is_shown_in_two_hundred_characters_at_most():
    long = {letter * 70: letter * 70 for letter in "abcd"}
    assert len(repr(long)) > 400
    text = shown(long)
    assert len(text) == 203
    assert text.endswith("...")
    assert shown([1, 2]) == "[1, 2]"

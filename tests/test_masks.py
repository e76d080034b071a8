"""Images of different sizes, padded to one: each is read as long as it really is."""

import itertools
import re
import warnings
from contextlib import nullcontext
from pathlib import Path

import keras
import numpy as np
import pytest
import reading_oracle
from backends import needs_tensorflow, needs_torch
from hypothesis import given
from hypothesis import strategies as st
from messages import raises
from strategies import data_formats, fewer

from keras_imgseq import ConvStem, ImageAsSequence, build_image_rnn
from keras_imgseq._recurrent import cudnn_loop
from keras_imgseq._recurrent.cells import CELLS
from keras_imgseq._recurrent.layers import KERAS_CELLS

to_numpy = keras.ops.convert_to_numpy


def mask_of(layer, images):
    return to_numpy(layer.compute_mask(keras.ops.convert_to_tensor(images)))


@st.composite
def masked_readings(draw):
    """A reading that padded images keep, and the size of the padding around two images."""
    step = draw(st.sampled_from(["row", "column", "pixel", 2, (2, 1), (1, 3)]))
    orders = ["raster"] if step in ("row", "column") else ["raster", "snake", "zigzag", "morton"]
    reading = {
        "step": step,
        "order": draw(st.sampled_from(orders)),
        "transpose": draw(st.booleans()),
        "reverse": draw(st.booleans()),
        "padding": "same",
        "data_format": draw(data_formats),
    }
    # What one step sees stays the same size.
    whole = (5, 6)
    smallest = (5 if step == "column" else 1, 6 if step == "row" else 1)
    sizes = [
        tuple(draw(st.integers(least, most)) for least, most in zip(smallest, whole, strict=True))
        for _ in range(2)
    ]
    return reading, whole, sizes, draw(st.none() | st.integers(1, 2))


def padded_batch(sizes, whole, num_channels, value, seed=0):
    """Images of different sizes at the top left of a batch, channels last."""
    random = np.random.default_rng(seed)
    channels = () if num_channels is None else (num_channels,)
    batch = np.full((len(sizes), *whole, *channels), value, "float32")
    for image, (height, width) in zip(batch, sizes, strict=True):
        image[:height, :width] = random.uniform(0.1, 1, (height, width, *channels))
    return batch


def with_data_format(images, data_format):
    if images.ndim == 4 and data_format == "channels_first":
        return np.ascontiguousarray(np.moveaxis(images, -1, 1))
    return images


def real_steps(reading, real):
    """The oracle: a mask of pixels read in einops' notation, with no real pixel around it."""
    read = reading_oracle.read(real.astype("int32"), **{"seed": None, **reading})
    return read.max(axis=2) > 0


@given(masked_readings(), st.sampled_from([0.0, -1.0, 2.5]), st.booleans())
def test_a_step_is_masked_where_no_pixel_of_the_rectangle_is_in_it(drawn, value, of_corners):
    reading, whole, sizes, num_channels = drawn
    images = padded_batch(sizes, whole, num_channels, value)
    # Only the last row and column need hold another value, or the pixel where they meet.
    for image, (height, width) in zip(images, sizes, strict=True):
        image[: height - 1, : width - 1] = value
        if of_corners:
            image[: height - 1, width - 1] = image[height - 1, : width - 1] = value
    real = np.zeros((2, *whole), bool)
    for pixels, (height, width) in zip(real, sizes, strict=True):
        pixels[:height, :width] = True
    layer = ImageAsSequence(**reading, mask_value=value)
    mask = mask_of(layer, with_data_format(images, reading["data_format"]))
    np.testing.assert_array_equal(mask, real_steps(reading, real))


@pytest.mark.parametrize(
    ("step", "num_real", "num_steps"), [("row", 3, 4), ("column", 5, 6), ((1, 6), 3, 4)]
)
def test_blank_lines_inside_an_image_are_real(step, num_real, num_steps):
    images = np.zeros((1, 4, 6), "float32")
    images[0, 2, 4] = 1
    mask = mask_of(ImageAsSequence(step, mask_value=0.0), images)
    np.testing.assert_array_equal(mask, np.arange(num_steps)[None] < num_real)


@given(masked_readings(), st.booleans())
def test_an_incoming_mask_is_read_as_the_image_is(drawn, of_rows):
    reading, whole, sizes, num_channels = drawn
    images = padded_batch(sizes, whole, num_channels, 0.5)
    random = np.random.default_rng(len(str(reading)))
    incoming = random.random((2, whole[0]) if of_rows else (2, *whole)) < 0.3
    pixels = np.broadcast_to(incoming[:, :, None], (2, *whole)) if of_rows else incoming
    read = with_data_format(images, reading["data_format"])
    tensors = [keras.ops.convert_to_tensor(array) for array in (read, incoming)]
    mask = ImageAsSequence(**reading).compute_mask(*tensors)
    np.testing.assert_array_equal(to_numpy(mask), real_steps(reading, pixels))
    both = ImageAsSequence(**reading, mask_value=0.5).compute_mask(*tensors)
    rectangles = np.zeros((2, *whole), bool)
    for rectangle, (height, width) in zip(rectangles, sizes, strict=True):
        rectangle[:height, :width] = True
    expected = real_steps(reading, pixels & rectangles)
    expected[~expected.any(axis=1), 0] = True
    np.testing.assert_array_equal(to_numpy(both), expected)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("step", ["row", "column", "pixel", 2])
def test_a_blank_image_keeps_its_first_step(step, reverse):
    mask = mask_of(ImageAsSequence(step, reverse=reverse, mask_value=0.0), np.zeros((2, 4, 6)))
    assert mask[:, 0].all()
    assert not mask[:, 1:].any()


def test_same_padding_adds_the_mask_value():
    images = np.ones((1, 3, 3), "float32")
    layer = ImageAsSequence(2, padding="same", mask_value=-1.0)
    expected = [[[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, -1]]]
    np.testing.assert_array_equal(to_numpy(layer(images)), expected)
    assert mask_of(layer, images).all()
    without = ImageAsSequence(2, padding="same")
    np.testing.assert_array_equal(to_numpy(without(images)), np.maximum(expected, 0))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("value", [0.1, -1.0, 1 / 3])
def test_a_mask_value_is_found_in_every_precision(dtype, value):
    images = np.ones((1, 4, 3), dtype)
    images[:, 2:] = value
    if keras.backend.backend() == "jax" and dtype == "float64":
        images = images.astype("float32")
    mask = mask_of(ImageAsSequence("row", mask_value=value), images)
    np.testing.assert_array_equal(mask, [[True, True, False, False]])


NETWORKS = {
    "simple_rnn": {"cell": "simple_rnn"},
    "gru": {"cell": "gru"},
    "lstm": {"cell": "lstm", "bidirectional": True},
}


@fewer(8, compiled=4)
@given(masked_readings(), st.sampled_from(list(NETWORKS)), st.booleans())
def test_padding_never_changes_an_answer(drawn, network, by_masking):
    reading, whole, sizes, num_channels = drawn
    data_format = reading["data_format"] if not by_masking else "channels_last"
    reading = {**reading, "data_format": data_format}
    layer = ImageAsSequence(**reading, mask_value=None if by_masking else -1.0)
    channels = () if num_channels is None else (num_channels,)
    first = channels and data_format == "channels_first"
    step = layer.reading.step
    shape = (whole[0] if step == "column" else None, whole[1] if step == "row" else None)
    if layer.reading.order in ("zigzag", "morton"):
        shape = whole
    shape = (*channels, *shape) if first else (*shape, *channels)
    images = padded_batch(sizes, whole, num_channels, -1.0)
    masking = keras.layers.Masking(-1.0)

    def network_of(shape):
        keras.utils.set_random_seed(1)
        model = build_image_rnn(
            shape,
            2,
            units=3,
            reading=layer,
            data_format=data_format,
            **NETWORKS[network],
        )
        random = np.random.default_rng(3)
        model.set_weights([random.normal(size=w.shape, scale=0.3) for w in model.get_weights()])
        if not by_masking:
            return model
        inputs = keras.Input(shape)
        # What is masked is no longer what the images were padded with.
        return keras.Model(inputs, model(keras.layers.Rescaling(0.5, 1)(masking(inputs))))

    batch = to_numpy(network_of(shape)(with_data_format(images, data_format)))
    for number, (height, width) in enumerate(sizes):
        if by_masking and num_channels is None:
            width = whole[1]  # noqa: PLW2901
        alone = images[number : number + 1, :height, :width]
        alone = with_data_format(alone, data_format)
        of_its_size = alone.shape[1:] if layer.reading.order in ("zigzag", "morton") else shape
        answer = to_numpy(network_of(of_its_size)(alone))
        np.testing.assert_allclose(answer[0], batch[number], atol=1e-5)


@pytest.mark.parametrize("cell", ["SimpleRNN", "GRU", "LSTM"])
def test_a_mask_of_masking_reaches_the_recurrent_layer_as_without_a_reading(cell):
    images = np.random.default_rng(0).random((3, 6, 4), dtype="float32")
    images[0, 2:4] = 0
    images[1, :3] = 0
    images[2] = 0
    recurrent = getattr(keras.layers, cell)(5)
    inputs = keras.Input((6, 4))
    masked = keras.layers.Masking()(inputs)
    plain = keras.Model(inputs, recurrent(masked))
    read = keras.Model(inputs, recurrent(ImageAsSequence("row")(masked)))
    expected = plain.predict(images, verbose=0)
    np.testing.assert_allclose(read.predict(images, verbose=0), expected, atol=1e-6)


@pytest.mark.parametrize("layer", [ImageAsSequence("row"), ConvStem(2)])
def test_a_mask_given_by_its_place_is_the_one_given_by_its_name(layer):
    images = keras.ops.ones((2, 4, 6))
    mask = keras.ops.convert_to_tensor(np.arange(24).reshape(1, 4, 6).repeat(2, 0) < 12)
    by_name, by_place = layer(images, mask=mask), layer(images, mask)
    masks = [to_numpy(answer._keras_mask) for answer in (by_name, by_place)]
    assert not masks[0].all()
    np.testing.assert_array_equal(*masks)


def test_only_what_lies_around_the_real_pixels_is_filled():
    images = np.full((1, 4, 6), 7.0, "float32")
    mask = np.zeros((1, 4, 6), bool)
    mask[0, :3, :3] = True
    # A black pixel within the image, which Masking takes for padding.
    mask[0, 1, 1] = False
    steps = to_numpy(ImageAsSequence(2, padding="same")(images, mask=mask))
    np.testing.assert_array_equal(steps[0, 0], [7, 7, 7, 7])
    np.testing.assert_array_equal(steps[0, 1], [7, 0, 7, 0])
    np.testing.assert_array_equal(steps[0, 3], [7, 7, 0, 0])
    np.testing.assert_array_equal(steps[0, 5], [0, 0, 0, 0])


def test_a_mask_of_frames_is_not_one_of_pixels():
    video, frames = np.ones((2, 3, 5, 5), "float32"), np.array([[True, True, False]] * 2)
    layer = keras.layers.TimeDistributed(ImageAsSequence(2, padding="same"))
    assert layer(video, mask=frames).shape == (2, 3, 9, 4)
    network = build_image_rnn((5, 5), 2)
    answers = keras.layers.TimeDistributed(network)(video, mask=frames)
    np.testing.assert_allclose(to_numpy(answers)[:, 0], to_numpy(network(video[:, 0])), atol=1e-6)
    stem = keras.layers.TimeDistributed(ConvStem(4, mask_value=0.0))
    assert stem(video[..., None], mask=frames).shape == (2, 3, 3, 3, 4)


def test_a_mask_may_be_lists():
    images, mask = np.ones((1, 3, 4), "float32"), [[True, True, False]]
    for layer in (ImageAsSequence("row"), ConvStem(2)):
        outputs = layer(images, mask=mask)
        np.testing.assert_array_equal(
            to_numpy(outputs), to_numpy(layer(images, mask=np.array(mask)))
        )


@pytest.mark.parametrize("return_sequences", [False, True])
def test_a_network_in_a_model_reads_its_mask_without_a_warning(return_sequences):
    images = np.random.default_rng(0).random((2, 4, 6, 3), dtype="float32")
    images[0, 2:] = 0
    network = build_image_rnn((None, 6, 3), 2, return_sequences=return_sequences)
    inputs = keras.Input((None, 6, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        model = keras.Model(inputs, network(keras.layers.Masking()(inputs)))
        answers = model(images)
    alone = to_numpy(network(images[:1, :2]))
    np.testing.assert_allclose(to_numpy(answers)[:1, : alone.shape[1]], alone, atol=1e-6)
    mask = getattr(answers, "_keras_mask", None)
    if return_sequences:
        np.testing.assert_array_equal(to_numpy(mask), [[True, True, False, False], [True] * 4])
    else:
        assert mask is None


@pytest.mark.parametrize(
    ("images", "mask", "data_format"),
    [
        ((2, 4, 6), (2, 6), "channels_last"),
        ((2, 4, 6), (2, 4, 5), "channels_last"),
        ((2, 4, 6, 3), (2, 4, 6, 3), "channels_last"),
        ((2, 4, 6), (2,), "channels_last"),
        ((2, 3, 4, 6), (2, 3, 4), "channels_first"),
        ((2, 4, 4, 4), (2, 4, 4), "channels_first"),
    ],
)
def test_a_mask_of_another_shape_is_refused(images, mask, data_format):
    layer = ImageAsSequence("row", data_format=data_format)
    tensors = [keras.ops.ones(images), keras.ops.ones(mask, dtype="bool")]
    for arrays in (tensors, [keras.KerasTensor(images), keras.KerasTensor(mask)]):
        with raises(ValueError, match=r"Received: a mask of shape .* Write `mask_value`"):
            layer.compute_mask(*arrays)


def test_masking_of_channels_first_is_refused_when_the_model_is_built_or_called():
    inputs = keras.Input((3, None, 6))
    masked = keras.layers.Masking()(inputs)
    with raises(ValueError, match="instead of a Masking layer"):
        layer = ImageAsSequence("row", data_format="channels_first")
        keras.Model(inputs, layer(masked)).predict(np.ones((2, 3, 4, 6), "float32"), verbose=0)


@pytest.mark.parametrize("order", ["spiral", "hilbert", "random", "explicit"])
def test_an_order_that_padding_changes_warns(order, tmp_path):
    path = {"order": [3, 2, 1, 0] if order == "explicit" else order}
    path["seed"] = 0 if order == "random" else None
    layer = ImageAsSequence(2, **path, mask_value=0.0)
    images = np.ones((1, 4, 4), "float32")
    with pytest.warns(UserWarning, match="runs another path on a larger grid"):
        layer(images)
    model = keras.Sequential([keras.Input((4, 4)), layer])
    model.save(tmp_path / "model.keras")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        keras.saving.load_model(tmp_path / "model.keras")(images)
        ImageAsSequence(4, **path, mask_value=0.0) if order != "explicit" else None
        if order not in ("random", "explicit"):
            ImageAsSequence(4, order, mask_value=0.0)(images)


@pytest.mark.parametrize("step", ["row", "column"])
def test_a_permutation_of_a_single_line_warns(step):
    with pytest.warns(UserWarning, match="runs another path on a larger grid"):
        ImageAsSequence(step, "random", seed=0, mask_value=0.0)(np.ones((1, 4, 4), "float32"))


@pytest.mark.parametrize(
    "other",
    [{"reverse": True}, {"order": "snake"}, {"transpose": True}, {"order": "random", "seed": 1}],
)
def test_padding_is_not_joined_with_real_steps(other):
    options = [{"step": "pixel", **more} for more in ({}, other)]
    readings = [ImageAsSequence(mask_value=0.0, **given) for given in options]
    with raises(ValueError, match="would join steps of padding with real ones"):
        build_image_rnn((4, 6), 3, reading=readings, return_sequences=True)
    build_image_rnn((4, 6), 3, reading=readings)
    build_image_rnn((4, 6), 3, reading=readings[:1], return_sequences=True)
    readings = [ImageAsSequence(**given) for given in options]
    build_image_rnn((4, 6), 3, reading=readings, return_sequences=True)


def is_valid_for_cudnn(mask):
    """What Keras asks of a mask before it runs cuDNN: no image is blank, none begins late."""
    lengths = mask.sum(axis=1, keepdims=True)
    return bool((lengths > 0).all() and (mask == (np.arange(mask.shape[1]) < lengths)).all())


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize(
    "options",
    [{}, {"bidirectional": True}, {"unroll": False}, {"unroll": False, "bidirectional": True}],
    ids=str,
)
@pytest.mark.parametrize("reading", [{"reverse": True}, {"step": "pixel"}, {}])
def test_a_mask_never_meets_cudnn(cell, options, reading, tmp_path, monkeypatch):
    layer = ImageAsSequence(**{"step": "row", "mask_value": 0.0, **reading})
    images = np.zeros((2, 4, 6), "float32")
    images[0, :2, :3] = 1
    mask = mask_of(layer, images)
    assert reading == {} or not is_valid_for_cudnn(mask)
    if keras.backend.backend() == "tensorflow":
        # Keras' own check of a mask for cuDNN, which runs on a CPU too.
        from keras.src.backend.tensorflow.rnn import _assert_valid_mask

        with nullcontext() if is_valid_for_cudnn(mask) else pytest.raises(Exception, match="cuDNN"):
            _assert_valid_mask(mask)
    seen = seen_by_cudnn(cell, monkeypatch)
    model = build_image_rnn((4, 6), 2, cell=cell, reading=layer, **options)
    model.save(tmp_path / "model.keras")
    answers = [
        keras.ops.convert_to_numpy(network(images))
        for network in (model, keras.saving.load_model(tmp_path / "model.keras"))
    ]
    np.testing.assert_allclose(*answers, atol=1e-6)
    assert [mask for mask, _ in seen if mask is not None] == []
    assert bool(seen) == ("unroll" not in options and keras.backend.backend() != "jax")


def seen_by_cudnn(cell, monkeypatch):
    """The mask and the direction of each call that Keras may run with cuDNN, as on a GPU."""
    seen = []
    keras_layer = {"gru": keras.layers.GRU, "lstm": keras.layers.LSTM}[cell]
    original = keras_layer.inner_loop

    def inner_loop(self, sequences, initial_state, mask, training=False):
        seen.append((mask, self.go_backwards))
        return original(self, sequences, initial_state, mask=mask, training=training)

    monkeypatch.setattr(keras_layer, "inner_loop", inner_loop)
    is_taken = keras.backend.backend() != "jax"
    monkeypatch.setattr(cudnn_loop, "_is_on_gpu", lambda layer, sequences: is_taken)
    if keras.backend.backend() == "torch":
        from keras_imgseq._recurrent import torch_masks

        # It covers what lies in the memory of the CPU.
        monkeypatch.setattr(torch_masks, "is_covered", lambda states: False)
    return seen


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize("go_backwards", [False, True])
@pytest.mark.parametrize("return_sequences", [False, True])
@pytest.mark.parametrize("has_mask", [False, True])
def test_on_a_gpu_keras_may_run_cudnn_without_the_mask(
    cell, go_backwards, return_sequences, has_mask, monkeypatch
):
    options = {"go_backwards": go_backwards, "return_sequences": return_sequences}
    row = CELLS[cell]
    ours = row.faster_layer(4, **options)
    keras_layer = keras.layers.RNN(KERAS_CELLS[row.faster_layer](4), **options)
    sequences = np.random.default_rng(0).normal(size=(4, 7, 3)).astype("float32")
    mask = np.ones((4, 7), bool)
    mask[0, :3] = mask[1, 5:] = mask[2, 2:4] = mask[3] = False
    for layer in (ours, keras_layer):
        layer.build(sequences.shape)
    keras_layer.set_weights(ours.get_weights())
    expected = keras_layer(sequences, mask=mask if has_mask else None)
    seen = seen_by_cudnn(cell, monkeypatch)
    answer = ours(sequences, mask=mask if has_mask else None)
    np.testing.assert_allclose(*map(keras.ops.convert_to_numpy, (answer, expected)), atol=1e-6)
    if keras.backend.backend() == "jax":
        # cuDNN is left out. With a mask the loop of `keras.layers.RNN` runs.
        assert seen == ([] if has_mask else [(None, go_backwards)])
    else:
        assert seen == [(None, False)]
    assert (ours.go_backwards, ours.return_sequences) == (go_backwards, return_sequences)


def test_an_lstm_takes_cudnn_on_jax_only_where_it_is_asked_for():
    layer = CELLS["lstm"].faster_layer(3)
    both = keras.layers.Bidirectional(CELLS["lstm"].faster_layer(3))
    for one in (layer, both.forward_layer, both.backward_layer):
        assert one.use_cudnn == (False if keras.backend.backend() == "jax" else "auto")
    # On another backend the same file may take it.
    assert "use_cudnn" not in layer.get_config()
    assert CELLS["lstm"].faster_layer(3, use_cudnn=True).use_cudnn is True


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_who_forbids_cudnn_has_keras_loop(cell, monkeypatch):
    seen = seen_by_cudnn(cell, monkeypatch)
    layer = CELLS[cell].faster_layer(3, use_cudnn=False)
    layer(np.ones((2, 4, 3), "float32"), mask=np.array([[False, True, True, True], [False] * 4]))
    assert not seen


BEHIND = {
    "passes it": [
        keras.layers.Rescaling(2.0),
        keras.layers.Activation("relu"),
        keras.layers.Dropout(0.5),
        keras.layers.BatchNormalization(),
        keras.layers.TimeDistributed(keras.layers.Dense(2)),
    ],
    "ends it": [keras.layers.Conv2D(2, 3, padding="same"), keras.layers.MaxPooling2D(1)],
}


def mask_behind(layer, *inputs):
    outputs = layer(*inputs) if len(inputs) == 1 else layer(list(inputs))
    return getattr(outputs, "_keras_mask", None)


@pytest.mark.parametrize(
    ("layer", "passes"),
    [(layer, kind == "passes it") for kind, layers in BEHIND.items() for layer in layers],
    ids=lambda value: getattr(value, "name", None),
)
def test_what_becomes_of_a_mask_of_pixels_behind_a_layer(layer, passes):
    images = np.ones((2, 4, 6, 3), "float32")
    images[:, 2:] = 0
    with warnings.catch_warnings():
        # Keras warns of layers that end a mask.
        warnings.simplefilter("ignore")
        mask = mask_behind(layer, keras.layers.Masking()(images))
    assert (mask is not None) == passes
    if passes:
        assert tuple(mask.shape) == (2, 4, 6)


def test_the_table_of_the_page_is_that_of_the_tests():
    page = Path(__file__).parent.parent / "docs" / "how-to" / "images-of-unlike-sizes.md"
    rows = re.findall(r"^\| (`.*?) \| (.*?) \|$", page.read_text(encoding="utf-8"), re.MULTILINE)
    said = {name: fate for names, fate in rows for name in re.findall("`(.*?)`", names)}
    fates = {"passes it": "goes on", "ends it": "ends there"}
    for kind, layers in BEHIND.items():
        names = {type(layer).__name__ for layer in layers}
        assert names == {name for name, fate in said.items() if fate == fates[kind]}
    others = {"Concatenate", "Add", "Maximum", "ConvStem", "Softmax"}
    assert others == {name for name, fate in said.items() if fate not in fates.values()}


def test_a_softmax_takes_no_mask_of_pixels():
    images = np.ones((2, 4, 6, 3), "float32")
    with pytest.raises(Exception, match=r"(?i)shape|size|broadcast|dimension"):
        keras.layers.Softmax()(keras.layers.Masking()(images))


@pytest.mark.parametrize("name", ["Concatenate", "Add", "Maximum"])
def test_layers_of_two_inputs_pass_a_mask_on(name):
    images = np.ones((2, 4, 6, 3), "float32")
    images[:, 2:] = 0
    plain = keras.ops.convert_to_tensor(images)
    masked = keras.layers.Masking()(images)
    layer = getattr(keras.layers, name)()
    both = mask_behind(layer, masked, keras.layers.Masking()(images))
    np.testing.assert_array_equal(to_numpy(both), images.any(-1))
    one = mask_behind(getattr(keras.layers, name)(), masked, plain)
    assert to_numpy(one).all() if name == "Concatenate" else one is None


@pytest.fixture(scope="module")
def models():
    """One model for each cell and direction, of unknown height or width."""

    def build(cell, bidirectional, column, reverse):
        reading = ImageAsSequence("column" if column else "row", reverse=reverse, mask_value=-1.0)
        shape = (4, None) if column else (None, 4)
        return build_image_rnn(
            shape, 3, units=3, cell=cell, reading=reading, bidirectional=bidirectional
        )

    cells = ["simple_rnn", "gru", "lstm"]
    booleans = [False, True]
    # JAX compiles each model for each height.
    columns = booleans[:1] if keras.backend.backend() == "jax" else booleans
    options = itertools.product(cells, booleans, columns, booleans)
    return {option: build(*option) for option in options}


@fewer(5, compiled=3)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=3), st.integers(0, 99))
def test_a_padded_batch_gives_the_answer_of_each_image_alone(models, heights, seed):
    random = np.random.default_rng(seed)
    images = [random.random((height, 4), dtype="float32") for height in heights]
    padded = np.full((len(images), 5, 4), -1, "float32")
    for row, image in zip(padded, images, strict=True):
        row[: len(image)] = image
    for (_, _, column, _), model in models.items():

        def answer(batch, column=column, model=model):
            return to_numpy(model(batch.transpose(0, 2, 1) if column else batch))

        alone = [answer(image[None])[0] for image in images]
        np.testing.assert_allclose(answer(padded), alone, atol=1e-5)


def test_masks_reach_the_network_in_fit_predict_and_after_loading(tmp_path):
    random = np.random.default_rng(0)
    images = random.random((8, 6, 4), dtype="float32")
    images[1::2, 3:] = 0
    reading = ImageAsSequence("row", mask_value=0.0)
    model = build_image_rnn((None, 4), 2, cell="gru", reading=reading, units=(3, 2))
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(images, np.arange(8) % 2, verbose=0)
    model.fit(images[:, :5], np.arange(8) % 2, verbose=0)
    alone = model.predict(images[1::2, :3], verbose=0)
    np.testing.assert_allclose(model.predict(images, verbose=0)[1::2], alone, atol=1e-5)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.predict(images, verbose=0)[1::2], alone, atol=1e-5)


def test_masks_pass_through_the_scale_and_compare_the_pixels_that_were_given():
    images = np.random.default_rng(0).integers(1, 255, (2, 6, 4)).astype("float32")
    images[1, 4:] = 255
    reading = ImageAsSequence("row", mask_value=255)
    model = build_image_rnn((None, 4), 2, reading=[reading, "row"], scale=1 / 255)
    single = build_image_rnn((None, 4), 2, reading=reading, scale=1 / 255)
    alone = to_numpy(single(images[1:, :4]))
    np.testing.assert_allclose(to_numpy(single(images))[1:], alone, atol=1e-5)
    assert tuple(model(images).shape) == (2, 2)


def test_the_mask_of_the_rows_does_not_stick_to_the_images():
    images = keras.ops.convert_to_tensor(
        np.pad(np.ones((2, 3, 4), "float32"), [(0, 0), (0, 3), (0, 0)])
    )
    layer = keras.layers.SimpleRNN(3)
    expected = to_numpy(layer(images))
    ImageAsSequence("row", mask_value=0.0)(images)
    np.testing.assert_array_equal(to_numpy(layer(images)), expected)


def test_a_masked_network_may_answer_at_every_step():
    images = np.ones((2, 6, 4), "float32")
    images[1, 4:] = 0
    reading = ImageAsSequence("row", mask_value=0.0)
    for readings in (reading, [reading, reading]):
        model = build_image_rnn((6, 4), 2, reading=readings, return_sequences=True)
        assert model.predict(images, verbose=0).shape == (2, 6, 2)


def test_a_model_with_a_mask_has_no_other_layers():
    reading = ImageAsSequence("row", mask_value=0.0)
    names = [layer.name for layer in build_image_rnn((6, 4), 2, reading=reading).layers]
    assert names == ["images", "as_sequence", "rnn_1", "logits", "probabilities"]


def test_the_inverse_takes_masked_sequences_and_returns_an_image():
    layer = ImageAsSequence("row", mask_value=0.0)
    inputs = keras.Input((6, 4))
    sequences = keras.layers.SimpleRNN(4, return_sequences=True)(layer(inputs))
    model = keras.Model(inputs, layer.inverse((6, 4))(sequences))
    assert model.predict(np.ones((2, 6, 4)), verbose=0).shape == (2, 6, 4)


@pytest.mark.parametrize("arguments", [{}, {"filters": 2}])
def test_the_factory_warns_of_an_order_that_padding_changes(arguments):
    reading = ImageAsSequence(2, "spiral", mask_value=0.0)
    with pytest.warns(UserWarning, match="runs another path on a larger grid"):
        build_image_rnn((8, 8), 3, reading=reading, **arguments)


@pytest.mark.parametrize("filters", [7, 8])
def test_a_stem_passes_its_mask_on_with_the_channels_first(filters):
    reading = ImageAsSequence("column", mask_value=0.0, data_format="channels_first")
    model = build_image_rnn((1, 16, None), 3, filters=filters, reading=reading)
    images = np.random.default_rng(0).uniform(0.1, 1, (2, 1, 16, 12)).astype("float32")
    padded = np.pad(images, ((0, 0), (0, 0), (0, 0), (0, 4)))
    answers = [model.predict(x, verbose=0) for x in (images, padded)]
    np.testing.assert_allclose(answers[1], answers[0], atol=1e-5)


@pytest.mark.parametrize("layer", [ImageAsSequence(), ConvStem(4)])
@pytest.mark.parametrize(
    "mask",
    [
        True,
        "abc",
        [[True] * 4, [True] * 3],
        np.array([["a"] * 4] * 2),
        np.ones((3, 4, 6), bool),
        np.ones((1, 4, 6), bool),
        np.ones((3, 4), bool),
    ],
    ids=["flag", "word", "ragged", "words", "3 of 2", "1 of 2", "rows of 3"],
)
def test_what_is_no_mask_of_these_images_is_refused(layer, mask):
    with raises(ValueError, match="A mask of images tells which pixels are real"):
        layer(np.zeros((2, 4, 6), "float32"), mask=mask)


def test_a_mask_with_masked_places_is_refused():
    mask = np.ma.masked_array(np.ones((2, 3), bool), mask=[[0, 1, 0]] * 2)
    with raises(ValueError, match=r"Write np.asarray\(mask\), or mask.filled\(0\)"):
        ImageAsSequence()(np.ones((2, 3, 4), "float32"), mask=mask)


@needs_torch
@needs_tensorflow
def test_ragged_masks_are_refused():
    import tensorflow as tf
    import torch

    nested = torch.nested.nested_tensor([torch.ones(3) > 0, torch.ones(2) > 0])
    for mask in (tf.ragged.constant([[True] * 3, [True] * 2]), nested):
        with raises(ValueError, match="an array of booleans for each image"):
            ImageAsSequence()(np.ones((2, 3, 4), "float32"), mask=mask)


def test_a_mask_that_may_be_one_of_channels_is_written_with_its_axis():
    layer = ImageAsSequence("pixel", data_format="channels_first")
    images, mask = np.ones((2, 3, 3, 3), "float32"), np.ones((2, 3, 3), bool)
    mask[0, 2] = False
    with raises(ValueError, match=r"For a mask of pixels, write mask\[:, None\]"):
        layer(images, mask=mask)
    steps = layer.compute_mask(images, mask[:, None])
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(steps), mask.reshape(2, 9))
    layer(images, mask=mask[:, None])

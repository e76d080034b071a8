"""One step at a time: the answers of a stream are those of the network on what was read so far."""

import math

import keras
import numpy as np
import pytest
from backends import INSTALLED, needs_torch, run_python
from hypothesis import given
from hypothesis import strategies as st
from messages import raises
from strategies import fewer

import keras_imgseq
from keras_imgseq import ImageAsSequence, Stream, build_image_rnn, build_step_model

BACKEND = keras.backend.backend()
to_numpy = keras.ops.convert_to_numpy


@st.composite
def streamed(draw):
    """The arguments of a network that can be streamed, and how its lines lie.

    `along` is 0 for rows and 1 for columns; a part has `num_lines` lines.
    """
    along = draw(st.sampled_from([0, 1]))
    line_length = draw(st.integers(2, 4))
    data_format = draw(st.sampled_from(["channels_last", "channels_first"]))
    num_channels = draw(st.sampled_from([None, 2]))
    return_sequences = draw(st.booleans())
    readings, patches = [], []
    for _ in range(draw(st.integers(1, 2))):
        # With an answer at every step, all readings have as many steps.
        num_lines = draw(st.integers(1, 2)) if not (return_sequences and patches) else patches[0]
        across = draw(st.integers(1, line_length))
        if return_sequences and readings:
            across = readings[0].reading.step[1 - along]
        patch = (num_lines, across) if along == 0 else (across, num_lines)
        is_line = across == line_length
        order = draw(st.sampled_from(["raster", "snake", *(["hilbert"] if is_line else [])]))
        # A single row or column of cells is read along itself, transposed or not.
        transpose = draw(st.booleans()) if is_line else along == 1
        readings.append(
            ImageAsSequence(
                patch, order, transpose=transpose, padding="same", data_format=data_format
            )
        )
        patches.append(num_lines)
    num_parts = draw(st.integers(2, 3))
    size = (num_parts * math.lcm(*patches), line_length)
    shape = size if along == 0 else size[::-1]
    if num_channels:
        shape = (*shape, 2) if data_format == "channels_last" else (2, *shape)
    arguments = {
        "input_shape": shape,
        "classes": draw(st.sampled_from([3, None])),
        "cell": draw(st.sampled_from(["simple_rnn", "gru", "lstm", keras.layers.GRUCell])),
        "units": draw(st.sampled_from([3, (3, 2)])),
        "reading": readings,
        "merge": draw(st.sampled_from(["concat", "sum", "mean", "max"])),
        "scale": draw(st.sampled_from([None, 0.5])),
        "return_sequences": return_sequences,
    }
    return arguments, along, math.lcm(*patches), num_parts


def lines_of(images, arguments, along):
    """The lines of images along axis 1, as a camera gives them."""
    reading = arguments["reading"][0]
    is_first = len(arguments["input_shape"]) == 3 and reading.data_format == "channels_first"
    return np.moveaxis(images, 1 + along + is_first, 1)


def part_of(lines, number, num_lines):
    """One part of lines: a single one has no axis of lines."""
    part = lines[:, number * num_lines : (number + 1) * num_lines]
    return part[:, 0] if num_lines == 1 else part


def prefix_answer(model, arguments, images, along, num_lines):
    """What `predict` of a network with the same weights says of the first lines."""
    is_first = arguments["reading"][0].data_format == "channels_first"
    axis = 1 + along + (is_first and len(arguments["input_shape"]) == 3)
    read = np.take(images, range(num_lines), axis)
    shorter = build_image_rnn(**{**arguments, "input_shape": read.shape[1:]})
    shorter.set_weights(model.get_weights())
    return shorter.predict(read, verbose=0)


def check_answer(answer, expected, arguments):
    """The answers of the last steps, where a network answers at every one."""
    if arguments["return_sequences"]:
        answer = answer if answer.ndim == 3 else answer[:, None]
        expected = expected[:, -answer.shape[1] :]
    np.testing.assert_allclose(answer, expected, atol=1e-5)


@fewer(12, compiled=4)
@given(streamed(), st.integers(1, 3), st.randoms(use_true_random=False))
def test_after_every_part_the_answer_is_that_of_predict(drawn, cameras, random):
    """For any number of cameras, in any order, with resets of single ones."""
    arguments, along, num_lines, num_parts = drawn
    keras.utils.set_random_seed(random.randrange(1000))
    model = build_image_rnn(**arguments)
    images = np.random.default_rng(0).random((cameras, *arguments["input_shape"]), "float32")
    lines = lines_of(images, arguments, along)
    expected = [
        prefix_answer(model, arguments, images, along, part * num_lines)
        for part in range(1, num_parts + 1)
    ]
    stream = Stream(model, cameras)
    for number in range(num_parts):
        answer = stream.feed(part_of(lines, number, num_lines))
        check_answer(answer, expected[number], arguments)
    # Each camera at its own pace.
    stream.reset()
    done = [0] * cameras
    for _ in range(3 * num_parts * cameras):
        camera = random.randrange(cameras)
        if done[camera] == num_parts or random.random() < 0.1:
            stream.reset(camera)
            done[camera] = 0
        part = part_of(lines, done[camera], num_lines)[camera]
        answer = stream.feed(part, camera=camera)
        check_answer(answer[None], expected[done[camera]][camera : camera + 1], arguments)
        done[camera] += 1


def test_several_lines_at_once_are_answered_in_turn():
    model = build_image_rnn((6, 4), 3)
    image = np.random.default_rng(0).random((6, 4), "float32")
    one = Stream(model)
    expected = np.stack([one.feed(row) for row in image])
    assert expected.shape == (6, 3)
    several = Stream(model)
    np.testing.assert_array_equal(several.feed(image[:4]), expected[:4])
    np.testing.assert_array_equal(several.feed(image[None, 4:]), expected[None, 4:])
    np.testing.assert_array_equal(Stream(model).feed(image[:1]), expected[:1])
    two = Stream(model, 2)
    answers = two.feed(np.stack([image, image[::-1]]))
    assert answers.shape == (2, 6, 3)
    np.testing.assert_allclose(answers[0], expected, atol=1e-6)
    two.reset(0)
    np.testing.assert_allclose(two.feed(image, camera=0), expected, atol=1e-6)
    np.testing.assert_allclose(two.feed(image[0], camera=1).shape, (3,))


def test_patches_take_whole_parts():
    model = build_image_rnn((6, 4), 3, reading=(2, 4))
    image = np.random.default_rng(0).random((6, 4), "float32")
    stream = Stream(model)
    first = stream.feed(image[:2])
    assert first.shape == (3,)
    stream.reset()
    answers = stream.feed(image)
    assert answers.shape == (3, 3)
    np.testing.assert_array_equal(answers[0], first)
    np.testing.assert_allclose(answers[-1], model.predict(image[None], verbose=0)[0], atol=1e-5)
    with raises(
        ValueError,
        match=r"the shape \(2, 4\), and several lines \(lines, 4\), a multiple of 2.*\(3, 4\)",
    ):
        stream.feed(image[:3])


def test_a_network_of_every_step_answers_at_each_step_of_a_part():
    model = build_image_rnn((3, 4), 2, reading="pixel", return_sequences=True)
    image = np.random.default_rng(0).random((3, 4), "float32")
    stream = Stream(model)
    answers = [stream.feed(row) for row in image]
    assert answers[0].shape == (4, 2)
    expected = model.predict(image[None], verbose=0)[0]
    np.testing.assert_allclose(np.concatenate(answers), expected, atol=1e-5)
    stream.reset()
    np.testing.assert_allclose(stream.feed(image), expected, atol=1e-5)


READ_ON = """
import sys
import numpy as np
import keras
import keras_imgseq
stream = keras_imgseq.Stream(keras.saving.load_model(sys.argv[1]), 2)
with np.load(sys.argv[2]) as arrays:
    stream.states = [arrays[name] for name in arrays.files]
np.save(sys.argv[3], stream.feed(np.load(sys.argv[3])))
"""


@pytest.mark.parametrize("backend", INSTALLED)
def test_states_go_on_in_another_process(backend, tmp_path):
    reading = ImageAsSequence((1, 2), "snake")
    model = build_image_rnn((5, 4), 3, cell="lstm", units=(3, 2), reading=reading)
    model.save(tmp_path / "model.keras")
    images = np.random.default_rng(0).random((2, 5, 4), "float32")
    stream = Stream(model, 2)
    stream.feed(images[:, :3])
    np.savez(tmp_path / "states.npz", *stream.states)
    expected = stream.feed(images[:, 3:])
    np.save(tmp_path / "rows.npy", images[:, 3:])
    files = [tmp_path / name for name in ("model.keras", "states.npz", "rows.npy")]
    ended = run_python("-c", READ_ON, *files, backend=backend)
    assert ended.returncode == 0, ended.stderr
    np.testing.assert_allclose(np.load(files[2]), expected, atol=1e-5)
    np.testing.assert_allclose(expected[:, -1], model.predict(images, verbose=0), atol=1e-5)


def test_the_states_are_copies_and_are_checked():
    stream = Stream(build_image_rnn((5, 4), 3), 2)
    states = stream.states
    states[0][:] = 7
    assert (stream.states[0] == 0).all()
    stream.states = states
    assert (stream.states[0] == 7).all()
    stream.reset(1)
    assert stream.states[0].tolist() == [[7.0] * 16, [0.0] * 16]
    with raises(ValueError, match=r"arrays of \[\(2, 16\)\]. Received: \[\(1, 16\)\]"):
        stream.states = [np.zeros((1, 16))]


def test_a_step_model_shares_the_weights_and_is_saved(tmp_path):
    model = build_image_rnn((5, 4), 3, cell="gru", units=(4, 2), name="left")
    step = build_step_model(model)
    assert step.count_params() == model.count_params()
    for old, new in zip(model.weights, step.weights, strict=True):
        assert old is new
    image = np.random.default_rng(0).random((5, 4), "float32")
    step.save(tmp_path / "step.keras")
    loaded = keras.saving.load_model(tmp_path / "step.keras")
    states = [np.zeros((1, 4), "float32"), np.zeros((1, 2), "float32")]
    for row in image:
        answer, *states = loaded.predict_on_batch([row[None], *states])
    np.testing.assert_allclose(answer, model.predict(image[None], verbose=0), atol=1e-5)
    stream = Stream(step)
    np.testing.assert_allclose(stream.feed(image)[-1:], answer, atol=1e-5)
    with raises(ValueError, match="Save and load the whole network"):
        Stream(loaded)
    # Only the batch is of unknown size.
    for tensor in (*step.inputs, *step.outputs):
        assert tensor.shape[0] is None
        assert None not in tensor.shape[1:]


def test_a_network_of_unknown_height_is_streamed_on_and_on():
    model = build_image_rnn((None, 4), 2)
    image = np.random.default_rng(0).random((30, 4), "float32")
    answers = Stream(model).feed(image)
    for height in (3, 30):
        expected = model.predict(image[None, :height], verbose=0)[0]
        np.testing.assert_allclose(answers[height - 1], expected, atol=1e-5)


def test_a_cell_of_ones_own_begins_as_it_says():
    class Begins(keras.layers.SimpleRNNCell):
        def get_initial_state(self, batch_size=None):
            return [keras.ops.ones((batch_size, self.state_size))]

    model = build_image_rnn((3, 4), None, cell=Begins, units=2)
    image = np.random.default_rng(0).random((3, 4), "float32")
    stream = Stream(model)
    assert (stream.states[0] == 1).all()
    expected = model.predict(image[None], verbose=0)[0]
    np.testing.assert_allclose(stream.feed(image)[-1], expected, atol=1e-5)


def test_integers_and_tensors_are_parts():
    model = build_image_rnn((3, 4), 2, scale=1 / 255)
    image = np.random.default_rng(0).integers(0, 256, (3, 4), "uint8")
    answers = Stream(model).feed(image)
    np.testing.assert_allclose(
        answers[-1], model.predict(image[None].astype("float32"), verbose=0)[0], atol=1e-5
    )
    tensor = keras.ops.convert_to_tensor(image.astype("float32"))
    np.testing.assert_array_equal(Stream(model).feed(tensor), answers)


def reading(*arguments, **options):
    return {"reading": ImageAsSequence(*arguments, **options)}


@pytest.mark.parametrize(
    ("arguments", "cure"),
    [
        ({"bidirectional": True}, "the end of the image comes last.*bidirectional=False"),
        (reading("row", reverse=True), "the end of the image comes last.*reverse=False"),
        ({"reading": "cross"}, 'the end of the image comes last.*not "cross"'),
        (reading("pixel", "spiral"), "needs later lines first.*order='spiral'"),
        (reading("pixel", "hilbert"), "needs later lines first.*order='hilbert'"),
        (reading("pixel", "morton"), "needs later lines first.*order='morton'"),
        (reading("pixel", "zigzag"), "needs later lines first.*order='zigzag'"),
        (reading("pixel", "random", seed=0), "needs later lines first.*order='random'"),
        (reading("row", list(range(6))), r"may need later lines first.*order=\(0, 1, 2"),
        ({"filters": 4}, "A convolution also sees the rows below"),
        (reading("row", mask_value=0.0), "which rows are padding is known at the end"),
        (reading((4, 6), padding="same"), "whose height is a multiple of 4"),
        (reading((6, 4), padding="same"), "whose width is a multiple of 4"),
        ({"reading": ["row", "column"]}, "readings of one direction"),
    ],
)
def test_what_needs_more_than_a_part_is_refused(arguments, cure):
    model = build_image_rnn((6, 6), 3, **arguments)
    for make in (build_step_model, Stream):
        with raises(ValueError, match=cure):
            make(model)


def test_models_that_read_no_image_are_refused():
    inputs = keras.Input((4, 3))
    dense = keras.Model(inputs, keras.layers.Dense(2)(inputs))
    steps = ImageAsSequence("row")(inputs)
    convolved = keras.Model(inputs, keras.layers.Conv1D(2, 2)(steps))
    for model, cure in (
        (dense, "a model without ImageAsSequence"),
        (convolved, "the layer 'conv1d.*' of type Conv1D"),
        (keras.Sequential(), r"Write build_step_model\(build_image_rnn"),
        ("model", r"Received: model='model'. Write build_step_model"),
    ):
        with raises(ValueError, match=cure):
            build_step_model(model)
    unknown = build_image_rnn((4, None), 2, reading="pixel")
    with raises(ValueError, match="images of unknown width"):
        build_step_model(unknown)


@pytest.mark.parametrize(
    ("cameras", "part", "camera", "cure"),
    [
        (
            1,
            np.zeros(5),
            None,
            r"the shape \(4,\), .*\(lines, 4\).* Received: shape=\(5,\)",
        ),
        (1, np.zeros((2, 3, 4)), None, r"Received: shape=\(2, 3, 4\)"),
        (1, np.zeros((0, 4)), None, r"Received: shape=\(0, 4\)"),
        (1, 5.0, None, r"Received: shape=\(\)"),
        (1, "row", None, "A part is an array of numbers"),
        (1, [None] * 4, None, "A part is an array of numbers"),
        (
            2,
            np.zeros(4),
            None,
            r"^A part of all cameras has the shape \(2, 4\), .*\(2, lines, 4\).*shape=\(4,\). "
            r"Write lines of 4 values. For one camera alone, write feed\(part, camera=0\).$",
        ),
        (2, np.zeros((3, 4)), None, r"Received: shape=\(3, 4\)"),
        (2, np.zeros((1, 1, 4)), 0, r"one camera has the shape \(4,\), .*\(lines, 4\).*camera=0"),
        (2, np.zeros(4), 2, "from 0 to 1, or None for all. Received: camera=2"),
        (2, np.zeros(4), "left", "Received: camera='left'"),
    ],
)
def test_parts_of_another_shape_are_refused(cameras, part, camera, cure):
    stream = Stream(build_image_rnn((6, 4), 3), cameras)
    with raises(ValueError, match=cure):
        stream.feed(part, camera)
    assert all((state == 0).all() for state in stream.states)


def test_cameras_are_counted():
    model = build_image_rnn((6, 4), 3)
    for cameras in (0, 1.5, True, "two"):
        with raises(ValueError, match="`cameras` is the number of cameras"):
            Stream(model, cameras)
    with raises(ValueError, match="Received: camera=-1"):
        Stream(model).reset(-1)


def test_the_step_is_compiled_once():
    """Whoever is fed, and however many lines: the step is traced for one shape."""
    traces = []

    @keras.saving.register_keras_serializable("tests")
    class Counting(keras.layers.SimpleRNNCell):
        def call(self, inputs, states, training=False):
            traces.append(tuple(inputs.shape))
            return super().call(inputs, states, training)

    stream = Stream(build_image_rnn((6, 4), 2, cell=Counting, units=3), 2)
    stream.feed(np.zeros((2, 4)))
    traces.clear()
    stream.feed(np.ones((2, 4)))
    stream.feed(np.ones((2, 3, 4)))
    stream.feed(np.ones(4), camera=1)
    # PyTorch runs without a trace.
    assert traces == ([(2, 4)] * 5 if BACKEND == "torch" else [])


def test_the_package_names_both():
    assert keras_imgseq.build_step_model is build_step_model
    assert keras_imgseq.Stream is Stream


def edited(kind):  # noqa: PLR0911
    """Models that look like a network of the factory, and need something else."""
    inputs = keras.Input((6, 4))
    sequences = ImageAsSequence("row")(inputs)
    network = build_image_rnn((6, 4), 3, return_sequences=True)
    logits = network.get_layer("logits").output
    if kind == "rescaled":
        scaled = ImageAsSequence("row")(keras.layers.Rescaling(1 / 255)(inputs))
        return keras.Model(inputs, keras.layers.GRU(3)(scaled))
    if kind == "softmax over time":
        return keras.Model(network.input, keras.layers.Softmax(axis=1)(logits))
    if kind == "joined along time":
        joined = keras.layers.Concatenate(axis=1)([sequences, sequences])
        return keras.Model(inputs, keras.layers.GRU(3)(joined))
    if kind == "last state at every step":
        every = keras.layers.GRU(3, return_sequences=True)(sequences)
        both = keras.layers.Add()([every, keras.layers.GRU(3)(sequences)])
        return keras.Model(inputs, keras.layers.GRU(3)(both))
    if kind == "returned state":
        _, _, state = keras.layers.LSTM(3, return_state=True)(sequences)
        return keras.Model(inputs, state)
    if kind == "no recurrent layer":
        return keras.Model(inputs, keras.layers.Dense(3)(sequences))
    if kind == "operation":
        return keras.Model(network.input, keras.ops.softmax(logits))
    if kind == "stacked cells":
        cells = [keras.layers.LSTMCell(3), keras.layers.LSTMCell(3)]
        return build_image_rnn((6, 4), 3, cell=lambda _: keras.layers.StackedRNNCells(cells))
    start = keras.layers.Dense(3)(keras.layers.GRU(3)(sequences))
    return keras.Model(inputs, keras.layers.GRU(3)(sequences, initial_state=start))


@pytest.mark.parametrize(
    ("kind", "cure"),
    [
        ("rescaled", "in front of the reading .* write scale=1/255"),
        ("softmax over time", "treat every step by itself"),
        ("joined along time", "treat every step by itself"),
        ("last state at every step", "treat every step by itself"),
        ("returned state", "keeps the states itself"),
        ("no recurrent layer", "a model without a recurrent layer"),
        ("operation", "an operation outside of a layer"),
        ("stacked cells", r"units=\(16, 16\)"),
        ("own states", "with an initial_state of its own"),
    ],
)
def test_models_that_were_edited_are_refused(kind, cure):
    with raises(ValueError, match=cure):
        build_step_model(edited(kind))


def test_half_precision_rounds_no_probability():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = build_image_rnn((6, 4), 3, return_sequences=True)
        image = np.random.default_rng(0).random((6, 4), "float32")
        answers = Stream(model).feed(image)
        expected = model.predict(image[None], verbose=0)[0]
    finally:
        keras.config.set_dtype_policy("float32")
    assert answers.dtype == expected.dtype == "float32"
    np.testing.assert_allclose(answers, expected, atol=2e-3)


@pytest.mark.parametrize(
    "activation",
    [lambda x: keras.ops.softmax(x, axis=1), keras.layers.Softmax(axis=1)],
    ids=["function", "layer"],
)
def test_an_activation_over_time_is_refused(activation):
    model = build_image_rnn((6, 4), 3, return_sequences=True, classifier_activation=activation)
    with raises(ValueError, match="treat every step by itself"):
        build_step_model(model)


def test_a_scaling_of_each_step_is_refused():
    inputs = keras.Input((6, 4))
    scaled = keras.layers.Rescaling(np.arange(1, 7)[:, None] / 6)(ImageAsSequence("row")(inputs))
    with raises(ValueError, match="treat every step by itself"):
        build_step_model(keras.Model(inputs, keras.layers.GRU(3)(scaled)))


@pytest.mark.parametrize(
    ("states", "cure"),
    [
        ([np.array([[None] * 16])], "A state is an array of numbers.*Write the `states` of"),
        ([np.zeros((1, 16), "complex64")], "A state is an array of numbers.*Write the `states` of"),
        ([[["a"] * 16]], "A state is an array of numbers"),
        ({"arr_0": np.zeros((1, 8))}, r"arrays of .*Received: \[\(1, 8\)\]"),
        (np.zeros((1, 1, 16)), r"a list of arrays of .*Received: array"),
    ],
)
def test_states_that_cannot_be(states, cure):
    stream = Stream(build_image_rnn((6, 4), 3))
    with raises(ValueError, match=cure):
        stream.states = states


def test_states_of_a_broken_camera_go_on_too():
    model = build_image_rnn((6, 4), 3)
    stream, other = Stream(model, cameras=2), Stream(model, cameras=2)
    rows = np.random.default_rng(0).random((6, 2, 4), "float32")
    stream.feed(np.where([[True], [False]], np.nan, rows[0]))
    other.states = stream.states
    np.testing.assert_array_equal(other.feed(rows[1]), stream.feed(rows[1]))
    other.reset(camera=0)
    assert np.isfinite(other.feed(rows[2])).all()


def test_what_is_masked_is_no_part():
    stream = Stream(build_image_rnn((6, 4), 3))
    masked = np.ma.masked_array(np.ones(4), mask=[0, 1, 0, 0])
    with raises(ValueError, match=r"a MaskedArray\. Write part\.filled\(0\)"):
        stream.feed(masked)
    stream.feed(masked.filled(0))
    stream.feed(np.ma.masked_array(np.ones(4)))


@needs_torch
def test_tensors_of_pytorch_are_parts():
    import torch

    model = build_image_rnn((6, 4), 3)
    part = torch.rand(4, requires_grad=True)
    expected = Stream(model).feed(part.detach().numpy())
    try:
        answer = Stream(model).feed(part)
    except ValueError as error:
        assert "Write part.detach().cpu().float().numpy()." in str(error)
        answer = Stream(model).feed(part.detach().cpu().float().numpy())
    np.testing.assert_allclose(answer, expected, atol=1e-6)


def test_states_go_on_as_numpy_loads_them(tmp_path):
    assert_states_go_on(build_image_rnn((6, 4), 3, units=(5, 6)), tmp_path)


def assert_states_go_on(model, folder):
    image = np.random.default_rng(0).random((6, 4), "float32")
    stream, other = Stream(model), Stream(model)
    stream.feed(image[:3])
    np.savez(folder / "states.npz", *stream.states)
    with np.load(folder / "states.npz") as arrays:
        other.states = arrays
    np.testing.assert_array_equal(
        other.feed(image[3:]).astype("float32"), stream.feed(image[3:]).astype("float32")
    )


def test_a_part_may_be_of_any_number_type():
    stream = Stream(build_image_rnn((6, 4), 3))
    ones = keras.ops.ones((4,), "bfloat16")
    answer = stream.feed(ones)
    stream.reset()
    np.testing.assert_allclose(answer, stream.feed(np.ones(4)), atol=1e-6)


def test_a_chain_to_which_layers_were_added_is_streamed():
    model = keras.Sequential()
    for layer in (
        keras.Input((6, 4)),
        ImageAsSequence("row"),
        keras.layers.GRU(5, return_sequences=True),
        keras.layers.LSTM(4),
        keras.layers.Dense(3),
    ):
        model.add(layer)
    image = np.random.default_rng(0).random((6, 4), "float32")
    answer = Stream(model).feed(image)[-1]
    np.testing.assert_allclose(answer, model.predict(image[None], verbose=0)[0], atol=1e-5)
    scaled = keras.Sequential([keras.Input((6, 4)), keras.layers.Rescaling(2.0), *model.layers])
    with raises(ValueError, match="a layer in front of the reading"):
        Stream(scaled)


@pytest.mark.parametrize("name", ["reading", "recurrent", "answer"])
def test_a_layer_named_part_is_streamed(name):
    names = {each: "part" if each == name else each for each in ("reading", "recurrent", "answer")}
    images = keras.Input((4, 3))
    sequence = ImageAsSequence("row", name=names["reading"])(images)
    features = keras.layers.SimpleRNN(5, name=names["recurrent"])(sequence)
    model = keras.Model(images, keras.layers.Dense(2, name=names["answer"])(features))
    image = np.random.default_rng(0).random((4, 3), "float32")
    expected = model.predict(image[None], verbose=0)[0]
    np.testing.assert_allclose(Stream(model).feed(image)[-1], expected, atol=1e-5)


def test_a_stream_takes_a_step_model_too():
    chain = keras.Sequential(
        [keras.Input((6, 4)), ImageAsSequence("row"), keras.layers.SimpleRNN(3)]
    )
    image = np.random.default_rng(0).random((6, 4), "float32")
    for model in (chain, build_image_rnn((6, 4), 2)):
        answer = Stream(build_step_model(model)).feed(image)[-1]
        np.testing.assert_allclose(answer, Stream(model).feed(image)[-1], atol=1e-6)


def test_a_model_with_a_call_of_its_own_is_refused():
    class Divided(keras.Model):
        def call(self, x, **options):
            return super().call(x / 255.0, **options)

    model = build_image_rnn((5, 4), 3)
    with raises(ValueError, match=r"a `call` of its own\. Received: a model of Divided"):
        Stream(Divided(model.inputs, model.outputs))


def test_a_reset_begins_with_the_states_of_now():
    class Begun(keras.layers.SimpleRNNCell):
        def build(self, input_shape):
            super().build(input_shape)
            self.first = self.add_weight(shape=(self.units,), name="first")

        def get_initial_state(self, batch_size=None):
            return [keras.ops.zeros((batch_size, self.units)) + self.first]

    model = build_image_rnn((5, 4), 3, cell=Begun)
    stream = Stream(model)
    model.get_layer("rnn_1").cell.first.assign(np.full(16, -1.0))
    stream.reset()
    image = np.random.default_rng(0).random((5, 4), "float32")
    answer = model.predict(image[None], verbose=0)[0]
    np.testing.assert_allclose(stream.feed(image)[-1], answer, atol=1e-5)


def test_an_axis_that_counts_from_the_front_is_the_last_one_too():
    images = keras.Input((5, 4))
    steps = keras.layers.LayerNormalization(axis=2)(ImageAsSequence()(images))
    model = keras.Model(images, keras.layers.Dense(3)(keras.layers.GRU(4)(steps)))
    image = np.random.default_rng(0).random((5, 4), "float32")
    answer = model.predict(image[None], verbose=0)[0]
    np.testing.assert_allclose(Stream(model).feed(image)[-1], answer, atol=1e-5)


def test_states_of_half_precision_go_on_from_a_file(tmp_path):
    def cell(units):
        # PyTorch makes no orthogonal weights in half precision.
        return keras.layers.SimpleRNNCell(units, recurrent_initializer="glorot_uniform")

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("bfloat16")
    try:
        model = build_image_rnn((6, 4), 3, units=5, cell=cell)
    finally:
        keras.config.set_dtype_policy(before)
    assert_states_go_on(model, tmp_path)

"""Our recurrent layers are those of Keras, whatever the option; only faster."""

import itertools

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import fewer

from keras_imgseq import build_image_rnn, count_image_rnn_params
from keras_imgseq._recurrent import layers as recurrent_layers
from keras_imgseq._recurrent.masked_loops import relu_with_mask

to_numpy = keras.ops.convert_to_numpy
CELLS = ["SimpleRNN", "GRU", "LSTM"]


@st.composite
def layer_options(draw):
    """The class and the arguments of a recurrent layer."""
    name = draw(st.sampled_from(CELLS))
    options = {
        "units": draw(st.integers(1, 4)),
        "activation": draw(st.sampled_from(["relu", "tanh", "sigmoid"])),
        "use_bias": draw(st.booleans()),
        "bias_initializer": keras.initializers.RandomNormal(seed=1),
        "kernel_initializer": keras.initializers.GlorotUniform(seed=2),
        "recurrent_initializer": keras.initializers.RandomNormal(stddev=0.3, seed=3),
        "return_sequences": draw(st.booleans()),
        "go_backwards": draw(st.booleans()),
        "dropout": draw(st.sampled_from([0.0, 0.3])),
        "recurrent_dropout": draw(st.sampled_from([0.0, 0.3])),
        "seed": 5,
    }
    if name == "GRU":
        options["reset_after"] = draw(st.booleans())
    return name, options


def pair(name, options):
    """Our layer and Keras', equal but for the loop."""
    return getattr(recurrent_layers, name)(**options), getattr(keras.layers, name)(**options)


def sequences_of(num_steps, num_features=3, batch=2):
    shape = (batch, num_steps, num_features)
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def assert_close(ours, theirs, atol=1e-5):
    for our, their in zip(keras.tree.flatten(ours), keras.tree.flatten(theirs), strict=True):
        np.testing.assert_allclose(to_numpy(our), to_numpy(their), atol=atol)


@given(layer_options(), st.sampled_from([1, 7, 70]), st.booleans(), st.booleans())
def test_outputs_and_states_are_those_of_keras(name_and_options, num_steps, masked, has_state):
    name, options = name_and_options
    results = []
    for layer in pair(name, {**options, "return_state": True}):
        keras.utils.set_random_seed(0)
        mask = np.array([[True] * num_steps, [True] + [False] * (num_steps - 1)])
        states = [np.full((2, options["units"]), 0.5, "float32")] * (2 if name == "LSTM" else 1)
        results.append(
            layer(
                sequences_of(num_steps),
                initial_state=states if has_state else None,
                mask=mask if masked else None,
                training=options["units"] > 2,
            )
        )
    assert_close(*results)


@fewer(10, compiled=5)
@given(layer_options(), st.booleans(), st.booleans())
def test_a_training_step_is_that_of_keras(name_and_options, bidirectional, masked):
    name, options = name_and_options
    if bidirectional:
        options["go_backwards"] = False
    results = []
    for layer in pair(name, options):
        keras.utils.set_random_seed(0)
        inputs = keras.Input((7, 3))
        sequences = keras.layers.Masking()(inputs) if masked else inputs
        layer = keras.layers.Bidirectional(layer) if bidirectional else layer  # noqa: PLW2901
        model = keras.Model(inputs, layer(sequences))
        model.compile(keras.optimizers.SGD(1.0), "mse")
        images = sequences_of(7)
        images[1, 3:] = 0
        model.train_on_batch(images, np.ones((2, *model.output_shape[1:])))
        results.append(model.get_weights())
    assert_close(*results)


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("use_bias", [False, True])
@pytest.mark.parametrize("go_backwards", [False, True])
def test_the_fastest_loop_of_each_cell_is_that_of_keras(name, use_bias, go_backwards):
    initializers = {
        "kernel_initializer": keras.initializers.RandomNormal(stddev=0.5, seed=1),
        "recurrent_initializer": keras.initializers.RandomNormal(stddev=0.5, seed=2),
        "bias_initializer": keras.initializers.RandomNormal(seed=3),
    }
    options = {"units": 4, "use_bias": use_bias, "go_backwards": go_backwards, **initializers}
    results = []
    for layer in pair(name, {**options, "return_sequences": True}):
        inputs = keras.Input((6, 3))
        model = keras.Model(inputs, layer(inputs))
        model.compile(keras.optimizers.SGD(0.5), "mse")
        outputs = model.predict(sequences_of(6), verbose=0)
        model.train_on_batch(sequences_of(6), np.ones((2, 6, 4)))
        results.append([outputs, *model.get_weights()])
    assert_close(*results)


@pytest.mark.parametrize("name", CELLS)
def test_gradients_reach_the_inputs_and_the_initial_state(name):
    results = []
    for layer in pair(name, {"units": 4, "return_sequences": True, "return_state": True}):
        inputs = keras.Input((6, 3))
        state = keras.layers.Dense(4)(keras.layers.Flatten()(inputs))
        outputs, *states = layer(
            keras.layers.Dense(3)(inputs),
            initial_state=[state, state] if name == "LSTM" else state,
        )
        # Gradients come from all outputs and from the last states.
        last = keras.layers.Add()([keras.layers.Flatten()(outputs)[:, -4:], *states])
        model = keras.Model(inputs, keras.layers.Concatenate()([outputs[:, 0], last]))
        random = np.random.default_rng(0)
        model.set_weights([random.normal(size=w.shape, scale=0.3) for w in model.weights])
        model.compile(keras.optimizers.SGD(0.5), "mse")
        model.train_on_batch(sequences_of(6), np.ones((2, 8)))
        results.append(model.get_weights())
    assert_close(*results)


@pytest.mark.parametrize("name", CELLS)
def test_a_stateful_layer_remembers(name):
    results = []
    for layer in pair(name, {"units": 3, "stateful": True}):
        layer.build((2, 7, 3))
        layer.set_weights([np.full_like(w, 0.2) for w in layer.get_weights()])
        first, second = (to_numpy(layer(sequences_of(7))) for _ in range(2))
        assert np.abs(first - second).max() > 1e-4
        results.append([first, second])
    assert_close(*results)


@pytest.mark.parametrize("name", CELLS)
def test_a_last_output_does_not_keep_the_others_in_memory(name):
    output = getattr(recurrent_layers, name)(3)(np.ones((2, 7, 4), "float32"))
    if keras.backend.backend() == "torch":
        num_bytes = output.untyped_storage().nbytes()
    else:
        num_bytes = to_numpy(output).nbytes
    assert num_bytes == 2 * 3 * 4


@pytest.mark.parametrize("name", CELLS)
def test_wrong_shapes_are_refused_as_keras_refuses_them(name):
    for layer in pair(name, {"units": 4}):
        layer.build((2, 7, 3))
        with pytest.raises(Exception, match=r".+"):
            layer(sequences_of(7, num_features=2))
        states = [np.zeros((3, 4), "float32")] * (2 if name == "LSTM" else 1)
        with pytest.raises(Exception, match=r".+"):
            layer(sequences_of(7), initial_state=states)


@pytest.mark.parametrize("name", ["GRU", "LSTM"])
def test_a_mask_in_a_list_is_taken_as_keras_takes_it(name):
    results = []
    for layer in pair(name, {"units": 4}):
        layer.build((2, 7, 3))
        layer.set_weights([np.full_like(w, 0.1) for w in layer.get_weights()])
        mask = keras.ops.convert_to_tensor(np.array([[True] * 3 + [False] * 4] * 2))
        results.append(layer(sequences_of(7), mask=[mask]))
    assert_close(*results)


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="only PyTorch has such tensors")
@pytest.mark.parametrize("name", ["GRU", "LSTM"])
def test_tensors_that_are_kept_for_no_gradient_are_read(name):
    import torch

    with torch.inference_mode():
        features = torch.ones(2, 8, 3)
    ours, theirs = pair(name, {"units": 4})
    for layer in (ours, theirs):
        layer.build((2, 8, 3))
    theirs.set_weights(ours.get_weights())
    assert_close(ours(features), theirs(features))


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="PyTorch's kernel keeps a graph")
def test_a_backward_pass_lets_the_memory_go():
    import torch

    layer = recurrent_layers.LSTM(4, return_sequences=True)
    outputs = layer(torch.ones(2, 7, 3))
    node = outputs.grad_fn
    outputs.sum().backward()
    while not hasattr(node, "recorded"):
        node = node.next_functions[0][0]
    assert node.recorded is None


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_is_that_of_keras(name, policy):
    sequences = sequences_of(28, num_features=5, batch=16)
    results = []
    for layer in pair(name, {"units": 8, "dtype": policy, "return_sequences": True}):
        inputs = keras.Input((28, 5))
        model = keras.Model(inputs, layer(inputs))
        random = np.random.default_rng(0)
        model.set_weights([random.normal(size=w.shape, scale=0.3) for w in model.weights])
        model.compile(keras.optimizers.SGD(0.1), "mse")
        outputs = model(sequences)
        assert keras.backend.standardize_dtype(outputs.dtype) == policy.removeprefix("mixed_")
        model.train_on_batch(sequences, np.ones(outputs.shape))
        results.append([keras.ops.cast(outputs, "float32"), *model.get_weights()])
    assert_close(*results)


@pytest.mark.parametrize("name", CELLS)
def test_sequences_of_unknown_length_are_read(name):
    results = []
    for layer in pair(name, {"units": 3}):
        model = keras.Sequential([keras.Input((None, 3)), layer])
        model.set_weights([np.full_like(w, 0.1) for w in model.get_weights()])
        results.append([model.predict(sequences_of(n), verbose=0) for n in (2, 7, 3)])
    assert_close(*results)


@pytest.mark.parametrize("name", CELLS)
def test_weights_names_configuration_and_files_are_those_of_keras(name, tmp_path):
    models = []
    for layer in pair(name, {"units": 3, "name": "rnn_1"}):
        models.append(keras.Sequential([keras.Input((4, 3)), layer], name="model"))
    ours, theirs = models
    assert [w.path for w in ours.weights] == [w.path for w in theirs.weights]
    assert ours.layers[0].get_config() == theirs.layers[0].get_config()
    ours.save_weights(tmp_path / "ours.weights.h5")
    theirs.load_weights(tmp_path / "ours.weights.h5")
    assert_close(ours.get_weights(), theirs.get_weights())
    theirs.set_weights([np.full_like(w, 0.1) for w in theirs.get_weights()])
    theirs.save_weights(tmp_path / "theirs.weights.h5")
    ours.load_weights(tmp_path / "theirs.weights.h5")
    assert_close(ours.get_weights(), theirs.get_weights())
    registered = keras.saving.get_registered_name(getattr(recurrent_layers, name))
    assert registered == f"keras_imgseq>{name}"


def test_auto_is_the_fastest_loop_and_true_and_false_are_those_of_keras():
    for cell, name in (("simple_rnn", "SimpleRNN"), ("gru", "GRU"), ("lstm", "LSTM")):
        layers = {
            unroll: build_image_rnn((4, 3), 2, cell=cell, unroll=unroll).get_layer("rnn_1")
            for unroll in ("auto", True, False)
        }
        assert type(layers["auto"]) is getattr(recurrent_layers, name)
        for unroll in (True, False):
            assert type(layers[unroll]) is getattr(keras.layers, name)
            assert layers[unroll].unroll is unroll


LOOPS = {"tensorflow": "unrolled_loop", "jax": "scanned_loop", "torch": "torch_loop"}


@pytest.mark.parametrize(
    ("name", "units", "num_steps", "backends"),
    [
        ("SimpleRNN", 16, 28, {"tensorflow", "jax", "torch"}),
        ("SimpleRNN", 128, 512, {"tensorflow", "jax", "torch"}),
        ("SimpleRNN", 128, 513, {"jax", "torch"}),
        ("SimpleRNN", 129, 28, {"torch"}),
        ("GRU", 16, 6, {"torch"}),
        ("GRU", 16, 5, set()),
        ("LSTM", 16, 6, {"torch"}),
        ("LSTM", 16, 5, set()),
    ],
)
def test_the_rule_is_that_of_the_documentation(name, units, num_steps, backends):
    layer = getattr(recurrent_layers, name)(units)
    layer.build((2, num_steps, 3))
    sequences = keras.ops.zeros((2, num_steps, 3))
    states = keras.tree.flatten(layer.get_initial_state(2))
    loop = recurrent_layers.fastest_loop(layer, sequences, states, None, True)
    backend = keras.backend.backend()
    assert (loop and loop.__name__) == (LOOPS[backend] if backend in backends else None)
    mask = keras.ops.ones((2, num_steps), "bool")
    # On JAX Keras' loop is the fastest with a mask.
    masked_loop = None if backend == "jax" else loop
    assert recurrent_layers.fastest_loop(layer, sequences, states, mask, True) is masked_loop
    if name == "SimpleRNN":
        layer.cell.activation = keras.activations.linear
        assert recurrent_layers.fastest_loop(layer, sequences, states, mask, True) is None
        layer.cell.activation = keras.activations.relu
        assert recurrent_layers.fastest_loop(layer, sequences, states, mask, True) is masked_loop
        # On TensorFlow the padding comes first, which states of one's own do not survive.
        own = [keras.ops.copy(state) for state in states]
        loop_with_states = None if backend == "tensorflow" else masked_loop
        assert recurrent_layers.fastest_loop(layer, sequences, own, mask, True) is loop_with_states
    assert recurrent_layers.fastest_loop(layer, sequences, states, mask[:, :1], True) is None
    # The loops do not know the states of the last real step.
    for option in ("return_state", "stateful"):
        setattr(layer, option, True)
        assert recurrent_layers.fastest_loop(layer, sequences, states, mask, True) is None
        setattr(layer, option, False)


LOOPS_OF_TORCH = [("SimpleRNN", "relu"), ("SimpleRNN", "tanh"), ("GRU", "tanh"), ("LSTM", "tanh")]
MASKS = np.array(
    [
        [True] * 7,
        [True] * 4 + [False] * 3,
        [False] * 2 + [True] * 5,
        [True, False, True, True, False, False, False],
        [False] * 7,
    ]
)
SEQUENCES = pytest.mark.parametrize(
    "of",
    [slice(None), [0, 1], [0, 3], [0, 1, 4]],
    ids=["all", "padded behind", "with a hole", "one is padding"],
)


# A GRU and an LSTM have a loop of this package on PyTorch alone.
@pytest.mark.parametrize(
    ("name", "activation"),
    [
        *(("SimpleRNN", activation) for activation in ("tanh", "sigmoid", "relu")),
        *([("GRU", "tanh"), ("LSTM", "tanh")] if keras.backend.backend() == "torch" else []),
    ],
)
@pytest.mark.parametrize("go_backwards", [False, True])
@pytest.mark.parametrize("zero_output_for_mask", [False, True])
@pytest.mark.parametrize("return_sequences", [False, True])
@SEQUENCES
def test_masks_of_every_form_are_those_of_keras(
    name, activation, go_backwards, zero_output_for_mask, *, return_sequences, of
):
    sequences = np.random.default_rng(0).normal(size=(5, 7, 3)).astype("float32")
    options = {
        "activation": activation,
        "go_backwards": go_backwards,
        "zero_output_for_mask": zero_output_for_mask,
        "return_sequences": return_sequences,
    }
    # Keras' cuDNN takes no such masks.
    own = {} if name == "SimpleRNN" else {"use_cudnn": False}
    ours = getattr(recurrent_layers, name)(4, **options)
    keras_layer = getattr(keras.layers, name)(4, **options, **own)
    for layer in (ours, keras_layer):
        layer.build(sequences.shape)
    keras_layer.set_weights(ours.get_weights())
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(ours(sequences[of], mask=MASKS[of])),
        keras.ops.convert_to_numpy(keras_layer(sequences[of], mask=MASKS[of])),
        atol=1e-6,
    )


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@SEQUENCES
def test_given_states_go_through_masked_steps(activation, of):
    sequences, states = sequences_of(7, batch=5)[of], np.ones((5, 4), "float32")[of]
    # A dead unit would forget its state.
    options = {"units": 4, "activation": activation, "bias_initializer": "ones"}
    layers = pair("SimpleRNN", options)
    for layer in layers:
        layer.build(sequences.shape)
        layer.set_weights(layers[0].get_weights())
    assert_close(*(layer(sequences, initial_state=states, mask=MASKS[of]) for layer in layers))


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="a loop of TensorFlow alone")
@pytest.mark.parametrize("bidirectional", [False, True])
def test_zeros_are_known_in_a_graph(bidirectional, monkeypatch):
    runs = []

    def spied(*arguments):
        runs.append(arguments)
        return relu_with_mask(*arguments)

    monkeypatch.setattr(recurrent_layers, "relu_with_mask", spied)
    layer = recurrent_layers.SimpleRNN(4, activation="relu")
    layer = keras.layers.Bidirectional(layer) if bidirectional else layer
    model = keras.Sequential([keras.Input((7, 3)), keras.layers.Masking(), layer])
    runs.clear()
    model.predict(np.ones((2, 7, 3)), verbose=0)
    assert len(runs) == 1 + bidirectional


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="written by hand on PyTorch alone")
@pytest.mark.parametrize(("name", "activation"), LOOPS_OF_TORCH)
@pytest.mark.parametrize("flags", list(itertools.product([False, True], repeat=3)))
@pytest.mark.parametrize(
    "mask",
    [MASKS, MASKS[[0, 1]], MASKS[[0, 3]], MASKS[[0, 1, 4]], MASKS[-1:], MASKS[:1]],
    ids=["every form", "padding behind", "with a hole", "one is padding", "all", "none"],
)
@pytest.mark.parametrize("scale_of_states", [None, 0, 1])
def test_gradients_with_masks_of_every_form_are_those_of_keras(
    name, activation, flags, mask, *, scale_of_states, monkeypatch
):
    import torch

    from keras_imgseq._recurrent import torch_masks

    calls, with_mask = [], torch_masks.with_mask
    monkeypatch.setattr(
        torch_masks, "with_mask", lambda *given: calls.append(1) or with_mask(*given)
    )

    random, batch = np.random.default_rng(0), len(mask)
    sequences = random.normal(size=(batch, 7, 3)).astype("float32")
    names = ("go_backwards", "zero_output_for_mask", "return_sequences")
    options = {"activation": activation, **dict(zip(names, flags, strict=True))}
    # A dead unit has no gradient that could be lost.
    options["bias_initializer"] = "ones"
    ours = getattr(recurrent_layers, name)(4, **options)
    keras_layer = getattr(keras.layers, name)(4, **options)
    for layer in (ours, keras_layer):
        layer.build(sequences.shape)
    keras_layer.set_weights(ours.get_weights())
    num_states = 2 if name == "LSTM" else 1
    states = random.normal(size=(num_states, batch, 4)).astype("float32")
    states = [] if scale_of_states is None else states * scale_of_states
    shape = (batch, 7, 4) if options["return_sequences"] else (batch, 4)
    ways = random.normal(size=shape).astype("float32")
    found = []
    for layer in (ours, keras_layer):
        inputs, *begin = (torch.tensor(array, requires_grad=True) for array in (sequences, *states))
        weights = [inputs, *begin, *(variable.value for variable in layer.trainable_variables)]

        def total(layer=layer, inputs=inputs, begin=begin):
            answer = layer(inputs, initial_state=begin or None, mask=mask)
            return (answer * torch.tensor(ways)).sum()

        by_hand = torch.autograd.grad(total(), weights)
        first = torch.autograd.grad(total(), weights, create_graph=True)
        penalty = sum(gradient.square().sum() for gradient in first)
        unused = {"allow_unused": True, "materialize_grads": True}
        second = torch.autograd.grad(penalty, weights, **unused) if penalty.requires_grad else []
        found.append([*(array.detach() for array in (*by_hand, *first)), *second])
    for one, other in itertools.zip_longest(*found, fillvalue=torch.zeros(1)):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)
    assert calls


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="PyTorch: the test above. JAX: Keras' loop"
)
@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu"])
@pytest.mark.parametrize("go_backwards", [False, True])
@pytest.mark.parametrize("zero_output_for_mask", [False, True])
@pytest.mark.parametrize("return_sequences", [False, True])
def test_a_training_step_with_masks_of_every_form_is_that_of_keras(
    activation, go_backwards, zero_output_for_mask, return_sequences
):
    random = np.random.default_rng(0)
    sequences = random.normal(size=(5, 7, 3)).astype("float32")
    sequences[~MASKS] = -9
    targets = random.normal(size=(5, 7, 4) if return_sequences else (5, 4)).astype("float32")
    found = []
    for layers in (recurrent_layers, keras.layers):
        keras.utils.set_random_seed(0)
        layer = layers.SimpleRNN(
            4,
            activation=activation,
            go_backwards=go_backwards,
            zero_output_for_mask=zero_output_for_mask,
            return_sequences=return_sequences,
        )
        model = keras.Sequential([keras.Input((7, 3)), keras.layers.Masking(-9.0), layer])
        model.compile(keras.optimizers.SGD(0.5), "mse", run_eagerly=True)
        before = model.get_weights()
        model.train_on_batch(sequences, targets)
        found.append(model.get_weights())
        assert all((one != other).any() for one, other in zip(before, found[-1], strict=True))
    assert_close(*found)


def test_a_layer_or_a_cell_of_ones_own_takes_the_loop_of_keras():
    class Cell(keras.layers.SimpleRNNCell):
        pass

    class Layer(recurrent_layers.SimpleRNN):
        pass

    sequences, states = keras.ops.zeros((2, 8, 3)), [keras.ops.zeros((2, 4))]
    with_cell = recurrent_layers.SimpleRNN(4)
    with_cell.cell = Cell(4)
    for layer, is_fast in (
        (recurrent_layers.SimpleRNN(4), True),
        (with_cell, False),
        (Layer(4), False),
    ):
        layer.build((2, 8, 3))
        loop = recurrent_layers.fastest_loop(layer, sequences, states, None, True)
        assert (loop is not None) == is_fast


def test_a_relu_does_not_grow_in_padding():
    """A state that doubles at each step passes the largest number after 128 steps."""
    num_steps = 200
    inputs = keras.Input((num_steps, 1))
    layer = recurrent_layers.SimpleRNN(2, activation="relu")
    model = keras.Model(inputs, layer(keras.layers.Masking()(inputs)))
    layer.set_weights([np.ones((1, 2)), 2 * np.eye(2), np.ones(2)])
    sequences = np.zeros((1, num_steps, 1), "float32")
    sequences[:, :2] = 1
    # States: 2, then 2 + 2 * 2.
    np.testing.assert_array_equal(model.predict(sequences, verbose=0), [[6, 6]])
    model.compile(keras.optimizers.SGD(1.0), "mse")
    model.train_on_batch(sequences, np.array([[5.0, 5.0]]))
    # The gradient of the last state is 1, of the one before 2.
    kernel, recurrent_kernel, bias = model.get_weights()
    np.testing.assert_array_equal(kernel, [[-2, -2]])
    np.testing.assert_array_equal(recurrent_kernel, [[0, -2], [-2, 0]])
    np.testing.assert_array_equal(bias, [-2, -2])


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="tests/ways_of_torch.py has others")
def test_other_devices_take_the_loop_of_keras(monkeypatch):
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: ["gpu:0"])
    layer = build_image_rnn((28, 28), 10).get_layer("rnn_1")
    sequences, states = keras.ops.zeros((2, 28, 28)), [keras.ops.zeros((2, 16))]
    assert recurrent_layers.fastest_loop(layer, sequences, states, None, True) is None


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="Keras runs steps there alone")
@pytest.mark.parametrize("is_bidirectional", [False, True])
@pytest.mark.parametrize("name", ["SimpleRNN", "GRU", "LSTM"])
@pytest.mark.parametrize("is_masked", [False, True])
def test_the_first_batch_runs_no_step_to_find_shapes(
    name, is_bidirectional, is_masked, monkeypatch
):
    """Keras runs a model once without values before it trains: each step, in its own loop."""
    inputs = keras.Input((7, 3))
    activation = "relu" if name == "SimpleRNN" else "tanh"
    layer = getattr(recurrent_layers, name)(4, activation=activation)
    cell = type(layer.cell)
    sequences = keras.layers.Masking(-1.0)(inputs) if is_masked else inputs
    model = keras.Model(
        inputs, (keras.layers.Bidirectional(layer) if is_bidirectional else layer)(sequences)
    )
    calls, call = [], cell.call
    monkeypatch.setattr(
        cell, "call", lambda *given, **options: calls.append(1) or call(*given, **options)
    )
    devices, run = [], type(layer).inner_loop

    def inner_loop(self, sequences, *given, **options):
        devices.append(sequences.device.type)
        return run(self, sequences, *given, **options)

    monkeypatch.setattr(type(layer), "inner_loop", inner_loop)
    model.compile("sgd", "mse")
    model.train_on_batch(np.zeros((2, 7, 3)), np.zeros((2, *model.output_shape[1:])))
    assert calls == []
    directions = 1 + is_bidirectional
    assert devices == ["meta"] * directions + ["cpu"] * directions


@pytest.mark.parametrize("num_features", [3, 12])
def test_a_wrong_number_of_features_is_an_error(num_features):
    layer = recurrent_layers.SimpleRNN(4)
    layer.build((2, 7, 6))
    with pytest.raises(Exception, match=r"(?i)shape|size|dim|mat"):
        layer(keras.ops.ones((2, 7, num_features)))


def test_the_steps_of_all_layers_are_unrolled_up_to_one_number():
    for arguments, most in (
        ({}, 512),
        ({"units": (4, 4)}, 256),
        ({"bidirectional": True}, 256),
        ({"reading": "cross", "bidirectional": True}, 64),
    ):
        model = build_image_rnn((28, 28), 3, **arguments)
        layers = [layer for layer in model.layers if "rnn_" in layer.name]
        again = keras.Model.from_config(model.get_config()).layers
        for layer in [*layers, *(layer for layer in again if "rnn_" in layer.name)]:
            for each in (getattr(layer, f"{way}_layer", layer) for way in ("forward", "backward")):
                assert each.most_unrolled_steps == most


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="written by hand on PyTorch alone")
@pytest.mark.parametrize(("name", "activation"), LOOPS_OF_TORCH)
@SEQUENCES
def test_masked_steps_may_hold_nan(name, activation, of):
    import torch

    layer = getattr(recurrent_layers, name)(4, activation=activation)
    sequences = np.random.default_rng(0).normal(size=(5, 7, 3)).astype("float32")
    layer.build(sequences.shape)
    found = []
    for padding in (np.nan, 0.0):
        padded = torch.tensor(np.where(MASKS[:, :, None], sequences, np.float32(padding)))
        answer = layer(padded[of], mask=MASKS[of])
        weights = [variable.value for variable in layer.trainable_variables]
        found.append([answer.detach(), *torch.autograd.grad(answer.sum(), weights)])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="written by hand on PyTorch alone")
@pytest.mark.parametrize(("name", "activation"), LOOPS_OF_TORCH)
@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("return_sequences", [False, True])
@SEQUENCES
def test_what_a_masked_step_is_handed_reaches_no_weight(
    name, activation, create_graph, return_sequences, of
):
    """The slope of the square root is infinite where the output is zero, as before all steps."""
    import torch

    sequences = np.random.default_rng(0).normal(size=(5, 7, 3)).astype("float32")
    options = {"activation": activation, "return_sequences": return_sequences}
    # The relu of a dead unit would be zero, too.
    options["bias_initializer"] = "ones"
    ours, keras_layer = pair(name, {"units": 4, **options})
    found = []
    for layer in (ours, keras_layer):
        layer.build(sequences.shape)
        layer.set_weights(ours.get_weights())
        norms = layer(sequences[of], mask=MASKS[of]).square().sum(-1).sqrt()
        weights = [variable.value for variable in layer.trainable_variables]
        gradients = torch.autograd.grad(norms.sum(), weights, create_graph=create_graph)
        found.append([gradient.detach() for gradient in gradients])
    assert all(gradient.isfinite().all() for gradient in found[0])
    assert_close(*found)


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="written by hand on PyTorch alone")
@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("real_step", [0, 2])
def test_a_gradient_that_overflows_in_the_padding_is_lost(activation, create_graph, real_step):
    import torch

    ours, keras_layer = pair("SimpleRNN", {"units": 1, "activation": activation})
    weights = [np.full(shape, value) for shape, value in (((1, 1), 0.1), ((1, 1), 10), ((1,), 0))]
    found = []
    for layer in (ours, keras_layer):
        layer.build((1, 3, 1))
        layer.set_weights(weights)
        answer = layer(np.ones((1, 3, 1)), mask=np.arange(3)[None] == real_step)
        gradients = torch.autograd.grad(
            answer,
            [variable.value for variable in layer.trainable_variables],
            torch.full((1, 1), 1e38),
            create_graph=create_graph,
        )
        found.append([gradient.detach() / 1e38 for gradient in gradients])
    assert all(gradient.isfinite().all() for gradient in found[0])
    assert_close(*found)


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="written by hand on PyTorch alone")
@pytest.mark.parametrize(("name", "activation"), LOOPS_OF_TORCH)
@pytest.mark.parametrize("return_sequences", [False, True])
@SEQUENCES
def test_infinite_weights_spoil_no_masked_step(name, activation, return_sequences, of):
    options = {"activation": activation, "return_sequences": return_sequences}
    layer = getattr(recurrent_layers, name)(4, **options)
    layer.build((5, 7, 3))
    layer.set_weights([np.full(weight.shape, np.inf) for weight in layer.get_weights()])
    answer = to_numpy(layer(np.ones((5, 7, 3))[of], mask=MASKS[of]))
    assert (answer[~MASKS[of].any(1)] == 0).all()
    if return_sequences:
        assert (answer[~MASKS[of].cumsum(1).astype(bool)] == 0).all()


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="other tensors cannot be changed")
@pytest.mark.parametrize("name", ["SimpleRNN", "GRU", "LSTM"])
@pytest.mark.parametrize("has_states", [False, True])
@pytest.mark.parametrize("zero_output_for_mask", [False, True])
def test_a_mask_may_be_changed_before_the_gradient(name, has_states, zero_output_for_mask):
    import torch

    layer = getattr(recurrent_layers, name)(4, zero_output_for_mask=zero_output_for_mask)
    layer.build((5, 7, 3))
    states = [torch.ones(5, 4)] * (2 if name == "LSTM" else 1) if has_states else None
    found = []
    for is_changed in (False, True):
        mask = torch.from_numpy(MASKS.copy())
        answer = layer(torch.ones((5, 7, 3)), initial_state=states, mask=mask)
        if is_changed:
            mask.logical_not_()
        weights = [variable.value for variable in layer.trainable_variables]
        found.append([tensor.detach() for tensor in torch.autograd.grad(answer.sum(), weights)])
    assert_close(*found)


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="JAX and TensorFlow trace a network")
@pytest.mark.parametrize("name", ["SimpleRNN", "GRU", "LSTM"])
def test_masks_of_tensors_without_values_give_shapes(name):
    import torch

    from keras_imgseq._recurrent import torch_masks

    layer = getattr(recurrent_layers, name)(4)
    layer.build((2, 7, 3))
    sequences = torch.empty((2, 7, 3), device="meta")
    mask = torch.empty((2, 7), dtype=torch.bool, device="meta")
    states = [torch.empty((2, 4), device="meta")] * len(layer.get_initial_state(2))
    loop = recurrent_layers.fastest_loop(layer, sequences, states, mask, True)
    assert loop.__name__ == "loop_of_shapes"
    assert not torch_masks.is_covered(states)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_an_activation_with_weights_is_trained_saved_and_counted(tmp_path, bidirectional):
    x, y = np.random.default_rng(0).random((4, 5, 6), "float32"), np.array([0, 1, 2, 0])
    options = {"units": (4, 3), "bidirectional": bidirectional}
    # Of some hundred networks one has no number below zero, and its slopes stay zeros.
    keras.utils.set_random_seed(0)
    model = build_image_rnn((5, 6), 3, activation=keras.layers.PReLU(), **options)
    count = model.count_params()
    directions = 2 if bidirectional else 1
    assert count == count_image_rnn_params((5, 6), 3, **options) + directions * 7
    model.compile("adam", "sparse_categorical_crossentropy")
    slopes = [weight for weight in model.trainable_weights if "alpha" in weight.path]
    assert len(slopes) == 2 * directions
    model.fit(x, y, verbose=0)
    assert model.count_params() == count
    # They begin with zeros.
    assert any(keras.ops.convert_to_numpy(slope).any() for slope in slopes)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-6)


@pytest.mark.parametrize(
    ("name", "activation"),
    [("SimpleRNN", "tanh"), ("SimpleRNN", "relu"), ("GRU", "tanh"), ("LSTM", "tanh")],
)
@pytest.mark.parametrize("first", [0, 2])
def test_nan_in_the_padding_reaches_no_gradient(name, activation, first):
    backend = keras.backend.backend()
    if backend == "jax" or (backend == "tensorflow" and name != "SimpleRNN"):
        pytest.skip("Keras' own loop runs there, whose gradients are its own")
    layer = getattr(recurrent_layers, name)(4, activation=activation)
    x = np.random.default_rng(0).normal(size=(2, 7, 3)).astype("float32")
    mask = np.ones((2, 7), bool)
    mask[0, :first] = mask[1, 4:] = False
    x[~mask] = np.nan
    if backend == "torch":
        import torch

        x = torch.tensor(x, requires_grad=True)
        layer(x, mask=torch.tensor(mask)).sum().backward()
        gradients = [x.grad, *(w.value.grad for w in layer.trainable_weights)]
    else:
        import tensorflow as tf

        x = tf.Variable(x)
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(layer(x.value(), mask=tf.constant(mask)))
        gradients = tape.gradient(total, [x, *(w.value for w in layer.trainable_weights)])
    assert all(np.isfinite(keras.ops.convert_to_numpy(g)).all() for g in gradients)


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="written by hand on PyTorch alone")
def test_a_dead_unit_hands_no_infinite_gradient_back():
    import torch

    layer = recurrent_layers.SimpleRNN(2, activation="relu")
    layer.build((1, 3, 1))
    # The second unit is dead.
    layer.set_weights([np.array([[1, -1]]), np.diag([0.5, 0.5]), np.zeros(2)])
    x = torch.ones((1, 3, 1), requires_grad=True)
    (gradient,) = torch.autograd.grad(layer(x), x, torch.tensor([[1.0, np.inf]]))
    np.testing.assert_allclose(gradient.flatten(), [0.25, 0.5, 1])


def test_a_state_of_another_dtype_runs_the_loop_of_keras():
    layer = recurrent_layers.SimpleRNN(4)
    layer.build((2, 5, 3))
    sequences, state = (keras.ops.zeros(shape, "float32") for shape in ((2, 5, 3), (2, 4)))
    assert recurrent_layers.fastest_loop(layer, sequences, [state], None, False) is not None
    state = keras.ops.cast(state, "float16")
    assert recurrent_layers.fastest_loop(layer, sequences, [state], None, False) is None


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="a loop of PyTorch alone")
@pytest.mark.parametrize("name", ["SimpleRNN", "GRU"])
@pytest.mark.parametrize("return_sequences", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_the_steps_at_once_change_nothing(name, return_sequences, masked, monkeypatch):
    import torch

    from keras_imgseq._recurrent import torch_packed

    sequences = torch.from_numpy(sequences_of(7, batch=3)).requires_grad_()
    mask = torch.arange(7)[None] < torch.tensor([[7], [2], [5]]) if masked else None
    layer = getattr(recurrent_layers, name)(4, return_sequences=return_sequences)
    results = []
    for steps_at_once in (512, 1, 2, 3, 7):
        monkeypatch.setattr(torch_packed, "STEPS_AT_ONCE", steps_at_once)
        outputs = layer(sequences, mask=mask)
        weights = [weight.value for weight in layer.trainable_weights]
        gradients = torch.autograd.grad(outputs.square().sum(), [sequences, *weights])
        results.append([outputs, *gradients])
    for result in results[1:]:
        for found, expected in zip(result, results[0], strict=True):
            assert torch.equal(found, expected)

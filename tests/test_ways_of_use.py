"""Everything that people do with a recurrent layer: ours gives what Keras' own gives.

Each way of use is a function of a network. It is run with a network of this package and with the
same network of Keras' own layers, which have the same weights.
"""

import concurrent.futures
import copy
import pickle
import tempfile
from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import settings
from ways_of_jax import WAYS as WAYS_OF_JAX
from ways_of_tensorflow import WAYS as WAYS_OF_TENSORFLOW
from ways_of_torch import WAYS as WAYS_OF_TORCH

from keras_imgseq import build_image_rnn

CELLS = ["simple_rnn", "gru", "lstm"]
BACKEND = keras.backend.backend()
# Compiling takes the time of these tests. The ways that compile on TensorFlow say so; JAX would
# compile each operation.
EAGERLY = BACKEND != "jax"
X = np.random.default_rng(0).normal(size=(4, 6, 3)).astype("float32")
Y = np.random.default_rng(1).normal(size=(4, 3)).astype("float32")
to_numpy = keras.ops.convert_to_numpy


def network(cell, unroll, **options):
    """A network of two recurrent layers; the weights are those of every other such network."""
    options = {"units": (4, 3), "activation": "tanh", "classifier_activation": None, **options}
    model = build_image_rnn((6, 3), 3, cell=cell, unroll=unroll, **options)
    random = np.random.default_rng(2)
    weights = model.get_weights()
    # Small enough that no difference grows from step to step.
    scales = [0.5 / max(1, len(w) / 4) ** 0.5 for w in weights]
    drawn = [random.normal(size=w.shape, scale=s) for w, s in zip(weights, scales, strict=True)]
    model.set_weights(drawn)
    return model


def trained(model, **options):
    options = {"run_eagerly": EAGERLY, **options}
    model.compile(keras.optimizers.SGD(0.1), "mse", **options)
    model.fit(X, Y, batch_size=2, shuffle=False, verbose=0)
    return [*model.get_weights(), model(X)]


def called(model):
    return [model(X)]


def called_in_training(model):
    return [model(X, training=True)]


def predicted(model):
    return [model.predict(X, batch_size=3, verbose=0)]


def predicted_on_a_batch(model):
    return [model.predict_on_batch(X)]


def evaluated(model):
    model.compile("sgd", "mse")
    return [np.array(model.evaluate(X, Y, verbose=0))]


def fitted(model):
    model.compile(keras.optimizers.SGD(0.1), "mse")
    model.fit(X, Y, batch_size=2, epochs=2, shuffle=False, verbose=0)
    return [*model.get_weights(), model.predict(X, verbose=0)]


def fitted_in_several_steps_a_call(model):
    if BACKEND != "tensorflow":
        return trained(model)
    return trained(model, steps_per_execution=2, run_eagerly=False)


def fitted_with_xla(model):
    # PyTorch's compiler needs a C++ compiler; Keras leaves it off there.
    if BACKEND == "torch":
        return trained(model)
    return trained(model, jit_compile=True, run_eagerly=False)


def fitted_with_sample_weights(model):
    model.compile("sgd", "mse", run_eagerly=EAGERLY)
    model.fit(X, Y, sample_weight=np.array([1.0, 0, 2, 0.5]), verbose=0)
    return model.get_weights()


def fitted_with_adam_and_clipping(model):
    model.compile(keras.optimizers.Adam(0.01, clipnorm=0.5), "mse", run_eagerly=EAGERLY)
    model.fit(X, Y, verbose=0)
    return model.get_weights()


def trained_with_gradient_accumulation(model):
    model.compile(
        keras.optimizers.SGD(0.1, gradient_accumulation_steps=2), "mse", run_eagerly=EAGERLY
    )
    model.fit(X, Y, batch_size=1, shuffle=False, verbose=0)
    return model.get_weights()


def frozen(model):
    model.get_layer("rnn_1").trainable = False
    return trained(model)


def frozen_and_thawed(model):
    model.trainable = False
    model(X)
    model.trainable = True
    return trained(model)


def saved_and_loaded(model):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        return trained(keras.saving.load_model(path))


def cloned(model):
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    return trained(clone)


def copied(model):
    return trained(copy.deepcopy(model))


def pickled(model):
    return trained(pickle.loads(pickle.dumps(model)))


def made_from_its_configuration(model):
    again = type(model).from_config(model.get_config())
    again.set_weights(model.get_weights())
    return trained(again)


def nested(model):
    inputs = keras.Input((6, 3))
    return trained(keras.Model(inputs, model(keras.layers.Rescaling(0.5)(inputs))))


def in_a_sequential_model(model):
    return trained(keras.Sequential([keras.Input((6, 3)), *model.layers[1:]]))


def time_distributed(model):
    inputs = keras.Input((2, 6, 3))
    videos = keras.Model(inputs, keras.layers.TimeDistributed(model)(inputs))
    return [videos.predict(np.stack([X, X[::-1]], axis=1), verbose=0)]


def shared(model):
    first, second = keras.Input((6, 3)), keras.Input((6, 3))
    both = keras.Model([first, second], keras.layers.Subtract()([model(first), model(second)]))
    both.compile("sgd", "mse", run_eagerly=EAGERLY)
    both.train_on_batch([X, X[::-1]], Y)
    return both.get_weights()


def masked(model):
    x = X.copy()
    x[0, 5:] = 0
    x[1, :3] = 0
    x[2] = 0
    inputs = keras.Input((6, 3))
    wrapped = keras.Model(inputs, model(keras.layers.Masking()(inputs)))
    wrapped.compile("sgd", "mse", run_eagerly=EAGERLY)
    wrapped.train_on_batch(x, Y)
    return [wrapped.predict(x, verbose=0), *wrapped.get_weights()]


def one_image(model):
    return [model(X[:1]), model.predict(X[:1], verbose=0)]


def no_image(model):
    return [model(X[:0])]


def arrays_in_another_memory_order(model):
    x = np.asfortranarray(X)
    return [model(x), model(X[::-1]), model(np.repeat(X, 2, axis=0)[::2])]


def arrays_of_double_precision(model):
    return [model(X.astype("float64")), model.predict(X.astype("float64"), verbose=0)]


def arrays_of_ints(model):
    return [model((X * 10).astype("int32"))]


def very_large_values(model):
    return [model(X * 1e4)]


def not_a_number(model):
    x = X.copy()
    x[0, 3, 2] = np.nan
    return [model(x)]


def other_activation_after_building(model):
    layer = model.get_layer("rnn_1")
    layer.cell.activation = keras.activations.softsign
    return [model.predict(X, verbose=0)]


def weights_set_after_a_call(model):
    model(X)
    model.set_weights([w * 0.5 for w in model.get_weights()])
    return [model(X), model.predict(X, verbose=0)]


def weights_of_a_file(model):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.weights.h5"
        model.save_weights(path)
        model.set_weights([w * 0 for w in model.get_weights()])
        model.load_weights(path)
    return [model(X)]


def regularised_and_constrained(model):
    layer = model.get_layer("rnn_1")
    layer.cell.kernel.regularizer = keras.regularizers.L2(0.1)
    layer.cell.recurrent_kernel.constraint = keras.constraints.MaxNorm(0.5)
    layer.activity_regularizer = keras.regularizers.L1(0.01)
    return trained(model)


def called_without_state(model):
    trainable = [v.value for v in model.trainable_variables]
    others = [v.value for v in model.non_trainable_variables]
    outputs, _ = model.stateless_call([value * 0.5 for value in trainable], others, X)
    return [outputs, model(X)]


def in_threads(model):
    model(X)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda n: to_numpy(model(X * n)), range(8)))


def layer_alone(model):
    layer = model.get_layer("rnn_1")
    return [layer(X), layer(X[:, :1]), layer(X, training=True)]


def in_another_dtype(model):
    layer = model.get_layer("rnn_1")
    again = type(layer).from_config({**layer.get_config(), "dtype": "mixed_float16"})
    again.build((None, 6, 3))
    again.set_weights(layer.get_weights())
    outputs = again(X)
    assert keras.backend.standardize_dtype(outputs.dtype) == "float16"
    return [keras.ops.cast(outputs, "float32")]


def in_another_dtype_after_building(model):
    layer = model.get_layer("rnn_1")
    layer(X)
    layer.dtype_policy = "mixed_bfloat16"
    layer.cell.dtype_policy = "mixed_bfloat16"
    return [keras.ops.cast(layer(X), "float32")]


def with_states(model):
    layer = model.get_layer("rnn_2")
    config = {**layer.get_config(), "return_state": True, "return_sequences": True}
    again = type(layer).from_config(config)
    again.build((None, 6, 4))
    again.set_weights(layer.get_weights())
    features = np.random.default_rng(5).normal(size=(4, 6, 4)).astype("float32")
    outputs, *states = again(features)
    states = [np.full_like(to_numpy(state), 0.3) for state in states]
    return [outputs, *again(features, initial_state=states)]


def stateful(model):
    layer = model.get_layer("rnn_2")
    again = type(layer).from_config({**layer.get_config(), "stateful": True})
    features = np.random.default_rng(5).normal(size=(4, 6, 4)).astype("float32")
    again.build((4, 6, 4))
    again.set_weights(layer.get_weights())
    first, second = to_numpy(again(features)), to_numpy(again(features))
    again.reset_state()
    return [first, second, again(features)]


WAYS = {
    way.__name__: way
    for way in (
        called,
        called_in_training,
        predicted,
        predicted_on_a_batch,
        evaluated,
        trained,
        fitted,
        fitted_in_several_steps_a_call,
        fitted_with_xla,
        fitted_with_sample_weights,
        fitted_with_adam_and_clipping,
        trained_with_gradient_accumulation,
        frozen,
        frozen_and_thawed,
        saved_and_loaded,
        cloned,
        copied,
        pickled,
        made_from_its_configuration,
        nested,
        in_a_sequential_model,
        time_distributed,
        shared,
        masked,
        one_image,
        no_image,
        arrays_in_another_memory_order,
        arrays_of_double_precision,
        arrays_of_ints,
        very_large_values,
        not_a_number,
        other_activation_after_building,
        weights_set_after_a_call,
        weights_of_a_file,
        regularised_and_constrained,
        called_without_state,
        in_threads,
        layer_alone,
        in_another_dtype,
        in_another_dtype_after_building,
        with_states,
        stateful,
    )
}
OF_THE_BACKEND = {
    "tensorflow": WAYS_OF_TENSORFLOW,
    "jax": WAYS_OF_JAX,
    "torch": WAYS_OF_TORCH,
}[BACKEND]


def results_of(way, cell, unroll, **options):
    keras.utils.set_random_seed(0)
    return [to_numpy(array) for array in way(network(cell, unroll, **options))]


def assert_equal(ours, theirs):
    assert len(ours) == len(theirs) > 0
    for our, their in zip(ours, theirs, strict=True):
        scale = max(1, np.nanmax(np.abs(their), initial=0))
        np.testing.assert_allclose(our, their, rtol=1e-5, atol=1e-5 * scale)


# On TensorFlow and JAX a GRU and an LSTM run Keras' loop: what is left to go wrong there is the
# way into that loop. With `--hypothesis-profile=many` all run.
IS_WHOLE = BACKEND == "torch" or settings().max_examples > 100
INTO_THE_LOOP = ("called", "masked", "with_states")
# Keras' own LSTM cannot read a batch of no images on TensorFlow.
FAIL_IN_KERAS = {("no_image", "lstm")} if BACKEND == "tensorflow" else set()
# On PyTorch Keras' own GRU and LSTM cannot be trained with a state, and hand out one tensor as
# output and as state.
OF_A_SIMPLE_RNN = ("trained_with_state", "states_changed_in_place")
OPTIONS = [
    {"bidirectional": True},
    {"return_sequences": True},
    {"dropout": 0.3},
    {"units": 200},
    {"recurrent_dropout": 0.3},
    {"activation": "relu"},
    {"activation": "softsign"},
    {"reading": "column"},
]
MATRIX = [
    (way, cell)
    for way in WAYS
    for cell in CELLS
    if (IS_WHOLE or cell == "simple_rnn" or way in INTO_THE_LOOP)
    and (way, cell) not in FAIL_IN_KERAS
]
MATRIX_OF_THE_BACKEND = [
    (way, cell)
    for way in OF_THE_BACKEND
    for cell in CELLS
    if cell == "simple_rnn" or (IS_WHOLE and way not in OF_A_SIMPLE_RNN)
]


@pytest.mark.parametrize(("way", "cell"), MATRIX)
def test_a_way_of_use_gives_what_keras_gives(way, cell):
    ours, theirs = (results_of(WAYS[way], cell, unroll) for unroll in ("auto", False))
    assert_equal(ours, theirs)


@pytest.mark.parametrize(("way", "cell"), MATRIX_OF_THE_BACKEND)
def test_a_way_of_the_backend_gives_what_keras_gives(way, cell):
    results = []
    for unroll in ("auto", False):
        keras.utils.set_random_seed(0)
        arrays = OF_THE_BACKEND[way](network(cell, unroll), X)
        results.append([np.asarray(to_numpy(array)) for array in arrays])
    assert_equal(*results)


@pytest.mark.parametrize("cell", CELLS if IS_WHOLE else CELLS[:1])
@pytest.mark.parametrize(
    "options", OPTIONS if IS_WHOLE or BACKEND == "tensorflow" else OPTIONS[:4], ids=str
)
def test_every_option_gives_what_keras_gives(cell, options):
    def way(model):
        model.compile(keras.optimizers.SGD(0.1), "mse", run_eagerly=EAGERLY)
        model.train_on_batch(X, np.ones(model(X).shape))
        return [*model.get_weights(), model(X)]

    ours, theirs = (results_of(way, cell, unroll, **options) for unroll in ("auto", False))
    assert_equal(ours, theirs)


def test_there_are_forty_ways():
    assert len(WAYS) >= 40

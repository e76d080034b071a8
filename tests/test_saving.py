import warnings

import keras
import numpy as np
import pytest
from backends import INSTALLED, run_python
from hypothesis import given
from strategies import readings_and_images

from keras_imgseq import ImageAsSequence, build_image_rnn, build_step_model

to_numpy = keras.ops.convert_to_numpy

LOAD_AND_PREDICT = """
import sys
import keras
import numpy as np
import keras_imgseq
keras.config.set_image_data_format("channels_first")
folder = sys.argv[1]
for number in range(int(sys.argv[2])):
    model = keras.saving.load_model(f"{folder}/{number}.keras")
    images = np.load(f"{folder}/{number}.npy")
    np.save(f"{folder}/{number}.out.npy", model.predict(images, verbose=0))
"""

ARGUMENTS = [
    {},
    {"cell": "lstm", "reading": ImageAsSequence((2, 3), transpose=True, reverse=True)},
    {"cell": "gru", "reading": "cross", "merge": "max", "scale": 1 / 255, "units": (4, 3)},
    {"bidirectional": True, "reading": "column", "return_sequences": True, "classes": None},
    {"input_shape": (3, 4, 6), "data_format": "channels_first", "reading": 2},
    {"input_shape": (None, 6), "cell": keras.layers.GRUCell, "classifier_activation": None},
]


@given(readings_and_images())
def test_a_saved_reading_reads_the_same(tmp_path_factory, reading_and_images):
    reading, images = reading_and_images
    inputs = keras.Input(images.shape[1:], dtype="int32")
    model = keras.Model(inputs, ImageAsSequence(**reading)(inputs))
    path = tmp_path_factory.mktemp("saved") / "model.keras"
    model.save(path)
    loaded = keras.saving.load_model(path)
    np.testing.assert_array_equal(to_numpy(loaded(images)), to_numpy(model(images)))


@pytest.mark.parametrize("backend", INSTALLED)
def test_a_fresh_process_on_any_backend_loads_without_custom_objects(backend, tmp_path):
    expected = []
    for number, given_arguments in enumerate(ARGUMENTS):
        arguments = {"input_shape": (4, 6), "classes": 3, **given_arguments}
        shape = [side or 5 for side in arguments["input_shape"]]
        images = np.random.default_rng(number).random((2, *shape), dtype="float32")
        model = build_image_rnn(**arguments)
        model.save(tmp_path / f"{number}.keras")
        np.save(tmp_path / f"{number}.npy", images)
        expected.append(model.predict(images, verbose=0))
    ended = run_python("-c", LOAD_AND_PREDICT, tmp_path, len(ARGUMENTS), backend=backend)
    assert ended.returncode == 0, ended.stderr
    for number, outputs in enumerate(expected):
        np.testing.assert_allclose(np.load(tmp_path / f"{number}.out.npy"), outputs, atol=1e-5)


def test_the_registered_name_is_a_file_format():
    name = keras.saving.get_registered_name(ImageAsSequence)
    assert name == "keras_imgseq>ImageAsSequence"


def test_a_loaded_model_is_compiled_and_trains_on_as_the_first_one(tmp_path):
    images = np.random.default_rng(0).random((12, 5, 4), dtype="float32")
    labels = np.arange(12) % 3
    model = build_image_rnn((5, 4), 3, units=4)
    model.compile(
        keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", None, ["accuracy"]
    )
    options = {"epochs": 2, "shuffle": False, "verbose": 0}
    model.fit(images, labels, **options)
    model.save(tmp_path / "model.keras")
    with warnings.catch_warnings(action="error", category=UserWarning):
        loaded = keras.saving.load_model(tmp_path / "model.keras")
        keras.models.clone_model(model)
    assert loaded.compiled
    assert int(loaded.optimizer.iterations) == 2
    first, second = (m.fit(images, labels, **options).history for m in (model, loaded))
    assert first == second


def test_weights_of_cells_keep_their_names_apart(tmp_path):
    """Keras loads a cell outside of its layer; PyTorch tells weights apart by their paths."""
    model = build_image_rnn((4, 3), 2, cell=keras.layers.GRUCell, units=(3, 3))
    for name, saved in (("network", model), ("step", build_step_model(model))):
        saved.save(tmp_path / f"{name}.keras")
        loaded = keras.saving.load_model(tmp_path / f"{name}.keras")
        paths = [weight.path for weight in loaded.weights]
        assert len(set(paths)) == len(paths) == len(model.weights)

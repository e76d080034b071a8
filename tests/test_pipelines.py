"""The readings inside the data pipelines that people have, on every backend."""

import keras
import numpy as np
import pytest
from backends import needs_tensorflow, needs_torch

from keras_imgseq import ImageAsSequence, build_image_rnn, image_as_sequence

READING = {"step": (2, 4), "order": "hilbert", "data_format": "channels_last"}
IMAGES = np.arange(4 * 6 * 8 * 3).reshape(4, 6, 8, 3).astype("uint8")
EXPECTED = image_as_sequence(IMAGES, **READING)


def read_one(image):
    return image_as_sequence(image, **READING, batched=False)


def read_batch(images):
    return image_as_sequence(images, **READING)


def assert_read(sequences):
    sequences = np.asarray(sequences)
    assert sequences.dtype == "uint8"
    np.testing.assert_array_equal(sequences, EXPECTED)


@needs_tensorflow
def test_in_tf_data_before_and_after_batch():
    import tensorflow as tf

    dataset = tf.data.Dataset.from_tensor_slices(IMAGES)
    layer = ImageAsSequence(**READING)
    assert_read([sequence.numpy() for sequence in dataset.map(read_one)])
    assert_read(next(iter(dataset.map(read_one).batch(4))))
    assert_read(next(iter(dataset.batch(4).map(read_batch))))
    assert_read(next(iter(dataset.batch(4).map(layer))))
    assert_read(next(iter(dataset.batch(4).map(layer, num_parallel_calls=2))))
    assert dataset.batch(4).map(layer).element_spec.shape[1:] == (6, 24)


@needs_tensorflow
def test_in_tf_data_a_patch_that_does_not_divide_is_refused():
    import tensorflow as tf

    dataset = tf.data.Dataset.from_tensors(IMAGES)
    with pytest.raises(ValueError, match="The patch's height 4 does not divide"):
        dataset.map(ImageAsSequence(4, data_format="channels_last"))


@needs_tensorflow
def test_in_tf_data_of_images_of_unknown_height():
    import tensorflow as tf

    def images():
        yield from (IMAGES[0, :4], IMAGES[0])

    spec = tf.TensorSpec((None, 8, 3), "uint8")
    dataset = tf.data.Dataset.from_generator(images, output_signature=spec)
    reading = {"step": "row", "order": "snake", "data_format": "channels_last"}
    sequences = list(dataset.map(lambda x: image_as_sequence(x, **reading, batched=False)))
    np.testing.assert_array_equal(sequences[0], IMAGES[0, :4].reshape(4, 24))
    np.testing.assert_array_equal(sequences[1], IMAGES[0].reshape(6, 24))


@needs_tensorflow
def test_in_tf_data_of_images_of_unknown_rank():
    import tensorflow as tf

    spec = tf.TensorSpec(None, "uint8")
    dataset = tf.data.Dataset.from_generator(lambda: iter(IMAGES), output_signature=spec)
    with pytest.raises(ValueError, match=r"write images.set_shape\(\(None, 28, 28, 3\)\)"):
        dataset.map(read_one)


@needs_tensorflow
def test_the_inverse_in_tf_data():
    import tensorflow as tf

    back = ImageAsSequence(**READING).inverse((6, 8))
    dataset = tf.data.Dataset.from_tensors(EXPECTED).map(back)
    np.testing.assert_array_equal(next(iter(dataset)), IMAGES)


@needs_tensorflow
def test_a_mask_in_tf_data_is_refused_where_the_pipeline_can_be_told_from_the_model():
    import tensorflow as tf

    images = IMAGES.astype("float32")
    layer = ImageAsSequence("row", mask_value=0.0)
    dataset = tf.data.Dataset.from_tensors(images)
    if keras.backend.backend() == "tensorflow":
        sequences = next(iter(dataset.map(layer)))
        np.testing.assert_array_equal(sequences, images.reshape(4, 6, 24))
    else:
        with pytest.raises(ValueError, match="A data pipeline passes no mask on"):
            dataset.map(layer)
        with pytest.raises(ValueError, match="Received: a mask, images of tensorflow"):
            ImageAsSequence("row")(tf.constant(images), mask=np.ones(images.shape[:2], "bool"))


@needs_tensorflow
def test_in_a_pipeline_of_keras():
    import tensorflow as tf

    pipeline = keras.layers.Pipeline([ImageAsSequence(**READING)])
    dataset = tf.data.Dataset.from_tensor_slices(IMAGES).batch(4)
    assert_read(next(iter(dataset.map(pipeline))))
    assert_read(keras.ops.convert_to_numpy(pipeline(IMAGES)))


class PyTorchImages:
    """A map-style data set of PyTorch."""

    def __init__(self, read):
        self.read = read

    def __len__(self):
        return len(IMAGES)

    def __getitem__(self, index):
        return self.read(index)


@needs_torch
@pytest.mark.parametrize("num_workers", [0, 2])
def test_in_a_data_loader_with_workers(num_workers):
    import torch

    layer = ImageAsSequence(**READING)
    for read in (
        lambda index: read_one(IMAGES[index]),
        lambda index: read_one(torch.from_numpy(IMAGES[index])),
        lambda index: layer(torch.from_numpy(IMAGES[index : index + 1]))[0],
    ):
        loader = torch.utils.data.DataLoader(
            PyTorchImages(read), batch_size=4, num_workers=num_workers
        )
        assert_read(next(iter(loader)))


def test_in_grain():
    grain = pytest.importorskip("grain", reason="Grain has no build for every platform")
    source = grain.MapDataset.source(list(IMAGES))
    layer = ImageAsSequence(**READING)
    assert_read(source.map(read_one).batch(4)[0])
    assert_read(keras.ops.convert_to_numpy(source.batch(4).map(layer)[0]))
    iterator = source.to_iter_dataset().map(read_one).batch(4)
    assert_read(next(iter(iterator)))


@needs_tensorflow
def test_on_a_directory_of_images(tmp_path):
    for name in ("across", "down"):
        (tmp_path / name).mkdir()
        for number in range(4):
            image = np.zeros((8, 8, 1), "uint8")
            image[number] = 255
            image = image if name == "across" else image.transpose(1, 0, 2)
            keras.utils.save_img(tmp_path / name / f"{number}.png", image)
    dataset = keras.utils.image_dataset_from_directory(
        tmp_path, color_mode="grayscale", image_size=(8, 8), batch_size=4, seed=0
    )
    layer = ImageAsSequence("row")
    images, sequences = next(iter(dataset.map(lambda images, labels: (images, layer(images)))))
    np.testing.assert_array_equal(sequences, np.asarray(images)[..., 0])
    model = build_image_rnn((8, 8, 1), 2, scale=1 / 255)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(dataset, verbose=0)


def test_as_the_first_layer_of_a_model_and_on_plain_arrays():
    layer = ImageAsSequence(**READING)
    model = keras.Sequential([keras.Input((6, 8, 3), dtype="uint8"), layer])
    assert_read(model.predict(IMAGES, verbose=0))
    assert_read(keras.ops.convert_to_numpy(ImageAsSequence(**READING)(IMAGES)))
    assert_read(image_as_sequence(IMAGES, **READING))


def test_a_keras_variable_stays_a_tensor():
    variable = keras.Variable(IMAGES, trainable=False, dtype="uint8")
    for sequences in (ImageAsSequence(**READING)(variable), read_batch(variable)):
        assert keras.ops.is_tensor(sequences)
        assert_read(keras.ops.convert_to_numpy(sequences))

"""Every bad input ends in an error that says what was received and what to write instead."""

import keras
import numpy as np
import pytest
from messages import raises

from keras_imgseq import (
    CharacterErrorRate,
    ImageAsSequence,
    SequenceAsImage,
    build_image_rnn,
    count_image_rnn_params,
    image_as_sequence,
    sequence_as_image,
)


@pytest.mark.parametrize(
    ("arguments", "received", "cure"),
    [
        ({"step": "rows"}, "step='rows'", "one of 'row', 'column', 'pixel'"),
        ({"step": 0}, "step=0", "positive numbers"),
        ({"step": (4, -1)}, "step=(4, -1)", "positive numbers"),
        ({"step": (4, 0)}, "step=(4, 0)", "positive numbers"),
        ({"step": 2.5}, "step=2.5", "a pair of ints"),
        ({"step": (1, 2, 3)}, "step=(1, 2, 3)", "a pair of ints"),
        ({"step": (3,)}, "step=(3,)", "a pair of ints"),
        ({"step": True}, "step=True", "a pair of ints"),
        ({"order": "zickzack"}, "order='zickzack'", "one of 'raster', 'snake', 'zigzag'"),
        ({"order": "diagonal"}, "order='diagonal'", "one of 'raster', 'snake', 'zigzag'"),
        ({"order": 3}, "order=3", "'random', or the cells of the grid as a sequence of ints"),
        ({"order": [0.5, 1]}, "order=[0.5, 1]", "or the cells of the grid"),
        ({"order": []}, "order=[]", "order=[2, 0, 3, 1]"),
        ({"order": [0, 1, 3]}, "an order of 3 cells", "Cell 2 is missing, and cell 3 is not in"),
        ({"order": [0, 2, 2]}, "an order of 3 cells", "Cell 1 is missing, and cell 2 comes more"),
        ({"order": [0, -1, 1]}, "an order of 3 cells", "Cell 2 is missing, and cell -1 is not in"),
        ({"order": "random"}, "seed=None", "write seed=0"),
        ({"order": "spiral", "seed": 3}, "order='spiral', seed=3", "Omit the seed"),
        ({"order": [0], "seed": 3}, "order=a list of 1 cells, seed=3", "Omit the seed"),
        ({"order": "random", "seed": -1}, "seed=-1", "from 0 to 2**32 - 1"),
        ({"order": "random", "seed": 2**32}, "seed=4294967296", "from 0 to 2**32 - 1"),
        ({"order": "random", "seed": 2**33}, "seed=8589934592", "from 0 to 2**32 - 1"),
        ({"order": "random", "seed": 2.5}, "seed=2.5", "from 0 to 2**32 - 1"),
        ({"padding": "valid"}, "padding='valid'", "one of 'same', for zeros"),
        ({"mask_value": "0"}, "mask_value='0'", "mask_value=0.0"),
        ({"mask_value": float("nan")}, "mask_value=nan", "mask_value=0.0"),
        ({"mask_value": True}, "mask_value=True", "mask_value=0.0"),
        ({"transpose": "yes"}, "transpose='yes'", "True or False"),
        ({"reverse": 1}, "reverse=1", "True or False"),
        ({"data_format": "NHWC"}, "data_format='NHWC'", "one of 'channels_last', 'channels_first'"),
    ],
)
def test_a_reading_that_does_not_exist(arguments, received, cure):
    with raises(ValueError) as error:
        ImageAsSequence(**arguments)
    assert f"Received: {received}" in str(error.value)
    assert cure in str(error.value)


@pytest.mark.parametrize(
    ("shape", "arguments", "cure"),
    [
        ((28, 28), {}, "For one image, write images[None]."),
        ((2, 28, 28, 1, 1), {}, "write images[..., 0]"),
        ((28,), {}, "three or four axes"),
        ((2, 0, 28), {}, "at least one pixel"),
        ((2, 28, 28, 0), {}, "one channel"),
        ((2, 28, 28), {"step": 5}, "crop the images to 25 or pad them to 30 pixels in height"),
        ((2, 28, 28), {"step": (4, 5)}, "crop the images to 25 or pad them to 30 pixels in width"),
        ((2, 28, 28), {"step": 30}, "divides it, or pad them to 30 pixels in height"),
        ((2, 28, 28), {"step": 5}, 'padding="same" to add zeros'),
        ((2, 4, 4), {"step": 2, "order": [0, 2, 1]}, "a step that makes 3 patches of the image"),
        ((2, 4, 4), {"step": 2, "order": [4, 3, 2, 1, 0]}, "a step that makes 5 patches of the"),
    ],
)
def test_images_that_cannot_be_read(shape, arguments, cure):
    layer = ImageAsSequence(**arguments)
    for read in (layer.compute_output_shape, lambda shape: layer(np.zeros(shape))):
        with raises(ValueError) as error:
            read(shape)
        assert cure in str(error.value)
        assert "Received: " in str(error.value)


@pytest.mark.parametrize(
    ("shape", "arguments", "cure"),
    [
        ((28, None), {"step": "row"}, "Write the width as a number"),
        ((None, 28), {"step": "column"}, "Write the height as a number"),
        ((None, 28), {"step": 4}, "Write the height of the images as a number, or padding"),
        ((28, None), {"step": (1, 4)}, "Write the width of the images as a number, or padding"),
        ((28, 28, None), {"step": "pixel"}, "1 for grey and 3 for colour"),
        ((None, 28), {"step": "pixel", "order": "hilbert"}, 'order="raster" or order="snake"'),
        ((None, 28), {"order": "random", "seed": 1}, 'order="raster" or order="snake"'),
        ((None, 28), {"order": [1, 0]}, "Received: order=2 cells"),
        ((None, 28), {"step": 1, "order": "spiral"}, "order='spiral', grid=(None, 28)"),
    ],
)
def test_unknown_sizes_that_decide_the_number_of_features(shape, arguments, cure):
    for read in (
        lambda: ImageAsSequence(**arguments)(keras.Input(shape)),
        lambda: build_image_rnn(shape, 10, reading=ImageAsSequence(**arguments)),
        lambda: count_image_rnn_params(shape, 10, reading=ImageAsSequence(**arguments)),
    ):
        with raises(ValueError) as error:
            read()
        assert cure in str(error.value)
        assert "Received: " in str(error.value)


def test_a_pixel_of_an_unknown_number_of_channels():
    with raises(ValueError, match="The number of channels must be known"):
        build_image_rnn((None, None, None), 10, reading="pixel")


@pytest.mark.parametrize(("later", "gives"), [((2, 28, 30), 30), ((2, 28, 28, 3), 84)])
def test_a_width_or_a_channel_axis_that_changes_between_calls(later, gives):
    layer = ImageAsSequence("row")
    layer(np.zeros((2, 28, 28)))
    for images in (np.zeros(later), keras.Input(later[1:])):
        with raises(ValueError, match="was built for time steps of 28 features") as error:
            layer(images)
        assert f"which gives {gives}. Write images of" in str(error.value)
        assert "make another ImageAsSequence" in str(error.value)


def test_a_channel_axis_that_is_not_there():
    layer = ImageAsSequence("row")
    layer(np.zeros((2, 28, 28, 3)))
    with raises(ValueError, match=r"84 features. Received: shape=\(2, 28, 28\)"):
        layer(np.zeros((2, 28, 28)))


@pytest.mark.parametrize(
    ("arguments", "cure"),
    [
        ({"input_shape": (28,)}, "28, 28)"),
        ({"input_shape": 28}, "28, 28)"),
        ({"input_shape": (32, 28, 28, 1)}, "without the batch"),
        ({"input_shape": (28, 0)}, "Each size is at least 1"),
        ({"input_shape": (28, -28)}, "Each size is at least 1"),
        ({"input_shape": (28, "28")}, "28, 28)"),
        ({"units": []}, "units=16 or units=(32, 16)"),
        ({"units": -1}, "units=16 or units=(32, 16)"),
        ({"units": (16, 0)}, "units=16 or units=(32, 16)"),
        ({"units": 2.5}, "units=16 or units=(32, 16)"),
        ({"classes": 0}, "classes=None to get the features"),
        ({"classes": -3}, "classes=None to get the features"),
        ({"classes": True}, "classes=None to get the features"),
        ({"cell": "rnn"}, "one of 'simple_rnn', 'gru', 'lstm'"),
        ({"cell": ["gru"]}, "one of 'simple_rnn', 'gru', 'lstm'"),
        ({"merge": ["sum"]}, "one of 'concat', 'sum', 'mean', 'max'"),
        ({"cell": None}, "'lstm', or a callable like keras.layers.GRUCell. Received: cell=None"),
        ({"activation": "rlu"}, "for example 'relu'"),
        ({"classifier_activation": "softmacks"}, "for example 'relu'"),
        ({"reading": "diagonal"}, "one of 'row', 'column', 'pixel'"),
        ({"reading": "hilbert"}, "as ImageAsSequence((4, 4), 'hilbert')"),
        ({"reading": []}, "reading=None for rows"),
        ({"reading": ("cross", "diagonal")}, "one of 'row', 'column', 'pixel'"),
        ({"reading": ["cross", 4]}, "Received: reading=['cross', 4]"),
        ({"reading": ["row", ("cross", 4)]}, 'reading=("cross", 4), in round brackets'),
        ({"reading": 5}, "crop the images to 25"),
        ({"reading": ["row", "pixel"], "return_sequences": True}, "readings of equal steps"),
        (
            {"input_shape": (None, 28), "reading": ["row", (1, 14)], "return_sequences": True},
            "unknown and different numbers of steps",
        ),
        ({"merge": "add"}, "one of 'concat', 'sum', 'mean', 'max'"),
        ({"bidirectional": "yes"}, "True or False"),
        ({"return_sequences": 1}, "True or False"),
        ({"dropout": 1.5}, "less than 1. Received: dropout=1.5. For example, write dropout=0.2"),
        ({"dropout": 1}, "less than 1"),
        ({"dropout": float("nan")}, "less than 1"),
        ({"recurrent_dropout": -0.1}, "recurrent_dropout=0.2"),
        ({"recurrent_dropout": "half"}, "recurrent_dropout=0.2"),
        ({"scale": 0}, "scale=1/255"),
        ({"scale": "1/255"}, "scale=1/255"),
        ({"scale": 1e-300}, "scale=1/255"),
        ({"scale": -1e300}, "scale=1/255"),
        ({"unroll": "never"}, '"auto", True or False'),
        ({"input_shape": (None, 28), "unroll": True}, "unroll='auto'"),
        ({"data_format": "NHWC"}, "one of 'channels_last', 'channels_first'"),
        (
            {
                "data_format": "channels_last",
                "reading": ImageAsSequence(data_format="channels_first"),
            },
            "Write the same data_format everywhere",
        ),
        ({"cell": keras.layers.GRUCell, "dropout": 0.1}, "Write it inside the callable"),
        ({"cell": keras.layers.GRUCell, "activation": "relu"}, "Write it inside the callable"),
    ],
)
@pytest.mark.parametrize("function", [build_image_rnn, count_image_rnn_params])
def test_a_network_that_cannot_be(function, arguments, cure):
    with raises(ValueError) as error:
        function(**{"input_shape": (28, 28), "classes": 10, **arguments})
    assert cure in str(error.value)
    assert "Received: " in str(error.value)


def test_a_callable_cell_has_no_formula():
    with raises(ValueError, match=r"build_image_rnn\(...\).count_params\(\)"):
        count_image_rnn_params((28, 28), 10, cell=keras.layers.GRUCell)


def test_a_callable_that_makes_no_cell():
    with raises(ValueError, match=r"cell=keras.layers.GRUCell"):
        build_image_rnn((28, 28), 10, cell=lambda units: units)


def test_a_bidirectional_cell_that_is_not_registered():
    class UnregisteredCell(keras.layers.SimpleRNNCell):
        pass

    with raises(ValueError, match="register_keras_serializable"):
        build_image_rnn((28, 28), 10, cell=UnregisteredCell, bidirectional=True)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "bool"])
def test_a_mask_value_on_images_that_are_no_floats(dtype):
    layer = ImageAsSequence("row", mask_value=0.0)
    for images in (np.zeros((2, 4, 4), dtype), keras.Input((4, 4), dtype=dtype)):
        with raises(ValueError, match=r'Write images.astype\("float32"\)') as error:
            layer(images)
        assert f"images of {dtype}" in str(error.value)


@pytest.mark.parametrize("image_size", [28, (28,), (28, 0), (28, None), (28.0, 28), (1, 2, 3, 4)])
def test_an_image_size_that_cannot_be(image_size):
    layer = ImageAsSequence()
    layer(np.zeros((2, 28, 28, 3)))
    for make in (SequenceAsImage, ImageAsSequence().inverse, layer.inverse):
        with raises(ValueError, match=r"For example, write \(28, 28\)") as error:
            make(image_size)
        assert f"image_size={image_size!r}" in str(error.value)


def test_an_inverse_for_an_image_that_the_patch_does_not_divide():
    with raises(ValueError, match='padding="same"'):
        ImageAsSequence(4).inverse((10, 12))


def test_an_inverse_of_another_size_than_the_order():
    with raises(ValueError, match="an order of 4 cells for a grid of 3 x 3"):
        ImageAsSequence(2, order=[3, 2, 1, 0]).inverse((6, 6))


@pytest.mark.parametrize(
    ("shape", "size", "cure"),
    [
        ((2, 9, 4), (4, 6), "Images of 4 x 6 pixels are read in 6 steps"),
        ((2, 5, 4), (4, 6), "Images of 4 x 6 pixels are read in 6 steps"),
        ((2, 6, 5), (4, 6), "A step of this reading sees 4 pixels"),
        ((2, 6, 8), (4, 6, 3), "Write 2 for the channels, or image_size=(4, 6)"),
        ((2, 6, 8), (4, 6, 1), "Write 2 for the channels, or image_size=(4, 6)"),
        ((6, 4), (4, 6), "Sequences are (batch, steps, features)"),
        ((2, 4, 6, 1), (4, 6), "Sequences are (batch, steps, features)"),
    ],
)
def test_sequences_that_are_no_images(shape, size, cure):
    layer = SequenceAsImage(size, 2)
    for put_back in (
        lambda: layer(np.zeros(shape)),
        lambda: layer.compute_output_shape(shape),
        lambda: sequence_as_image(np.zeros(shape), size, 2),
    ):
        with raises(ValueError) as error:
            put_back()
        assert cure in str(error.value)
        assert "Received: " in str(error.value)


def test_sequences_of_an_unknown_number_of_features():
    with raises(ValueError, match=r"put keras\.layers\.Dense"):
        SequenceAsImage((4, 6))(keras.Input((4, None)))


def test_single_images_and_sequences_of_the_wrong_rank():
    with raises(ValueError, match="For a batch, omit batched=False"):
        image_as_sequence(np.zeros((2, 4, 6, 1)), batched=False)
    with raises(ValueError, match=r"For one image, write images\[None\]"):
        image_as_sequence(np.zeros((4, 6)))
    with raises(ValueError, match="For a batch, omit batched=False"):
        sequence_as_image(np.zeros((2, 4, 6)), (4, 6), batched=False)


@pytest.mark.parametrize("function", [image_as_sequence, sequence_as_image])
def test_functions_check_the_reading(function):
    arguments = {} if function is image_as_sequence else {"image_size": (4, 6)}
    with raises(ValueError, match="Unknown step"):
        function(np.zeros((2, 4, 6)), step="rows", **arguments)
    with raises(ValueError, match="one of 'channels_last', 'channels_first'"):
        function(np.zeros((2, 4, 6)), data_format="NHWC", **arguments)


def test_functions_name_the_layers_for_symbolic_tensors():
    for read in (
        lambda: image_as_sequence(keras.Input((None, 4))),
        lambda: sequence_as_image(keras.Input((None, 4)), (3, 4)),
    ):
        with raises(ValueError, match=r"hold values. Received: <KerasTensor .* the layers"):
            read()


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (
            lambda: ImageAsSequence(padding="valid"),
            "Unknown padding. Write one of 'same', for zeros at the bottom and the right, or None. "
            "Received: padding='valid'",
        ),
        (
            lambda: ImageAsSequence(order="random"),
            'order="random" needs a seed. Received: seed=None. For example, write seed=0.',
        ),
        (
            lambda: ImageAsSequence("pixel", "spiral")(keras.Input((None, 8))),
            "This order needs the size of the grid. Received: order='spiral', grid=(None, 8). "
            'Write the height and width of the images as numbers, or take order="raster" or '
            'order="snake".',
        ),
        (
            lambda: SequenceAsImage((4, 6), 2).compute_output_shape((6, 4)),
            "Sequences are (batch, steps, features). Received: shape=(6, 4). Write what "
            "ImageAsSequence returns, or what a recurrent layer with return_sequences=True makes "
            "of it.",
        ),
        (
            lambda: SequenceAsImage((4, 6), 2).compute_output_shape((2, 9, 4)),
            "Images of 4 x 6 pixels are read in 6 steps. Received: shape=(2, 9, 4), which has 9. "
            "Write the `image_size` and the reading that made the sequences.",
        ),
        (
            lambda: SequenceAsImage((4, 6), 2).compute_output_shape((2, 6, 5)),
            "A step of this reading sees 4 pixels, so the number of features is a multiple of 4. "
            "Received: shape=(2, 6, 5). Write the reading that made the sequences, or put "
            "keras.layers.Dense(4) in front.",
        ),
    ],
)
def test_errors_read_whole(read, message):
    with raises(ValueError) as error:
        read()
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("images", "cure"),
    [
        ([np.zeros((4, 6)), None], "number 1 is None. Leave out what could not be opened"),
        ([np.zeros((4, 6)), np.zeros((4, 6, 3))], "Make all of them grey, or all of them coloured"),
        ([np.zeros((4, 6)), np.zeros((5, 6))], "Pad them to one size"),
        (np.zeros((2, 4, 6), "V4"), "numpy.frombuffer"),
    ],
)
def test_lists_that_are_no_batch_name_their_cure(images, cure):
    with raises(ValueError, match=cure):
        image_as_sequence(images)


@pytest.mark.parametrize("library", ["jax", "torch"])
def test_a_list_of_two_libraries_is_refused(library):
    image = np.zeros((4, 6), "float32")
    if library == "torch":
        torch = pytest.importorskip("torch", reason="the extra `torch` installs it")
        tensor = torch.tensor(image, requires_grad=True)
    else:
        jax = pytest.importorskip("jax", reason="the extra `jax` installs it")
        tensor = jax.numpy.asarray(image)
    for pair in ([image, tensor], [tensor, image]):
        with raises(ValueError, match=rf"arrays of .*'{library}'.*\. Convert all of them"):
            image_as_sequence(pair)


@pytest.mark.parametrize("shape", [(4, 6, None), (3, None, None), (4, 6, 0)])
def test_an_unknown_number_of_channels_is_no_doubt_about_the_axes(shape):
    says = "at least one pixel and one channel|The number of channels must be known|is at least 1"
    with raises(ValueError, match=says):
        build_image_rnn(shape, 3)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("activation", "glu"),
        ("classifier_activation", "glu"),
        ("classifier_activation", keras.layers.Dense(2)),
        ("classifier_activation", keras.layers.Reshape((3, 1))),
        ("activation", keras.layers.Embedding(3, 3)),
    ],
)
@pytest.mark.parametrize("classes", [1, 4])
def test_activations_that_give_other_numbers_of_values_are_refused(name, value, classes):
    with raises(ValueError, match="gives as many values as it takes"):
        build_image_rnn((4, 6), classes, **{name: value})


@pytest.mark.parametrize("name", [3, 0, [], {}, np.array([1, 2])])
def test_a_metric_has_a_name(name):
    with raises(ValueError, match="`name` is a string"):
        CharacterErrorRate(name=name)

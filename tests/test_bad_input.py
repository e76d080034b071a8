"""Every bad input ends in an error that says what was received and what to write instead."""

import keras
import numpy as np
import pytest

from keras_imgseq import ImageAsSequence, build_image_rnn, count_image_rnn_params


@pytest.mark.parametrize(
    ("arguments", "received", "cure"),
    [
        ({"step": "rows"}, "step='rows'", "one of 'row', 'column', 'pixel'"),
        ({"step": 0}, "step=0", "positive numbers"),
        ({"step": (4, -1)}, "step=(4, -1)", "positive numbers"),
        ({"step": (4, 0)}, "step=(4, 0)", "positive numbers"),
        ({"step": 2.5}, "step=2.5", "a pair of ints"),
        ({"step": (1, 2, 3)}, "step=(1, 2, 3)", "a pair of ints"),
        ({"step": True}, "step=True", "a pair of ints"),
        ({"order": "zickzack"}, "order='zickzack'", "one of 'raster'"),
        ({"transpose": "yes"}, "transpose='yes'", "True or False"),
        ({"reverse": 1}, "reverse=1", "True or False"),
        ({"data_format": "NHWC"}, "data_format='NHWC'", '"channels_last"'),
    ],
)
def test_a_reading_that_does_not_exist(arguments, received, cure):
    with pytest.raises(ValueError) as error:
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
    ],
)
def test_images_that_cannot_be_read(shape, arguments, cure):
    layer = ImageAsSequence(**arguments)
    for read in (layer.compute_output_shape, lambda shape: layer(np.zeros(shape))):
        with pytest.raises(ValueError) as error:
            read(shape)
        assert cure in str(error.value)
        assert "Received: " in str(error.value)


@pytest.mark.parametrize(
    ("shape", "arguments", "cure"),
    [
        ((28, None), {"step": "row"}, "Write the width as a number"),
        ((None, 28), {"step": "column"}, "Write the height as a number"),
        ((None, 28), {"step": 4}, "Write the height of the images as a number"),
        ((28, None), {"step": (1, 4)}, "Write the width of the images as a number"),
        ((28, 28, None), {"step": "pixel"}, "1 for grey and 3 for colour"),
    ],
)
def test_unknown_sizes_that_decide_the_number_of_features(shape, arguments, cure):
    for read in (
        lambda: ImageAsSequence(**arguments)(keras.Input(shape)),
        lambda: build_image_rnn(shape, 10, reading=ImageAsSequence(**arguments)),
        lambda: count_image_rnn_params(shape, 10, reading=ImageAsSequence(**arguments)),
    ):
        with pytest.raises(ValueError) as error:
            read()
        assert cure in str(error.value)
        assert "Received: " in str(error.value)


def test_a_pixel_of_an_unknown_number_of_channels():
    with pytest.raises(ValueError, match="The number of channels must be known"):
        build_image_rnn((None, None, None), 10, reading="pixel")


@pytest.mark.parametrize("later", [(2, 28, 30), (2, 28, 28, 3)])
def test_a_width_or_a_channel_axis_that_changes_between_calls(later):
    layer = ImageAsSequence("row")
    layer(np.zeros((2, 28, 28)))
    for images in (np.zeros(later), keras.Input(later[1:])):
        with pytest.raises(ValueError, match="was built for time steps of 28 features") as error:
            layer(images)
        assert "make another ImageAsSequence" in str(error.value)


def test_a_channel_axis_that_is_not_there():
    layer = ImageAsSequence("row")
    layer(np.zeros((2, 28, 28, 3)))
    with pytest.raises(ValueError, match=r"84 features. Received: shape=\(2, 28, 28\)"):
        layer(np.zeros((2, 28, 28)))


@pytest.mark.parametrize(
    ("arguments", "cure"),
    [
        ({"input_shape": (28,)}, "Write (28, 28) for grey"),
        ({"input_shape": 28}, "Write (28, 28) for grey"),
        ({"input_shape": (32, 28, 28, 1)}, "without the batch"),
        ({"input_shape": (28, 0)}, "at least one pixel"),
        ({"input_shape": (28, -28)}, "at least one pixel"),
        ({"input_shape": (28, "28")}, "Write (28, 28) for grey"),
        ({"units": []}, "units=16 or units=(32, 16)"),
        ({"units": -1}, "units=16 or units=(32, 16)"),
        ({"units": (16, 0)}, "units=16 or units=(32, 16)"),
        ({"units": 2.5}, "units=16 or units=(32, 16)"),
        ({"classes": 0}, "classes=None to get the features"),
        ({"classes": -3}, "classes=None to get the features"),
        ({"classes": True}, "classes=None to get the features"),
        ({"cell": "rnn"}, "one of 'simple_rnn', 'gru', 'lstm'"),
        ({"cell": None}, "one of 'simple_rnn', 'gru', 'lstm'"),
        ({"activation": "rlu"}, "such as 'relu'"),
        ({"classifier_activation": "softmacks"}, "such as 'relu'"),
        ({"reading": "diagonal"}, "one of 'row', 'column', 'pixel'"),
        ({"reading": []}, "reading=None for rows"),
        ({"reading": ("cross", "diagonal")}, "one of 'row', 'column', 'pixel'"),
        ({"reading": 5}, "crop the images to 25"),
        ({"reading": ["row", "pixel"], "return_sequences": True}, "readings of equal steps"),
        ({"merge": "add"}, "one of 'concat', 'sum', 'mean', 'max'"),
        ({"bidirectional": "yes"}, "True or False"),
        ({"return_sequences": 1}, "True or False"),
        ({"dropout": 1.5}, "dropout=0.15 for 15 per cent"),
        ({"dropout": 1}, "less than 1"),
        ({"dropout": float("nan")}, "less than 1"),
        ({"recurrent_dropout": -0.1}, "recurrent_dropout=0.15"),
        ({"recurrent_dropout": "half"}, "recurrent_dropout=0.15"),
        ({"scale": 0}, "scale=1/255"),
        ({"scale": "1/255"}, "scale=1/255"),
        ({"unroll": "never"}, '"auto", True or False'),
        ({"input_shape": (None, 28), "unroll": True}, "unroll='auto'"),
        ({"data_format": "NHWC"}, '"channels_last"'),
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
    with pytest.raises(ValueError) as error:
        function(**{"input_shape": (28, 28), "classes": 10, **arguments})
    assert cure in str(error.value)
    assert "Received: " in str(error.value)


def test_a_callable_cell_has_no_formula():
    with pytest.raises(ValueError, match=r"build_image_rnn\(...\).count_params\(\)"):
        count_image_rnn_params((28, 28), 10, cell=keras.layers.GRUCell)


def test_a_callable_that_makes_no_cell():
    with pytest.raises(ValueError, match=r"cell=keras.layers.GRUCell"):
        build_image_rnn((28, 28), 10, cell=lambda units: units)


def test_a_bidirectional_cell_that_is_not_registered():
    class UnregisteredCell(keras.layers.SimpleRNNCell):
        pass

    with pytest.raises(ValueError, match="register_keras_serializable"):
        build_image_rnn((28, 28), 10, cell=UnregisteredCell, bidirectional=True)

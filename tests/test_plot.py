import keras
import matplotlib
import numpy as np
import pytest
from backends import needs_torch, run_python
from hypothesis import given
from messages import raises
from strategies import readings_and_images

from keras_imgseq import ImageAsSequence, LineReader, build_image_rnn
from keras_imgseq.plot import plot_belief, plot_line, plot_reading

matplotlib.use("agg")
pyplot = pytest.importorskip("matplotlib.pyplot", reason="the extra `plot` installs it")


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    pyplot.close("all")


@given(readings_and_images())
def test_a_reading_is_drawn_step_by_step(reading_and_images):
    reading, images = reading_and_images
    layer = ImageAsSequence(**reading)
    num_steps = layer.compute_output_shape(images.shape)[1]
    axes = plot_reading(layer, images[0])
    patches, path = axes.collections
    assert len(patches.get_paths()) == num_steps
    assert len(path.get_segments()) == num_steps - 1
    assert [text.get_text() for text in axes.texts] == [str(n + 1) for n in range(num_steps)]
    assert len(axes.images) == 1
    pyplot.close(axes.figure)


def test_the_path_goes_through_the_centres_of_the_patches():
    axes = plot_reading(ImageAsSequence((2, 3), "snake"), (4, 6))
    segments = axes.collections[1].get_segments()
    assert np.array(segments).tolist() == [
        [[1.5, 1], [4.5, 1]],
        [[4.5, 1], [4.5, 3]],
        [[4.5, 3], [1.5, 3]],
    ]
    assert [text.get_position() for text in axes.texts] == [(1.5, 1), (4.5, 1), (4.5, 3), (1.5, 3)]
    assert axes.get_xlim() == (0, 6)
    assert axes.get_ylim() == (4, 0)
    assert not axes.images


def test_later_steps_have_another_colour():
    axes = plot_reading(ImageAsSequence("row"), (5, 4))
    colours = [tuple(text.get_bbox_patch().get_facecolor()) for text in axes.texts]
    assert len(set(colours)) == 5
    patches, path = axes.collections
    assert [tuple(colour) for colour in patches.get_edgecolor()] == colours
    assert [tuple(colour) for colour in path.get_colors()] == colours[:-1]


def test_numbers_can_be_read_on_the_colour_of_each_step():
    def luminance(colour):
        colour = np.array(matplotlib.colors.to_rgb(colour))
        linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
        return linear @ [0.2126, 0.7152, 0.0722]

    axes = plot_reading(ImageAsSequence("row"), (60, 4))
    for text in axes.texts:
        pair = sorted(map(luminance, (text.get_color(), text.get_bbox_patch().get_facecolor())))
        assert (pair[1] + 0.05) / (pair[0] + 0.05) >= 4.5


def test_padding_is_drawn_beside_the_image():
    axes = plot_reading(ImageAsSequence(4, padding="same"), np.zeros((6, 5)))
    assert axes.get_xlim() == (0, 8)
    assert axes.get_ylim() == (8, 0)
    assert axes.images[0].get_extent() == [0, 5, 6, 0]


def test_long_paths_number_the_first_and_the_last_step():
    axes = plot_reading(ImageAsSequence("pixel", "hilbert"), (20, 20))
    assert [text.get_text() for text in axes.texts] == ["1", "400"]


def test_the_axes_that_are_given_are_drawn_on():
    _, axes = pyplot.subplots(1, 3)
    assert plot_reading(ImageAsSequence(), (3, 3), ax=axes[0]) is axes[0]
    model = build_image_rnn((4, 5), 3)
    drawn = plot_belief(model, np.zeros((4, 5)), ax=axes[1:])
    assert drawn == (axes[1], axes[2])
    assert len(pyplot.get_fignums()) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"return_sequences": True},
        {"cell": "lstm", "units": (4, 3), "bidirectional": True},
        {"reading": ["row", ImageAsSequence("row", reverse=True)], "merge": "max"},
        {"cell": keras.layers.GRUCell},
        {"reading": "pixel", "input_shape": (None, None)},
        {"input_shape": (3, 4, 5), "data_format": "channels_first"},
    ],
)
def test_belief_is_the_probability_after_every_step(arguments):
    arguments = {"input_shape": (4, 5), "classes": 3, **arguments}
    model = build_image_rnn(**arguments)
    shape = [side or 5 for side in arguments["input_shape"]]
    image = np.random.default_rng(0).random(shape, dtype="float32")
    image_axes, belief_axes = plot_belief(model, image)
    belief = belief_axes.images[0].get_array()
    assert belief.shape[1] == 3
    np.testing.assert_allclose(belief.sum(axis=1), 1, atol=1e-5)
    answer = model.predict(image[None], verbose=0)[0]
    if not arguments.get("bidirectional"):
        np.testing.assert_allclose(
            belief[-1], answer if answer.ndim == 1 else answer[-1], atol=1e-5
        )
    assert image_axes.images[0].get_array().shape[:2] == tuple(shape[-2:])


@pytest.mark.parametrize("size", [(28, 28, 3), [28, 28, 3], np.array([28, 28, 3]), (28, 28)])
def test_a_size_may_have_channels(size):
    axes = plot_reading(ImageAsSequence(7), size)
    assert len(axes.texts) == 16
    assert not axes.images


@pytest.mark.parametrize(
    ("dtype", "most"), [("int8", 100), ("int16", 30_000), ("int64", 2**62), ("float16", 60_000)]
)
def test_colours_of_every_range_are_drawn(dtype, most):
    image = np.repeat(np.array([[-most], [0], [most]], dtype), 3, axis=1)[None]
    picture = plot_reading(ImageAsSequence("column"), image).images[0].get_array()
    np.testing.assert_allclose(picture[0], np.repeat([[0], [0.5], [1]], 3, axis=1), atol=1e-6)


@needs_torch
def test_a_tensor_with_a_gradient_is_drawn():
    import torch

    image = torch.full((4, 5), 0.5, requires_grad=True)
    picture = plot_reading(ImageAsSequence(), image).images[0].get_array()
    np.testing.assert_array_equal(picture, np.full((4, 5), 0.5))


def test_a_size_with_channels_first():
    axes = plot_reading(ImageAsSequence(7, data_format="channels_first"), (3, 14, 21))
    assert len(axes.texts) == 6


@pytest.mark.parametrize(
    ("arguments", "label"),
    [
        ({}, "probability"),
        ({"classifier_activation": "sigmoid"}, "probability"),
        ({"classifier_activation": None}, "answer"),
        ({"classifier_activation": "tanh"}, "answer"),
        ({"classes": None}, "answer"),
    ],
)
def test_only_probabilities_are_drawn_on_their_scale(arguments, label):
    model = build_image_rnn(**{"input_shape": (4, 5), "classes": 3, **arguments})
    image = np.random.default_rng(0).random((4, 5), dtype="float32")
    _, belief_axes = plot_belief(model, image)
    assert belief_axes.figure.axes[-1].get_ylabel() == label
    drawn = belief_axes.images[0]
    scale = (0, 1) if label == "probability" else (drawn.get_array().min(), drawn.get_array().max())
    assert drawn.get_clim() == pytest.approx(scale)


def test_a_softmax_layer_gives_probabilities():
    network = build_image_rnn((4, 5), 3, classifier_activation=None)
    model = keras.Sequential([keras.Input((4, 5)), network, keras.layers.Softmax()])
    _, belief_axes = plot_belief(model, np.zeros((4, 5)))
    assert belief_axes.images[0].get_clim() == (0, 1)


@pytest.mark.parametrize("sequential", [False, True])
def test_belief_of_a_network_inside_another(sequential):
    network = build_image_rnn((4, 5), 3, reading="column", cell="gru")
    scaled = keras.layers.Rescaling(0.5)
    if sequential:
        model = keras.Sequential([keras.Input((4, 5)), scaled, network])
    else:
        inputs = keras.Input((4, 5))
        model = keras.Model(inputs, network(scaled(inputs)))
    image = np.random.default_rng(0).random((4, 5), dtype="float32")
    _, belief_axes = plot_belief(model, image)
    belief = belief_axes.images[0].get_array()
    np.testing.assert_allclose(belief[:, -1], model.predict(image[None], verbose=0)[0], atol=1e-5)


def test_the_belief_of_columns_runs_along_the_image():
    model = build_image_rnn((4, 9), 3, reading="column")
    image_axes, belief_axes = plot_belief(model, np.zeros((4, 9)))
    assert belief_axes.images[0].get_array().shape == (3, 9)
    assert (belief_axes.get_xlabel(), belief_axes.get_ylabel()) == ("step", "class")
    belief_axes.figure.draw_without_rendering()
    left, below = image_axes.get_position(), belief_axes.get_position()
    assert below.y1 < left.y0
    _, belief_axes = plot_belief(build_image_rnn((4, 9), 3), np.zeros((4, 9)))
    assert (belief_axes.get_xlabel(), belief_axes.get_ylabel()) == ("class", "step")


@pytest.mark.parametrize("reading", ["column", (4, 3)])
@pytest.mark.parametrize("reverse", [False, True])
def test_what_is_read_from_the_end_is_drawn_from_the_end(reading, reverse):
    layer = ImageAsSequence(reading, reverse=reverse)
    _, belief_axes = plot_belief(build_image_rnn((4, 9), 3, reading=layer), np.zeros((4, 9)))
    assert belief_axes.get_xlabel() == "step"
    num_steps = belief_axes.images[0].get_array().shape[1]
    limits = (0.5, num_steps + 0.5)
    assert belief_axes.get_xlim() == (limits[::-1] if reverse else limits)


@pytest.mark.parametrize("reverse", [False, True])
def test_rows_from_the_end_are_drawn_upwards(reverse):
    layer = ImageAsSequence("row", reverse=reverse)
    _, belief_axes = plot_belief(build_image_rnn((4, 9), 3, reading=layer), np.zeros((4, 9)))
    assert belief_axes.get_ylim() == ((0.5, 4.5) if reverse else (4.5, 0.5))
    # Steps count from 1, as in `plot_reading`.
    assert [tick for tick in belief_axes.get_yticks() if 0 < tick < 5] == [1, 2, 3, 4]


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_line_is_drawn_as_it_is_seen(dtype, channels):
    white = np.iinfo(dtype).max
    image = np.full((16, 40, channels), white, dtype)
    image[4:12, 8:30, : 3 if channels > 2 else 1] = 0
    if channels in (2, 4):
        # Nothing is seen of what is transparent: white paper.
        image[:, :8, :-1], image[:, :8, -1] = 0, 0
    (picture,) = plot_line(LineReader("01", 16, units=2), image).images
    expected = np.ones((16, 40))
    expected[4:12, 8:30] = 0
    np.testing.assert_allclose(picture.get_array(), expected, atol=1e-6)
    assert picture.get_clim() == (0, 1)


@pytest.mark.parametrize("ax", [3, [], "axes", [None, None], (1, 2), {}])
def test_axes_that_are_none(ax):
    model = build_image_rnn((4, 5), 3)
    for draw in (
        lambda: plot_reading(ImageAsSequence(), (4, 5), ax=ax),
        lambda: plot_belief(model, np.zeros((4, 5)), ax=ax),
        lambda: plot_belief(model, np.zeros((4, 5)), ax=[pyplot.subplots()[1]]),
    ):
        with raises(ValueError, match=r"Received: ax=.*plt\.subplots"):
            draw()


@pytest.mark.parametrize("model", [3, None, "model", keras.layers.Dense(3)])
def test_a_model_that_is_none(model):
    with raises(ValueError, match=r"Received: .*Write a model of build_image_rnn"):
        plot_belief(model, np.zeros((4, 5)))


def test_models_without_steps_are_refused():
    flat = keras.Sequential([keras.Input((4, 5)), keras.layers.Rescaling(1.0)])
    unlike = build_image_rnn((4, 5), 3, reading=["row", "column"])
    for model in (flat, unlike):
        with raises(ValueError, match=r"Received: a model whose output .* same number of"):
            plot_belief(model, np.zeros((4, 5)))


@pytest.mark.parametrize("image", [None, "image", np.full((4, 5), "a"), [[1, 2], [3]]])
def test_an_image_that_is_none(image):
    for draw in (
        lambda: plot_reading(ImageAsSequence(), image),
        lambda: plot_belief(build_image_rnn((4, 5), 3), image),
    ):
        with raises(ValueError, match="Received: "):
            draw()


def test_bad_input():
    model = build_image_rnn((4, 5), 3)
    with raises(ValueError, match=r"Write one image, as in images\[0\]"):
        plot_belief(model, np.zeros((1, 4, 5)))
    with raises(ValueError, match=r"Received: shape=\(4, 6\)"):
        plot_belief(model, np.zeros((4, 6)))
    with raises(ValueError, match=r"write image\[..., None\]"):
        plot_belief(build_image_rnn((4, 5, 1), 3), np.zeros((4, 5)))
    with raises(ValueError, match=r"Received: shape=\(2, 4, 5, 3\).*write images\[0\]"):
        plot_reading(ImageAsSequence(), np.zeros((2, 4, 5, 3)))
    dense = keras.Sequential([keras.Input((4, 5)), keras.layers.Flatten(), keras.layers.Dense(2)])
    with raises(ValueError, match="Write a model of build_image_rnn"):
        plot_belief(dense, np.zeros((4, 5)))
    with raises(ValueError, match=r"model.get_layer\('as_sequence'\)"):
        plot_reading(model, (4, 5))
    with raises(ValueError, match="The patch's height 3 does not divide"):
        plot_reading(ImageAsSequence(3), (4, 5))
    with raises(ValueError, match="image_size"):
        plot_reading(ImageAsSequence(), (4, -5))


WITHOUT_MATPLOTLIB = """
import sys
sys.modules["matplotlib"] = None
import keras_imgseq
assert not any(name.startswith("matplotlib.") for name in sys.modules)
try:
    keras_imgseq.plot.plot_reading(keras_imgseq.ImageAsSequence(), (4, 4))
except ImportError as error:
    assert 'pip install "keras-imgseq[plot]"' in str(error)
else:
    raise AssertionError
"""


def test_without_matplotlib_the_error_says_what_to_install():
    ended = run_python("-c", WITHOUT_MATPLOTLIB, backend=keras.backend.backend())
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("dtype", ["float32", "uint16", "int32"])
def test_a_coloured_image_of_any_range_is_drawn_whole(dtype):
    image = np.arange(4 * 6 * 3).reshape(4, 6, 3).astype(dtype) * 3
    drawn = plot_reading(ImageAsSequence("row"), image).images[0].get_array()
    np.testing.assert_allclose(drawn, image / image.max(), atol=1e-6)


def test_pictures_of_bfloat16_are_drawn():
    image = keras.ops.cast(np.linspace(0, 1, 24).reshape(4, 6), "bfloat16")
    drawn = plot_reading(ImageAsSequence(), image).images[0].get_array()
    np.testing.assert_allclose(drawn, np.linspace(0, 1, 24).reshape(4, 6), atol=1e-2)
    plot_belief(build_image_rnn((4, 6), 3), image)

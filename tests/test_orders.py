"""The laws of the orders, on NumPy alone."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_imgseq import ImageAsSequence, image_as_sequence, sequence_as_image
from keras_imgseq._reading.orders import ORDERS
from keras_imgseq._reading.reading import Reading

sides = st.integers(1, 24)


def cells(path, width):
    return np.stack(np.divmod(path, width), axis=1)


def moves(path, width):
    return np.abs(np.diff(cells(path, width), axis=0))


@given(st.sampled_from(list(ORDERS)), sides, sides, st.booleans(), st.booleans())
def test_every_order_is_a_permutation(order, height, width, transpose, reverse):
    path = Reading("pixel", order, transpose, reverse).path(height, width)
    np.testing.assert_array_equal(np.sort(path), np.arange(height * width))


@given(st.sampled_from(list(ORDERS)), sides, sides)
def test_every_order_starts_at_the_top_left(order, height, width):
    assert ORDERS[order](height, width)[0] == 0


@given(st.sampled_from(["snake", "spiral"]), sides, sides)
def test_snake_and_spiral_move_to_a_side_neighbour(order, height, width):
    assert (moves(ORDERS[order](height, width), width).sum(axis=1) == 1).all()


def assert_hilbert_moves(height, width):
    steps = moves(ORDERS["hilbert"](height, width), width)
    is_diagonal = (steps == 1).all(axis=1)
    assert ((steps.sum(axis=1) == 1) | is_diagonal).all()
    may_be_diagonal = max(height, width) % 2 == 1 and min(height, width) % 2 == 0
    assert is_diagonal.sum() <= may_be_diagonal


def test_hilbert_moves_to_a_neighbour_on_every_grid_up_to_30():
    for height in range(1, 31):
        for width in range(1, 31):
            assert_hilbert_moves(height, width)


@given(st.integers(1, 200), st.integers(1, 200))
def test_hilbert_moves_to_a_neighbour(height, width):
    assert_hilbert_moves(height, width)


def classical_hilbert(exponent):
    """The curve of 2**exponent cells a side, by doubling: four turned copies."""
    if exponent == 0:
        return np.zeros((1, 2), int)
    curve = classical_hilbert(exponent - 1)
    side = 2 ** (exponent - 1)
    return np.concatenate(
        [
            curve[:, ::-1],
            curve + np.array([0, side]),
            curve + np.array([side, side]),
            [2 * side - 1, side - 1] - curve[:, ::-1],
        ]
    )


@pytest.mark.parametrize("exponent", range(7))
def test_hilbert_on_a_power_of_two_is_the_classical_curve_up_to_symmetry(exponent):
    side = 2**exponent
    ours = cells(ORDERS["hilbert"](side, side), side)
    curve = classical_hilbert(exponent)
    symmetric = []
    for swapped in (curve, curve[:, ::-1]):
        for flips in ((0, 0), (0, 1), (1, 0), (1, 1)):
            symmetric.append(np.where(flips, side - 1 - swapped, swapped))
    assert any(np.array_equal(ours, other) for other in symmetric)


# What gilbert2d.py of Jakub Červený prints for 10 x 10, as cells: the smallest grid on which the
# direction of a side decides how it is halved.
GILBERT = """
 0 10 20 21 11  1  2 12 13  3  4 14 24 34 33 23 22 32 42 43
44 54 53 52 51 41 31 30 40 50 60 61 62 72 71 70 80 90 91 81
82 92 93 83 84 94 95 85 75 74 73 63 64 65 66 67 77 76 86 96
97 87 88 98 99 89 79 78 68 69 59 58 48 49 39 38 37 36 46 47
57 56 55 45 35 25 15  5  6  7 17 16 26 27 28 29 19 18  8  9
"""


# The SHA-256 of what it prints for every grid from 1 x 1 to 24 x 24, as cells of four bytes.
GILBERT_DIGEST = "806d5bc4ed20ad51467813c24b51543c6111d93288ca87515b20f98f043ebc0f"


def test_hilbert_is_the_published_gilbert():
    assert ORDERS["hilbert"](10, 10).tolist() == [int(cell) for cell in GILBERT.split()]
    digest = hashlib.sha256()
    for height in range(1, 25):
        for width in range(1, 25):
            digest.update(ORDERS["hilbert"](height, width).astype("<i4").tobytes())
    assert digest.hexdigest() == GILBERT_DIGEST


# ITU-T Recommendation T.81, figure A.6: the place of each coefficient in the sequence.
JPEG = """
 0  1  5  6 14 15 27 28
 2  4  7 13 16 26 29 42
 3  8 12 17 25 30 41 43
 9 11 18 24 31 40 44 53
10 19 23 32 39 45 52 54
20 22 33 38 46 51 55 60
21 34 37 47 50 56 59 61
35 36 48 49 57 58 62 63
"""


def test_zigzag_is_the_table_of_jpeg():
    places = np.array(JPEG.split(), int)
    np.testing.assert_array_equal(ORDERS["zigzag"](8, 8), np.argsort(places))


@given(sides, sides)
def test_zigzag_goes_along_the_anti_diagonals(height, width):
    diagonals = cells(ORDERS["zigzag"](height, width), width).sum(axis=1)
    np.testing.assert_array_equal(diagonals, np.sort(diagonals))


@given(sides, sides)
def test_morton_interleaves_the_bits(height, width):
    def code(cell):
        row, column = (f"{side:08b}" for side in divmod(cell, width))
        return int("".join(r + c for r, c in zip(row, column, strict=True)), 2)

    expected = sorted(range(height * width), key=code)
    assert ORDERS["morton"](height, width).tolist() == expected


@given(sides, sides, st.integers(0, 2**32 - 1))
def test_random_is_the_permutation_of_numpy(height, width, seed):
    path = Reading("pixel", "random", seed=seed).path(height, width)
    expected = np.random.RandomState(seed).permutation(height * width)
    np.testing.assert_array_equal(path, expected)


def test_the_seed_of_the_published_permuted_mnist():
    pixels = np.arange(784).reshape(1, 28, 28)
    sequence = image_as_sequence(pixels, "pixel", "random", seed=92916).ravel()
    expected = np.random.RandomState(92916).permutation(784)
    np.testing.assert_array_equal(sequence, expected)


def test_the_pictures_that_one_has_in_mind():
    grid = np.array([["a", "b", "c"], ["d", "e", "f"], ["g", "h", "i"]])
    read = {order: "".join(grid.ravel()[ORDERS[order](3, 3)]) for order in ORDERS}
    assert read == {
        "raster": "abcdefghi",
        "snake": "abcfedghi",
        "zigzag": "abdgecfhi",
        "spiral": "abcfihgde",
        "hilbert": "adghifebc",
        "morton": "abdecfghi",
    }


@given(st.sampled_from(list(ORDERS)), sides, sides)
def test_transposed_is_the_path_of_the_transposed_grid(order, height, width):
    numbers = np.arange(height * width).reshape(height, width)
    path = Reading("pixel", order, transpose=True).path(height, width)
    expected = numbers.T.ravel()[ORDERS[order](width, height)]
    np.testing.assert_array_equal(path, expected)


def test_a_path_is_computed_once_for_each_reading_and_size(monkeypatch):
    calls = []
    spiral = ORDERS["spiral"]
    monkeypatch.setitem(ORDERS, "spiral", lambda *size: calls.append(size) or spiral(*size))
    for _ in range(3):
        layer = ImageAsSequence("pixel", "spiral", reverse=True)
        layer(np.zeros((1, 23, 29)))
        layer(np.zeros((2, 23, 29)))
    assert calls == [(23, 29)]


def test_a_reading_that_is_a_reshape_a_transpose_or_a_flip_gathers_nothing():
    for order, transpose, reverse in [
        ("raster", False, True),
        ("raster", True, True),
        ((0, 3, 1, 4, 2, 5), False, False),
        ((5, 4, 3, 2, 1, 0), False, False),
        ("hilbert", False, False),
    ]:
        grid = (1, 6) if order == "hilbert" else (2, 3)
        assert Reading("pixel", order, transpose, reverse).route(grid).path is None
    for order in ("snake", "spiral"):
        assert Reading("pixel", order).route((2, 3)).path is not None
        assert Reading("pixel", order).route((2, 1)).path is None


@pytest.mark.parametrize("order", [*ORDERS, "random"])
def test_names_are_known_by_their_letters(order):
    # Those that come from a file are not the very strings of the code.
    read = "".join(list(order))
    seed = 3 if order == "random" else None
    path = Reading("pixel", order, seed=seed).path(4, 5)
    np.testing.assert_array_equal(Reading("pixel", read, seed=seed).path(4, 5), path)
    if order in ("raster", "snake"):
        assert Reading("pixel", read).route((None, 5)) == Reading("pixel", order).route((None, 5))
    sequences = np.arange(60).reshape(1, 20, 3)
    images = [
        sequence_as_image(sequences, (4, 5), "pixel", read, seed=seed, data_format=data_format)
        for data_format in ("channels_first", "".join(list("channels_first")))
    ]
    assert images[0].shape == images[1].shape == (1, 3, 4, 5)


def test_long_orders_and_paddings_are_known_by_their_values():
    order = np.random.default_rng(0).permutation(400)
    np.testing.assert_array_equal(Reading("pixel", order).path(20, 20), order)
    assert Reading(2, padding="".join(list("same"))).num_steps((None, 4)) is None


def test_the_orders_need_numpy_alone():
    code = (
        "import sys, importlib.util as u; "
        "s = u.spec_from_file_location('o', sys.argv[1]); m = u.module_from_spec(s); "
        "s.loader.exec_module(m); m.hilbert(3, 5); "
        "assert not {'keras', 'tensorflow', 'jax', 'torch'} & set(sys.modules)"
    )
    source = sys.modules["keras_imgseq._reading.orders"].__file__
    subprocess.run([sys.executable, "-c", code, source], check=True)

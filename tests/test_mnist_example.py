import gzip
import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import keras
import mnist_data
import mnist_simplernn
import numpy as np
import pytest
from backends import run_here, run_python
from hypothesis import given
from hypothesis import strategies as st

from keras_imgseq import build_image_rnn

EXAMPLES = Path(__file__).parent.parent / "examples"
EXAMPLE = EXAMPLES / "mnist_simplernn.py"


def run_example(*arguments):
    return run_here(mnist_simplernn.main, *arguments)


def small_arrays(num=24, size=(5, 4), dtype="uint8"):
    random = np.random.default_rng(0)
    return {
        "x_train": random.integers(0, 2, (num, *size)).astype(dtype),
        "y_train": np.arange(num) % 3,
        "x_test": random.integers(0, 2, (num, *size)).astype(dtype),
        "y_test": np.arange(num) % 3,
    }


def test_the_shipped_file_is_the_whole_of_mnist():
    digits = mnist_data.load_digits()
    assert digits.x_train.shape == (55000, 28, 28)
    assert digits.x_validation.shape == (5000, 28, 28)
    assert digits.x_test.shape == (10000, 28, 28)
    assert digits.num_classes == 10
    assert (digits.x_train.min(), digits.x_train.max()) == (0, 1)
    with np.load(mnist_data.SHIPPED, allow_pickle=False) as arrays:
        np.testing.assert_array_equal(digits.y_train, arrays["y_train"][5000:])
        np.testing.assert_array_equal(digits.x_train[0] * 255, arrays["x_train"][5000])
    source = (EXAMPLES / "data" / "SOURCE.md").read_text(encoding="utf-8")
    assert hashlib.sha256(mnist_data.SHIPPED.read_bytes()).hexdigest() in source


def test_the_default_run_prints_and_draws_the_result(tmp_path):
    pytest.importorskip("matplotlib", reason="the extra `plot` installs it")
    files = ["--save", tmp_path / "model.keras", "--plot", tmp_path / "run.png"]
    options = ["--epochs", 2, "--limit", 300, *files]
    ended = run_python(EXAMPLE, *options, backend=keras.backend.backend())
    assert ended.returncode == 0, ended.stderr
    for text in ("rnn_1 (SimpleRNN)", "890", "\nEpoch 2/2: ", "(the book: 0.5209)", "0.8379"):
        assert text in re.sub(r"\x1b\[[0-9;]*m|\x08", "", ended.stdout)
    assert (tmp_path / "run.png").read_bytes().startswith(b"\x89PNG")
    printed = float(re.search(r"Test accuracy: (\d\.\d+)", ended.stdout)[1])
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    with np.load(EXAMPLES / "data" / "mnist.npz") as arrays:
        belief = loaded.predict(arrays["x_test"][:300] / np.float32(255), verbose=0)
        accuracy = np.mean(belief.argmax(-1) == arrays["y_test"][:300])
    assert printed == pytest.approx(accuracy, abs=1e-4)


def test_several_seeds_show_their_spread():
    ended = run_example("--seeds", 2, "--epochs", 1, "--limit", 100, "--recipe", "steady")
    assert ended.returncode == 0, ended.stderr
    accuracies = [float(text) for text in re.findall(r"Seed.*accuracy (\d\.\d+)", ended.stdout)]
    assert len(accuracies) == 2
    spread = f"from {min(accuracies):.4f} to {max(accuracies):.4f}"
    assert f"Test accuracy of 2 seeds: median {np.mean(accuracies):.4f}, {spread}" in ended.stdout


@pytest.mark.parametrize("recipe", ["steady", "every-row"])
def test_each_run_says_how_many_digits_are_right_after_some_rows(tmp_path, recipe):
    ended = run_example(
        *("--epochs", 1, "--limit", 300, "--recipe", recipe, "--save", tmp_path / "model.keras")
    )
    assert ended.returncode == 0, ended.stderr
    weights = keras.saving.load_model(tmp_path / "model.keras").get_weights()
    with np.load(EXAMPLES / "data" / "mnist.npz") as arrays:
        images, labels = arrays["x_test"][:300] / np.float32(255), arrays["y_test"][:300]
    assert ended.stdout.count("(the book, with its own recipe: ") == 2
    assert ("means over all rows" in ended.stdout) == (recipe == "every-row")
    said = re.search(r"Correct answers after (row 4: .*)\.\n", ended.stdout)[1].split(", ")
    assert [text.split(":")[0] for text in said] == [f"row {row}" for row in range(4, 29, 4)]
    for text in said:
        row, percent = map(int, re.findall(r"\d+", text))
        # A network that never sees the later rows.
        network = build_image_rnn((row, 28), 10)
        network.set_weights(weights)
        beliefs = keras.ops.convert_to_numpy(network(images[:, :row]))
        assert percent == pytest.approx(100 * np.mean(beliefs.argmax(-1) == labels), abs=0.51)
    accuracy = float(re.search(r"Test accuracy: (\S+)", ended.stdout)[1])
    assert percent == pytest.approx(100 * accuracy, abs=0.51)


@pytest.mark.parametrize("recipe", ["book", "steady", "every-row"])
def test_other_data_of_another_size_is_taken(tmp_path, recipe):
    np.savez(tmp_path / "other.npz", **small_arrays())
    ended = run_example("--data", tmp_path / "other.npz", "--epochs", 1, "--recipe", recipe)
    assert ended.returncode == 0, ended.stderr
    assert "(None, 5, 4)" in ended.stdout
    assert "the book" not in ended.stdout


def test_a_damaged_download_of_keras_is_one_clear_line(tmp_path):
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "mnist.npz").write_bytes(b"damaged")
    environment = {**os.environ, "KERAS_HOME": str(tmp_path), "https_proxy": "http://127.0.0.1:9"}
    ended = subprocess.run(
        [sys.executable, EXAMPLE, "--data", "keras"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode != 0
    assert "Omit --data" in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr


@pytest.fixture
def copied(monkeypatch, tmp_path):
    """A copy of the shipped file, to be damaged."""
    path = tmp_path / "mnist.npz"
    path.write_bytes(mnist_data.SHIPPED.read_bytes())
    monkeypatch.setattr(mnist_data, "SHIPPED", path)
    return path


def test_a_missing_file_says_how_to_restore_it(copied):
    copied.unlink()
    with pytest.raises(mnist_data.DataError, match=r"is missing. Restore it with `git checkout"):
        mnist_data.load_digits()


@pytest.mark.parametrize("damage", [lambda b: b[:-1000], lambda b: b[:99] + b"!" + b[100:]])
def test_a_damaged_file_says_how_to_restore_it(copied, damage):
    copied.write_bytes(damage(copied.read_bytes()))
    with pytest.raises(mnist_data.DataError, match=r"is damaged.*Restore it with `git checkout"):
        mnist_data.load_digits()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x_test": None}, "no array named x_test"),
        ({"x_train": np.zeros((24, 5))}, "x_train must be \\(images, height, width\\)"),
        ({"x_train": np.full((24, 5, 4), 255.0)}, "floats from 0 to 1"),
        ({"x_train": np.full((24, 5, 4), "a")}, "floats from 0 to 1"),
        ({"x_train": np.full((24, 5, 4), 255)}, "is of int64, where white is"),
        ({"y_test": np.zeros(24)}, "y_test must be one class number for each"),
        ({"y_test": np.zeros(23, int)}, "y_test must be one class number for each"),
        ({"y_test": np.full(24, -1)}, "y_test must be one class number for each"),
        ({"x_test": np.zeros((24, 4, 4))}, "x_train holds images of"),
        ({"x_test": np.array([{}] * 24)}, "cannot be read"),
    ],
)
def test_arrays_that_are_no_digits(tmp_path, change, message):
    arrays = {**small_arrays(), **change}
    path = tmp_path / "arrays.npz"
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    with pytest.raises(mnist_data.DataError, match=message) as error:
        mnist_data.load_digits(str(path))
    assert "\n" not in str(error.value)


def test_a_file_that_is_no_archive(tmp_path):
    for content in (b"", b"no archive", b"PK\x03\x04 truncated"):
        (tmp_path / "bad.npz").write_bytes(content)
        with pytest.raises(mnist_data.DataError, match="cannot be read"):
            mnist_data.load_digits(str(tmp_path / "bad.npz"))


def idx(array):
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return header + array.astype("uint8").tobytes()


@given(
    st.booleans(),
    st.sampled_from(["-idx", ".idx"]),
    st.tuples(st.integers(1, 5), st.integers(1, 5)),
)
def test_idx_files_are_read(tmp_path_factory, gzipped, separator, size):
    folder = tmp_path_factory.mktemp("idx")
    arrays = small_arrays(size=size)
    for name, file_name in mnist_data.IDX_FILES.items():
        content = idx(arrays[name])
        path = folder / (file_name.replace("-idx", separator) + (".gz" if gzipped else ""))
        path.write_bytes(gzip.compress(content) if gzipped else content)
    digits = mnist_data.load_digits(str(folder))
    np.testing.assert_array_equal(digits.x_test * 255, arrays["x_test"])
    np.testing.assert_array_equal(digits.y_train, arrays["y_train"][2:])


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("train-labels-idx1-ubyte", lambda content: content[:-1], "truncated or too long"),
        ("train-labels-idx1-ubyte", lambda content: content[:6], "truncated or too long"),
        ("train-labels-idx1-ubyte", lambda content: b"", "no IDX file of unsigned bytes"),
        ("t10k-images-idx3-ubyte", lambda content: b"x" + content, "no IDX file of unsigned"),
        ("t10k-images-idx3-ubyte", None, "no file t10k-images-idx3-ubyte"),
    ],
)
def test_damaged_idx_files(tmp_path, name, damage, message):
    for array_name, file_name in mnist_data.IDX_FILES.items():
        (tmp_path / file_name).write_bytes(idx(small_arrays()[array_name]))
    path = tmp_path / name
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(mnist_data.DataError, match=message):
        mnist_data.load_digits(str(tmp_path))

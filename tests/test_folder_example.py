import importlib.util
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from backends import run_python
from PIL import Image

import keras_imgseq  # noqa: F401

EXAMPLES = Path(__file__).parent.parent / "examples"
EXAMPLE = EXAMPLES / "folder_of_images.py"


@pytest.fixture(scope="module")
def folder_data():
    spec = importlib.util.spec_from_file_location("folder_data", EXAMPLES / "folder_data.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["folder_data"] = module
    spec.loader.exec_module(module)
    return module


def write(path, pixels, mode=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(path)


@pytest.fixture
def folder(tmp_path):
    """Bars across and bars down, in two sizes."""
    random = np.random.default_rng(0)
    for number in range(12):
        size = 8 if number % 3 else 12
        pixels = np.zeros((size, size), "uint8")
        pixels[random.integers(size)] = 255
        write(tmp_path / "in" / "across" / f"{number}.png", pixels)
        write(tmp_path / "in" / "down" / f"{number}.bmp", np.ascontiguousarray(pixels.T))
    return tmp_path / "in"


def run_example(*arguments):
    return run_python(EXAMPLE, *arguments, backend=keras.backend.backend())


def test_images_of_unlike_sizes_are_brought_to_the_median(folder_data, folder):
    pictures = folder_data.load_pictures(folder)
    assert pictures.images.shape == (24, 8, 8)
    assert pictures.images.dtype == "uint8"
    assert pictures.class_names == ["across", "down"]
    assert pictures.labels.tolist() == [0] * 12 + [1] * 12
    assert folder_data.load_pictures(folder, (5, 7)).images.shape == (24, 5, 7)


def test_one_coloured_image_makes_all_coloured(folder_data, folder):
    colours = np.arange(192).reshape(8, 8, 3).astype("uint8")
    write(folder / "down" / "colour.png", colours)
    pictures = folder_data.load_pictures(folder)
    assert pictures.images.shape == (25, 8, 8, 3)
    np.testing.assert_array_equal(pictures.images[-1], colours)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
def test_every_mode_of_an_image_file_is_read(folder_data, folder, mode):
    pixels = np.full((8, 8), 255, "uint8")
    if mode == "I;16":
        write(folder / "down" / "other.png", np.full((8, 8), 65535, "uint16"))
    else:
        write(folder / "down" / "other.png", pixels, mode)
    pictures = folder_data.load_pictures(folder)
    assert len(pictures.images) == 25
    assert (pictures.images[-1] == 255).all()


def test_the_digits_of_scikit_learn_are_written_and_read(folder_data, tmp_path):
    folder_data.write_digits(tmp_path)
    pictures = folder_data.load_pictures(tmp_path)
    assert pictures.images.shape == (1797, 8, 8)
    assert pictures.class_names == [str(digit) for digit in range(10)]
    assert (pictures.images.min(), pictures.images.max()) == (0, 255)


def test_a_folder_in_a_model_and_a_picture_out(folder, tmp_path):
    (folder / "across" / "notes.txt").write_text("no image, and none of its endings")
    (folder / "across" / "broken.png").write_bytes(b"no image")
    arguments = [folder, "--epochs", 2, "--output", tmp_path / "out"]
    ended = run_example(*arguments)
    assert ended.returncode != 0
    assert ended.stderr.strip().splitlines()[-1].startswith("Error: These files cannot be read")
    assert "broken.png" in ended.stderr
    assert "--skip-unreadable" in ended.stderr
    assert "Traceback" not in ended.stderr

    ended = run_example(*arguments, "--skip-unreadable")
    assert ended.returncode == 0, ended.stderr
    assert f"Skipped, unreadable: {folder / 'across' / 'broken.png'}" in ended.stdout
    notes = folder / "across" / "notes.txt"
    assert f"Skipped, not the ending of an image file: {notes}" in ended.stdout
    assert "24 images of 2 classes, read as 8 x 8 pixels, grey." in ended.stdout
    assert "Epoch 2/2" in ended.stdout
    model = keras.saving.load_model(tmp_path / "out" / "model.keras")
    assert model.predict(np.zeros((1, 8, 8)), verbose=0).shape == (1, 2)
    assert (tmp_path / "out" / "classes.txt").read_text().split() == ["across", "down"]
    assert (tmp_path / "out" / "what_it_sees.png").read_bytes().startswith(b"\x89PNG")


def test_without_a_folder_it_makes_its_own(tmp_path):
    ended = run_example("--epochs", 1, "--output", tmp_path / "out")
    assert ended.returncode == 0, ended.stderr
    assert "reading scikit-learn's digits" in ended.stdout
    assert (tmp_path / "out" / "model.keras").exists()


@pytest.mark.parametrize(
    ("arguments", "cure"),
    [
        (["nowhere"], "There is no folder nowhere"),
        (["one"], "at least two class folders"),
        (["one", "--size", "0", "3"], "positive numbers"),
        (["one", "--seed", "-1"], "--seed takes a number from 0"),
        (["one", "--output", "one/only/0.png"], "name a folder"),
    ],
)
def test_folders_and_options_that_cannot_be(arguments, cure, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "one" / "only" / "0.png", np.zeros((4, 4), "uint8"))
    ended = run_example(*arguments)
    assert ended.returncode != 0
    assert cure in ended.stderr.strip().splitlines()[-1]
    assert "Traceback" not in ended.stderr

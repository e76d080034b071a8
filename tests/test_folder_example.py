import json
import re
import typing
from pathlib import Path

import folder_data
import folder_of_images
import folder_training
import keras
import numpy as np
import pytest
from backends import run_here, run_python
from folder_data import FolderError, Pictures, load_pictures
from image_set import Preparation
from PIL import Image

from keras_imgseq._reading.orders import OrderName

EXAMPLES = Path(__file__).parent.parent / "examples"
EXAMPLE = EXAMPLES / "folder_of_images.py"


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
    return run_here(folder_of_images.main, *arguments)


def test_images_of_unlike_sizes_are_brought_to_the_median(folder):
    pictures = load_pictures(folder)
    assert pictures.images.shape == (24, 8, 8)
    assert pictures.images.dtype == "uint8"
    assert pictures.class_names == ["across", "down"]
    assert pictures.labels.tolist() == [0] * 12 + [1] * 12
    assert pictures.changes == ["8 images scaled to a height of 8 and a width of 8 pixels."]
    assert load_pictures(folder, (5, 7)).images.shape == (24, 5, 7)


def test_one_coloured_image_makes_all_coloured(folder):
    colours = np.arange(192).reshape(8, 8, 3).astype("uint8")
    write(folder / "down" / "colour.png", colours)
    pictures = load_pictures(folder)
    assert pictures.images.shape == (25, 8, 8, 3)
    np.testing.assert_array_equal(pictures.images[-1], colours)
    assert "24 images grey, read in colour as the others are." in pictures.changes


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "I;16"])
def test_every_mode_of_an_image_file_is_read(folder, mode):
    pixels = np.full((8, 8), 255, "uint8")
    if mode == "I;16":
        write(folder / "down" / "other.png", np.full((8, 8), 65535, "uint16"))
    else:
        write(folder / "down" / "other.png", pixels, mode)
    pictures = load_pictures(folder)
    assert len(pictures.images) == 25
    assert (pictures.images[-1] == 255).all()


def test_the_digits_of_scikit_learn_are_written_and_read(tmp_path):
    folder_data.write_digits(tmp_path)
    pictures = load_pictures(tmp_path)
    assert pictures.images.shape == (1797, 8, 8)
    assert pictures.class_names == [str(digit) for digit in range(10)]
    assert (pictures.images.min(), pictures.images.max()) == (0, 255)


def test_a_folder_in_a_model_and_a_picture_out(folder, tmp_path):
    (folder / "across" / "notes.txt").write_text("no image, and none of its endings")
    (folder / "across" / "broken.png").write_bytes(b"no image")
    # No Pillow alone opens the photos of an iPhone.
    (folder / "across" / "photo.HEIC").write_bytes(b"....ftypheic")
    arguments = [folder, "--epochs", 2, "--output", tmp_path / "out"]
    ended = run_example(*arguments)
    assert ended.returncode != 0
    assert ended.stderr.strip().splitlines()[-1].startswith("Error: These files cannot be read")
    assert "broken.png" in ended.stderr
    assert "photo.HEIC" in ended.stderr
    assert "--skip-unreadable" in ended.stderr
    assert "Traceback" not in ended.stderr

    arguments.append("--skip-unreadable")
    ended = run_python(EXAMPLE, *arguments, backend=keras.backend.backend())
    assert ended.returncode == 0, ended.stderr
    reason = "not an image of a format that Pillow knows"
    assert f"Skipped, unreadable: {folder / 'across' / 'broken.png'} ({reason})" in ended.stdout
    notes = folder / "across" / "notes.txt"
    assert f"Skipped, no image file: {notes}" in ended.stdout
    assert "24 images of 2 classes, read as 8 x 8 pixels, grey." in ended.stdout
    assert len(re.findall(r"^Epoch 2/2: .*validation accuracy", ended.stdout, re.M)) == 1
    assert "\n  across: 12\n  down: 12\n" in ended.stdout
    assert "4 test images are too few for an accuracy." in ended.stdout
    assert "of the test images. Nothing is chosen by it." in ended.stdout
    assert ended.stderr == ""
    model = keras.saving.load_model(tmp_path / "out" / "model.keras")
    assert model.predict(np.zeros((1, 8, 8)), verbose=0).shape == (1, 2)
    assert (tmp_path / "out" / "classes.txt").read_text().split() == ["across", "down"]
    assert (tmp_path / "out" / "what_it_sees.png").read_bytes().startswith(b"\x89PNG")


def test_without_a_folder_it_makes_its_own(tmp_path):
    ended = run_example("--epochs", 1, "--output", tmp_path / "out")
    assert ended.returncode == 0, ended.stderr
    assert "reading scikit-learn's digits" in ended.stdout
    assert (tmp_path / "out" / "model.keras").exists()


def test_the_saved_model_names_the_class_of_other_images(folder, tmp_path):
    colours = np.full((20, 10, 3), 200, "uint8")
    write(folder.parent / "other.png", colours)
    (folder.parent / "broken.png").write_text("no image")
    out = ["--output", tmp_path / "out"]
    assert run_example(folder, "--epochs", 1, "--size", 8, 8, *out).returncode == 0
    images = [folder / "down" / "0.bmp", folder.parent / "other.png"]
    ended = run_example("--predict", *images, *out)
    assert ended.returncode == 0, ended.stderr
    for line, path in zip(ended.stdout.strip().splitlines(), images, strict=True):
        assert re.fullmatch(rf"{path}: (across|down) 0.\d+, (across|down) 0.\d+", line)
    assert "1 image in colour, read as grey." in ended.stderr
    model = keras.saving.load_model(tmp_path / "out" / "model.keras")
    content = json.loads((tmp_path / "out" / "preparation.json").read_text())
    assert content.pop("class_names") == ["across", "down"]
    preparation = Preparation(**content | {"size": tuple(content["size"])})
    belief = model.predict(preparation.image(images[0])[None], verbose=0)[0]
    assert f"{belief.max():.3f}" in ended.stdout.splitlines()[0]

    ended = run_example("--predict", folder.parent / "broken.png", *out)
    assert ended.returncode == 1
    assert "broken.png cannot be read: not an image" in ended.stderr
    ended = run_example("--predict", *images, "--output", tmp_path)
    assert ended.returncode == 1
    assert "Train first, or name its folder with --output" in ended.stderr


def test_hidden_names_are_no_classes_and_no_images(folder):
    write(folder / ".ipynb_checkpoints" / "0.png", np.zeros((8, 8), "uint8"))
    write(folder / ".hidden" / "0.png", np.zeros((8, 8), "uint8"))
    (folder / "down" / "._1.png").write_bytes(b"what macOS writes beside 1.png")
    (folder / "down" / "Thumbs.db").write_bytes(b"what Windows writes")
    (folder / "empty").mkdir()
    pictures = load_pictures(folder)
    assert pictures.class_names == ["across", "down"]
    assert len(pictures.images) == 24
    assert pictures.no_images == [folder / "empty"]


@pytest.mark.parametrize(
    "names", [("train", "test"), ("Training", "valid"), ("train", "val", "test")]
)
def test_folders_for_training_and_test_are_used_as_such(folder, tmp_path, names, capsys):
    for name in names:
        for label, count in (("across", 6), ("down", 3)):
            for number in range(count):
                write(tmp_path / "parts" / name / label / f"{number}.png", np.eye(8, dtype="uint8"))
    pictures = load_pictures(tmp_path / "parts")
    assert pictures.class_names == ["across", "down"]
    training, validation, test = folder_training.split(pictures, seed=0)
    assert len(training) == len(test) == 9
    assert len(validation) == (9 if len(names) == 3 else 0)
    assert ("the one for the validation is used" in capsys.readouterr().out) == ("valid" in names)
    folder_training.print_counts(pictures)
    assert "  across: 6 t" in capsys.readouterr().out


def test_classes_named_train_and_test_are_classes(tmp_path):
    for name in ("train", "test"):
        write(tmp_path / name / "0.png", np.zeros((8, 8), "uint8"))
    assert load_pictures(tmp_path).class_names == ["test", "train"]


@pytest.mark.parametrize("others", [[], ["extra/0.png"]])
def test_test_images_without_a_class_are_refused(tmp_path, others):
    for name in ("train/a/0.png", "train/b/0.png", "test/0.png", *others):
        write(tmp_path / name, np.zeros((8, 8), "uint8"))
    cure = r"test holds image files without a class.*or give .*train alone"
    with pytest.raises(FolderError, match=cure):
        load_pictures(tmp_path)
    assert load_pictures(tmp_path / "train").class_names == ["a", "b"]


def test_a_class_that_is_only_in_the_test_is_refused(tmp_path):
    for name in ("train/a", "train/b", "test/a", "test/c"):
        write(tmp_path / name / "0.png", np.zeros((8, 8), "uint8"))
    with pytest.raises(FolderError, match="has no training images of these classes: c"):
        load_pictures(tmp_path)


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (["0.png", "1.png"], "2 image files lie directly in"),
        (["data/a/0.png", "data/b/0.png"], r"If those are the classes, give .*data"),
        (["a/notes.txt", "b/notes.txt"], "the folders a, b, with no image file in any of them"),
        ([], "holds no folders and no image files"),
    ],
)
def test_a_wrong_layout_says_what_was_found_and_what_is_expected(tmp_path, files, found):
    for name in files:
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".png":
            write(path, np.zeros((8, 8), "uint8"))
        else:
            path.write_text("no image")
    (tmp_path / "in").mkdir(exist_ok=True)
    with pytest.raises(FolderError, match=found) as error:
        load_pictures(tmp_path / "in")
    assert "cats/1.jpg" in str(error.value)


def test_the_split_keeps_the_shares_of_the_classes():
    labels = np.repeat([0, 1, 2], [100, 20, 5])
    pictures = Pictures(
        np.zeros((125, 2, 2), "uint8"),
        labels,
        np.full(125, ""),
        ["a", "b", "c"],
        Preparation((2, 2), colour=False),
        [],
        {},
        [],
    )
    training, validation, test = folder_training.split(pictures, seed=3)
    assert np.bincount(labels[test]).tolist() == [20, 4, 1]
    assert len(validation) == 0
    assert sorted([*training, *test]) == list(range(125))
    again = folder_training.split(pictures, seed=3)[2]
    assert again.tolist() == test.tolist()
    assert folder_training.split(pictures, seed=4)[2].tolist() != test.tolist()


@pytest.mark.parametrize(
    ("count", "says"), [(4, "4 test images are too few"), (5, "Test accuracy")]
)
def test_a_handful_of_images_gives_no_accuracy(count, says, capsys):
    class Always:
        def predict(self, images, verbose):
            return np.eye(2)[np.zeros(len(images), int)]

    pictures = Pictures(
        np.zeros((8, 2, 2), "uint8"),
        np.array([0] * 6 + [1] * 2),
        np.full(8, ""),
        ["a", "b"],
        Preparation((2, 2), colour=False),
        [],
        {},
        [],
    )
    folder_training.report(Always(), pictures, np.arange(8 - count, 8))
    said = capsys.readouterr().out
    assert says in said
    if count == 5:
        assert "Naming the largest class, a, every time would reach 0.6000." in said


def test_images_that_no_memory_holds_are_refused(folder, monkeypatch):
    monkeypatch.setattr(folder_data, "MOST_BYTES", 24 * 64 - 1)
    with pytest.raises(FolderError, match="Give a smaller --size"):
        load_pictures(folder)


def test_the_orders_of_the_command_line_are_those_of_the_package():
    assert set(folder_of_images.ORDERS) == {*typing.get_args(OrderName), "random"}


@pytest.mark.parametrize(
    "options",
    [
        ["--step", "column", "--cell", "simple_rnn", "--batch-size", "5"],
        ["--step", "3", "--order", "hilbert", "--cell", "lstm"],
        ["--step", "2x4", "--order", "random"],
    ],
)
def test_steps_orders_and_cells_are_those_that_were_asked_for(folder, tmp_path, options, capsys):
    folder_of_images.main([str(folder), "--epochs", "1", "--output", str(tmp_path), *options])
    model = keras.saving.load_model(tmp_path / "model.keras")
    config = model.get_layer("as_sequence").get_config()
    given = dict(zip(options[::2], options[1::2], strict=True))
    assert config["order"] == given.get("--order", "raster")
    said = capsys.readouterr().out
    assert ("zeros are added below" in said) == (given["--step"] == "3")
    assert "Wrote model.keras" in said


def test_images_outside_of_class_folders_are_named(folder, tmp_path, capsys):
    write(folder / "loose.png", np.eye(8, dtype="uint8"))
    assert load_pictures(folder).outside == [folder / "loose.png"]
    for part in ("train", "test", "more"):
        for label in ("across", "down"):
            write(tmp_path / "parts" / part / label / "1.png", np.eye(8, dtype="uint8"))
    write(tmp_path / "parts" / "train" / "loose.png", np.eye(8, dtype="uint8"))
    outside = load_pictures(tmp_path / "parts").outside
    assert outside == [tmp_path / "parts" / "more", tmp_path / "parts" / "train" / "loose.png"]


def test_a_class_whose_name_is_no_text_is_refused(folder):
    try:
        (folder / "caf\udce9").mkdir()
    except (OSError, UnicodeError):
        pytest.skip("this file system holds no such names")
    write(folder / "caf\udce9" / "1.png", np.eye(8, dtype="uint8"))
    with pytest.raises(FolderError, match="a class whose name is no text"):
        load_pictures(folder)


def test_a_dollar_in_a_class_is_no_formula(folder, tmp_path):
    (folder / "down").rename(folder / "dogs$^$")
    pictures = load_pictures(folder, (8, 8))
    options = folder_of_images.parsed([str(folder), "--step", "row"])
    model, reading = folder_training.network(pictures, options)
    folder_training.draw(model, reading, pictures, 0, tmp_path / "what.png")
    assert (tmp_path / "what.png").read_bytes().startswith(b"\x89PNG")

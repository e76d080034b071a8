"""Command lines that cannot be: one clear line, before anything is trained."""

import errno
import os
import re
import subprocess
import sys
from pathlib import Path

import command_line
import folder_of_images
import keras
import mnist_simplernn
import numpy as np
import pytest
from kept_file import KeptFile
from PIL import Image

EXAMPLES = Path(__file__).parent.parent / "examples"
MAINS = {"mnist": mnist_simplernn.main, "folder": folder_of_images.main}


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """A folder with things that are not what an option takes."""
    monkeypatch.chdir(tmp_path)
    for name in ("dir.keras", "dir.png", "bad", "list"):
        Path(name).mkdir()
    Path("bad/settings.json").write_text("{")
    Path("list/settings.json").write_text("[1]")
    Path("file").write_text("a file")
    Path("one/only").mkdir(parents=True)
    Image.fromarray(np.zeros((4, 4), "uint8")).save("one/only/0.png")
    random = np.random.default_rng(0)
    for label in "ab":
        for kind in ("good", "pipe"):
            Path(kind, label).mkdir(parents=True)
            for number in range(3):
                pixels = random.integers(0, 256, (6, 5), "uint8")
                Image.fromarray(pixels).save(f"{kind}/{label}/{number}.png")
    os.mkfifo("pipe/b/x.png")
    os.mkfifo("pipe.npz")
    images, labels = random.integers(0, 256, (24, 6, 5), "uint8"), np.arange(24) % 3
    sets = {
        "huge": (images, np.where(labels == 1, 2**40, labels)),
        "one": (images[:1], labels[:1]),
        "nan": (images * np.nan, labels),
        "negative": (-images.astype("int16"), labels),
    }
    for name, (x, y) in sets.items():
        np.savez(f"{name}.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    np.save("x.npy", images)


def ended_in(capsys, program, arguments):
    """The last line of a command line that fails."""
    with pytest.raises(SystemExit) as stopped:
        command_line.run(lambda: MAINS[program](arguments))
    shown = capsys.readouterr()
    assert "Training on" not in shown.out
    assert "Epoch" not in shown.out
    code = stopped.value.code
    assert code not in (0, None)
    lines = (code if isinstance(code, str) else shown.err).strip().splitlines()
    assert "Traceback" not in "".join(lines)
    return lines[-1] if lines[0].startswith("usage:") else lines[0]


LONG = "a" * 300


@pytest.mark.parametrize(
    ("arguments", "cure"),
    [
        (["--save", "dir.keras"], "dir.keras: This is a folder or a device, and a file is needed"),
        (["--save", "/proc/x.keras"], "/proc/x.keras: No such file or directory. Name another"),
        (["--save", f"{LONG}.keras"], "File name too long. Name another place."),
        (["--save", "model.h5"], "a file ending in .keras"),
        (["--save", ""], "a file ending in .keras"),
        (["--save", "no/such/model.keras"], "there is no folder no/such"),
        (["--plot", "dir.png"], "dir.png: This is a folder or a device"),
        (["--plot", "run.txt"], "a file ending in .png"),
        (["--resume", "file"], "file: File exists. Name another place."),
        (["--resume", "bad"], "bad/settings.json is damaged. Remove the folder bad"),
        (
            ["--resume", "list"],
            "list holds a run with other options or other images: recipe",
        ),
        (["--resume", "/dev/null/x"], "/dev/null/x: Not a directory. Name another place."),
        (["--resume", LONG], "File name too long. Name another place."),
        (["--batch-size", "9" * 20], "expected a whole number from 1 to 1000000, not '9999"),
        (["--batch-size", "9" * 5000], "..."),
        (
            ["--epochs", "0"],
            "argument --epochs: expected a whole number from 1 to 1000000, not '0'",
        ),
        (["--limit", "x"], "argument --limit: expected a whole number from 1"),
        (["--limit", "1.5"], "argument --limit: expected a whole number from 1"),
        (["--seeds", "nan"], "argument --seeds: expected a whole number from 1 to 1000"),
        (["--seed", "-1"], "expected a whole number from 0 to 4294967295, not '-1'"),
        (["--seed=--"], "argument --seed: expected a value, not --"),
        (["--seed", "4294967295", "--seeds", "2"], "the last of all seeds"),
        (["--backend", "theano"], "invalid choice: 'theano'"),
        (["--data", LONG], "cannot be read (File name too long)"),
        (["--data", "nowhere.npz"], "nowhere.npz does not exist"),
        (["--data", "x.npy"], "it holds a single array, and no .npz archive of four"),
        (["--data", "file"], "file cannot be read"),
        (["--data", "one"], "no file train-images-idx3-ubyte or"),
        (["--data", "pipe.npz"], "it is neither a file nor a folder"),
        (["--data", "/dev/zero"], "it is neither a file nor a folder"),
        (["--data", "huge.npz"], "class numbers from 0 to 9999, and has 1099511627776"),
        (["--data", "one.npz"], "one training image, which is set apart for validation"),
        (["--data", "nan.npz"], "pixels that are NaN or infinite"),
        (["--data", "negative.npz"], "x_train must not be negative, and has -"),
    ],
)
def test_the_example_of_mnist(capsys, arguments, cure):
    # A small set, where a set is not what is wrong.
    np.savez("set.npz", **{n: np.zeros((24, 3, 3), "uint8") for n in ("x_train", "x_test")},
             **{n: np.arange(24) % 3 for n in ("y_train", "y_test")})  # fmt: skip
    data = [] if "--data" in arguments else ["--data", "set.npz"]
    assert cure in ended_in(capsys, "mnist", [*arguments, *data])


@pytest.mark.parametrize(
    ("arguments", "cure"),
    [
        (["nowhere"], "nowhere does not exist"),
        (["file"], "file is a file. Give a folder"),
        (["one"], "at least two class folders"),
        (["pipe"], "pipe/b/x.png (not a regular file). Repair or remove them"),
        ([LONG], "cannot be read: File name too long"),
        (["good", "--output", "file"], "file: File exists. Name another place."),
        (["good", "--output", "file/x"], "file/x: Not a directory. Name another place."),
        (["good", "--output", "/proc/x"], "/proc/x: No such file or directory."),
        (["good", "--resume", "bad"], "bad/settings.json is damaged"),
        (["good", "--size", "0", "3"], "argument --size: expected a whole number from 1 to 4096"),
        (["good", "--size", "9" * 25, "5"], "argument --size: expected a whole number from 1"),
        (["good", "--units", "1000000000"], "expected a whole number from 1 to 4096"),
        (["good", "--epochs", "-3"], "argument --epochs: expected"),
        (["good", "--seed", "-1"], "argument --seed: expected a whole number from 0"),
        (["good", "--step", "0"], "expected row, column, pixel, or a patch such as 4 or 4x7"),
        (["good", "--step", "3x"], "expected row, column, pixel, or a patch such as 4 or 4x7"),
        (["good", "--order", "hilbert"], "changes nothing where a step is a whole row"),
        (["good", "--order", "up"], "invalid choice: 'up'"),
        (["good", "--predict", "x.png"], "Give it without a folder to train on"),
        (["--predict", "x.png"], "Train first, or name its folder with --output"),
        (["--predict"], "argument --predict: expected at least one argument"),
    ],
)
def test_the_example_of_a_folder(capsys, arguments, cure):
    assert cure in ended_in(capsys, "folder", arguments)


@pytest.mark.parametrize("program", MAINS)
def test_help_says_what_each_option_means_its_default_and_two_examples(program, capsys):
    with pytest.raises(SystemExit) as stopped:
        MAINS[program](["--help"])
    assert stopped.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    options, examples = text.split(" examples: ")
    meanings = re.split(r" --(?=[a-z-]+ [A-Z{])", options.split(" options: ")[1])[1:]
    assert len(meanings) > 8
    for meaning in meanings:
        assert "default: " in meaning or meaning.startswith("predict IMAGE"), meaning
    assert examples.count("python examples/") == 2
    assert "two CPU cores" in examples


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "x.keras"), "Free some space"),
        (OSError(errno.EROFS, "Read-only file system", "x.keras"), "Name another place"),
        (PermissionError(errno.EACCES, "Permission denied", "x"), "x: Permission denied. Name"),
        (MemoryError(), "there is not enough memory"),
        (
            RuntimeError("out of\nmemory"),
            "Error: RuntimeError: out of memory. If the memory",
        ),
    ],
)
def test_what_goes_wrong_later_is_one_line_too(error, says):
    def main():
        raise error

    with pytest.raises(SystemExit) as stopped:
        command_line.run(main)
    assert says in stopped.value.code
    assert "\n" not in stopped.value.code


def test_a_package_that_is_missing_is_named_with_its_extra(monkeypatch, capsys):
    monkeypatch.setattr(command_line.importlib.util, "find_spec", lambda name: None)
    assert 'pip install "keras-imgseq[examples]"' in ended_in(capsys, "folder", ["good"])
    assert 'pip install "keras-imgseq[plot]"' in ended_in(capsys, "mnist", ["--plot", "a.png"])
    assert "--backend jax is not installed" in ended_in(capsys, "mnist", ["--backend", "jax"])


def test_the_first_run_says_nothing_of_its_own_set_up():
    """In a process that has loaded nothing yet, without what the tests set."""
    environment = {n: v for n, v in os.environ.items() if n != "TF_CPP_MIN_LOG_LEVEL"}
    environment["KERAS_BACKEND"] = keras.backend.backend()
    ended = subprocess.run(
        [sys.executable, EXAMPLES / "folder_of_images.py", "good", "--epochs", "3"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    lines = ended.stdout.splitlines()
    assert sum(line.startswith("Epoch ") for line in lines) == 3
    assert any(line.startswith("Epochs left: 1, at this speed ") for line in lines)
    assert any("Training on" in line and "set-up" in line for line in lines)


def test_a_file_is_whole_or_not_there():
    path = Path("kept.txt")
    file = KeptFile(path)
    assert not path.exists()
    with pytest.raises(ZeroDivisionError):
        file.write(lambda partial: (partial.write_text("half"), 1 / 0))
    assert not path.exists()
    file.write(lambda partial: partial.write_text("whole"))
    assert path.read_text() == "whole"


def test_an_older_file_stays_if_no_epoch_was_whole():
    file = KeptFile(Path("kept.txt"))
    assert not file.stays(0)
    Path("kept.txt").write_text("older")
    assert file.stays(0)
    assert not file.stays(1)


def test_a_link_stays_a_link():
    Path("target.txt").write_text("old")
    Path("link.txt").symlink_to("target.txt")
    KeptFile(Path("link.txt")).write(lambda partial: partial.write_text("new"))
    assert Path("link.txt").is_symlink()
    assert Path("target.txt").read_text() == "new"


def test_what_cannot_be_written_in_its_place_is_written_elsewhere(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    file = KeptFile(Path("kept.txt"))

    def save(path):
        if path.parent == tmp_path:
            raise OSError(errno.ENOSPC, "No space left on device")
        path.write_text("learned")

    with pytest.raises(OSError, match="No space left on device") as error:
        file.write(save)
    saved = Path(str(error.value).split("saved as ")[1].split(":")[0].rstrip("'"))
    assert saved.read_text() == "learned"
    assert "Free some space" in command_line.in_words(error.value)


def test_the_training_goes_on_when_nobody_reads_what_it_prints():
    reading, writing = os.pipe()
    with subprocess.Popen(
        [sys.executable, EXAMPLES / "folder_of_images.py", "good", "--epochs", "1"],
        env={**os.environ, "KERAS_BACKEND": keras.backend.backend()},
        stdout=writing,
        stderr=subprocess.PIPE,
    ) as process:
        os.close(writing)
        os.close(reading)
        _, errors = process.communicate()
    assert process.returncode == 0, errors
    assert errors == b""
    assert Path("trained/model.keras").exists()

"""The example of text lines: folders as people have them, and a reader that is used."""

import json
import os
import re
import shutil
import signal
from pathlib import Path

import command_line
import keras
import line_changes
import line_folder
import line_numbers
import line_parts
import line_training
import numpy as np
import pytest
import text_lines
from backends import run_here, run_python
from line_folder import LinesError
from PIL import Image
from resume_folder import ResumeError

from keras_imgseq import LineReader

EXAMPLES = Path(__file__).parent.parent / "examples"


def run_example(*arguments):
    return run_here(text_lines.main, *arguments)


@pytest.fixture
def folder(tmp_path):
    """Lines of three works, and files as they lie about."""
    random = np.random.default_rng(0)
    for number in range(12):
        name = f"work{number % 3}_{number}"
        image = np.full((20, 50 + number), 255, "uint8")
        image[5:15, 5:-5] = random.integers(0, 200, (10, 40 + number))
        Image.fromarray(image).save(tmp_path / f"{name}.png")
        (tmp_path / f"{name}.gt.txt").write_text("ab"[number % 2] * (1 + number % 3) + "\n")
    return tmp_path


def test_pairs_are_read_and_what_is_left_out_is_said(folder):
    (folder / "work0_0.gt.txt").unlink()
    (folder / "work0_0.txt").write_text("a\u0308")
    (folder / "work1_1.gt.txt").unlink()
    (folder / "alone.gt.txt").write_text("text")
    (folder / "work2_2.png").write_bytes(b"no image")
    (folder / "work0_3.gt.txt").write_text("")
    lines, said = line_folder.load_lines(folder)
    assert len(lines) == 10
    assert lines.texts[0] == "ä"
    assert said == [
        "Images without a text, left out (1): work1_1.png",
        "Texts without an image, left out (1): alone.gt.txt",
        "Lines that cannot be read, left out (1): work2_2.png (not an image of a format that "
        "Pillow knows)",
        "Empty texts, trained on as such (1): work0_3.png",
    ]


@pytest.mark.parametrize("name", ["nowhere", "empty", "unpaired"])
def test_a_folder_without_pairs_says_what_is_expected(tmp_path, name):
    if name != "nowhere":
        (tmp_path / name).mkdir()
    if name == "unpaired":
        (tmp_path / name / "a.gt.txt").write_text("a")
    with pytest.raises(line_folder.LinesError, match=r"x\.png and x\.gt\.txt"):
        line_folder.load_lines(tmp_path / name)


def test_the_images_of_one_text_are_in_one_part(tmp_path):
    for number in range(6):
        for kind in ("", ".bin", ".nrm"):
            image = Image.new("L", (40, 12), 255)
            image.paste(0, (5, 3, 30, 9))
            image.save(tmp_path / f"line_{number}{kind}.png")
        (tmp_path / f"line_{number}.gt.txt").write_text("a")
    lines, _ = line_folder.load_lines(tmp_path)
    assert len(lines) == 18
    works = line_folder.works_of(lines, "(.*)")
    assert len(set(works)) == 6
    for part in line_folder.split_by_work(lines, works, share=0.3, seed=0):
        assert len({path.name[:6] for path in part.paths}) * 3 == len(part)


def test_no_work_is_in_two_parts(folder):
    lines, _ = line_folder.load_lines(folder)
    works = line_folder.works_of(lines, r"(.*?)[_.]")
    assert set(works) == {"work0", "work1", "work2"}
    kept, apart = line_folder.split_by_work(lines, works, share=0.1, seed=0)
    assert len(kept) + len(apart) == 12
    assert len(apart) == 4
    names = [{path.name.split("_")[0] for path in part.paths} for part in (kept, apart)]
    assert not names[0] & names[1]
    for pattern, cure in (
        ("(", "is no regular"),
        ("work", "no group"),
        ("(x)", "does not fit"),
    ):
        with pytest.raises(line_folder.LinesError, match=cure):
            line_folder.works_of(lines, pattern)


def test_numbers_are_written_with_the_digits_given():
    digits = np.zeros((3, 28, 28), "uint8")
    for digit in range(3):
        digits[digit, 8:20, 8:20] = 100 * digit + 50
    images, texts = line_numbers.write_numbers(digits, np.arange(3), 40, seed=1)
    again, _ = line_numbers.write_numbers(digits, np.arange(3), 40, seed=1)
    assert all((one == other).all() for one, other in zip(images, again, strict=True))
    assert {len(text) for text in texts} == set(range(2, 9))
    assert len({image.shape[1] for image in images}) > 5
    for image, text in zip(images, texts, strict=True):
        assert {int(value) for value in np.unique(image)} - {0} == {
            100 * int(digit) + 50 for digit in text
        }


def test_a_changed_line_is_a_line():
    line = np.zeros((40, 200), "float32")
    line[10:30, 20:180] = 1
    for seed in range(20):
        changed = line_changes.changed(line, np.random.default_rng(seed))
        assert changed.dtype == "float32"
        assert changed.shape[0] == 40
        assert 180 <= changed.shape[1] <= 220
        assert changed.min() >= 0
        assert changed.max() <= 1
        assert changed[15:25, 60:140].mean() > 0.8
    first, second = (line_changes.changed(line, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_the_rate_of_texts_is_their_distance():
    assert line_training.rate_of(["abc", "", "aab"], ["abd", "aa", "aab"]) == pytest.approx(3 / 8)


def test_the_best_epoch_is_kept_and_the_training_ends(tmp_path):
    from resume_folder import States

    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    best = line_training.Best(States(tmp_path))
    for epoch, rate in enumerate([0.5, 0.3, *[0.4] * line_training.PATIENCE]):
        model.set_weights([np.full((1, 1), float(epoch)), np.zeros(1)])
        assert not best.is_over
        ends = best.compare(epoch, {line_training.Best.name: rate}, model)
    assert ends
    resumed = line_training.Best(States(tmp_path))
    assert resumed.is_over
    assert resumed.num_epochs == 2 + line_training.PATIENCE
    resumed.restore(model)
    assert model.get_weights()[0][0, 0] == 1


def test_few_lines_are_trained_on_more_often_and_longer():
    assert line_training.epochs_for(3626, 13) == 13
    # 18 lines are two batches of 16.
    assert line_training.epochs_for(18, 13) == 1000
    best = line_training.Best(None, patience=300)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    for epoch in range(300):
        assert not best.compare(epoch, {line_training.Best.name: 1.0}, model)
    assert best.compare(300, {line_training.Best.name: 1.0}, model)


def test_a_folder_becomes_a_reader_that_reads(folder, tmp_path):
    saved, drawn = tmp_path / "reader.keras", tmp_path / "line.png"
    arguments = ["--data", folder, "--units", 4, "--epochs", 1, "--height", 16, "--augment"]
    arguments += ["--save", saved, "--plot", drawn, "--resume", tmp_path / "r"]
    # Several devices share the lines on JAX.
    arguments += ["--devices", 2] if keras.backend.backend() == "jax" else []
    example = EXAMPLES / "text_lines.py"
    ended = run_python(example, *arguments, backend=keras.backend.backend())
    assert ended.returncode == 0, ended.stderr
    # TensorFlow logs this where the width of the labels changes, and goes on.
    assert [line for line in ended.stderr.splitlines() if "tfg.While" not in line] == []
    counts = "4 lines for the training, 4 for the validation and 4 for the test, with 2 different"
    assert counts in ended.stdout
    assert len(re.findall("^Epoch 1/1: .*validation character_error_rate", ended.stdout, re.M)) == 1
    assert re.search(r"Character error rate: \d+\.\d\d %, on 4 lines", ended.stdout)
    assert drawn.read_bytes().startswith(b"\x89PNG")

    image = folder / "work0_0.png"
    reader = keras.saving.load_model(saved)
    assert isinstance(reader, LineReader)
    (text,) = reader.read([line_folder.open_line(image)])
    ended = run_example("--read", saved, image)
    assert ended.stdout == text + "\n", ended.stderr
    ended = run_example("--read", saved, image, folder / "nowhere.png", "--where")
    assert ended.returncode == 1
    assert "nowhere.png cannot be read: No such file" in ended.stderr
    content = json.loads(ended.stdout)
    assert content["text"] == text
    assert "".join(place["character"] for place in content["characters"]) == text
    assert all(0 <= place["left"] <= place["right"] <= 50 for place in content["characters"])


@pytest.mark.parametrize("paper", [60000, 4000])
def test_the_noise_of_an_empty_line_is_no_ink(tmp_path, paper):
    noise = np.random.default_rng(0).integers(0, paper // 20, (16, 40))
    path = tmp_path / "line.png"
    Image.fromarray((paper - noise).astype("uint16")).save(path)
    reader = LineReader("a", height=16)
    assert not reader.prepare(line_folder.open_line(path)).any()
    Image.fromarray((paper - 2 * noise).astype("uint16")).save(path)
    assert reader.prepare(line_folder.open_line(path)).any()


def test_a_run_goes_on_with_the_same_lines_alone(folder, tmp_path):
    """Changed pixels, or another text, make another run."""
    from resume_folder import ResumeError

    state = tmp_path / "state"
    arguments = ["--data", str(folder), "--units", "4", "--epochs", "1", "--height", "16"]
    arguments += ["--resume", str(state)]
    assert run_example(*arguments).returncode == 0
    assert "Epoch" not in run_example(*arguments).stdout
    # Whichever work is the test.
    for image in folder.glob("*.png"):
        Image.fromarray(255 - np.asarray(Image.open(image))).save(image)
    with pytest.raises(ResumeError, match=r"images was .* and is now"):
        text_lines.main(arguments)


def test_several_folders_are_one_set(folder, tmp_path):
    *parts, apart = [tmp_path / "one", tmp_path / "two", tmp_path / "three"]
    for number, part in enumerate([*parts, apart]):
        part.mkdir()
        for file in [*folder.glob(f"work{number}_*")]:
            file.rename(part / file.name)
    lines = line_folder.Lines.joined([line_folder.load_lines(part)[0] for part in parts])
    assert len(lines) == 8
    assert {path.name[:5] for path in lines.paths[:4]} == {"work0"}
    assert all(
        image.shape == (20, 50 + int(path.stem[6:]))
        for image, path in zip(lines.images, lines.paths, strict=True)
    )
    options = ["--data", *map(str, parts), "--test", str(apart)]
    training, validation, test = line_parts.loaded(text_lines.parsed(options))
    assert (len(training), len(validation), len(test)) == (4, 4, 4)


def test_noise_does_not_hide_where_a_line_ends():
    line = np.zeros((12, 60), "float32")
    line[3:9, 5:40] = 1
    for seed in range(20):
        changed = line_changes.changed(line, np.random.default_rng(seed))
        assert np.flatnonzero(changed.any(axis=0))[-1] < 40 * 1.08 + 4


@pytest.mark.parametrize("part", ["--valid", "--test"])
def test_lines_of_the_validation_and_the_test_are_not_trained_on(folder, part, capsys):
    (folder / "apart").mkdir()
    for file in [*folder.glob("work1_*")]:
        file.rename(folder / "apart" / file.name)
    options = ["--data", str(folder), "--split-by", "(.*)", part, str(folder / "apart")]
    parts = line_parts.loaded(text_lines.parsed(options))
    assert sum(map(len, parts)) == 12
    assert len({path for lines in parts for path in lines.paths}) == 12
    assert "4 lines are in --valid or --test too, and not trained on." in capsys.readouterr().out
    with pytest.raises(LinesError, match="all are in --valid or --test too"):
        line_parts.loaded(text_lines.parsed(["--data", str(folder), part, str(folder)]))


def test_hidden_folders_and_other_spellings(folder, capsys):
    hidden = folder / ".ipynb_checkpoints"
    hidden.mkdir()
    image, text = next(folder.glob("work0_*.png")), next(folder.glob("work0_*.gt.txt"))
    shutil.copy(image, hidden / "copy.png")
    shutil.copy(text, hidden / "copy.gt.txt")
    shutil.copy(image, folder / "other_1.PNG")
    (folder / "other_1.GT.TXT").write_text("12 \n\x0c")
    (folder / "other_1.txt").write_text("not taken")
    shutil.copy(image, folder / "latin_1.png")
    (folder / "latin_1.gt.txt").write_bytes(b"\xe4")
    lines, said = line_folder.load_lines(folder)
    assert len(lines) == 13
    assert lines.texts[[path.name for path in lines.paths].index("other_1.PNG")] == "12"
    assert said == [
        "Lines that cannot be read, left out (1): latin_1.png (latin_1.gt.txt is not UTF-8)"
    ]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--where"], "--where goes with --read"),
        (["--read", "a.keras", "b.png", "--save", "c.keras"], "--read does not train"),
        (["--data", ".", "--limit", "3"], "--limit goes without --data"),
    ],
)
def test_options_that_would_do_nothing_are_refused(options, says, capsys):
    with pytest.raises(SystemExit):
        text_lines.parsed(options)
    assert says in capsys.readouterr().err


def test_empty_texts_alone_are_refused(folder):
    for text in folder.glob("*.gt.txt"):
        text.write_text("")
    ended = run_example("--data", folder, "--split-by", "(.*)", "--epochs", 1)
    assert ended.returncode != 0
    assert ended.stderr.strip().splitlines()[-1].startswith("Error: All texts are empty.")


def test_a_damaged_best_reader_is_named(tmp_path):
    class Kept:
        def file(self, name):
            return tmp_path / name

    (tmp_path / "best.npz").write_bytes(b"damaged")
    with pytest.raises(ResumeError, match=r"best\.npz is damaged\. Remove the folder"):
        line_training.Best(Kept())


def test_shares_are_of_all_lines(folder):
    options = ["--data", str(folder), "--split-by", "(.*)", "--valid", "0.25", "--test", ".5"]
    parts = line_parts.loaded(text_lines.parsed(options))
    assert [len(lines) for lines in parts] == [3, 3, 6]
    assert len({path for lines in parts for path in lines.paths}) == 12


def test_numbers_are_learned_without_a_folder(tmp_path, monkeypatch):
    """Each part has digits of its own: the training's, and the test's."""
    written = []

    def write_numbers(digits, labels, count, seed):
        written.append({digit.tobytes() for digit in digits})
        return line_numbers.write_numbers(digits, labels, count, seed)

    monkeypatch.setattr(line_parts, "write_numbers", write_numbers)
    saved = tmp_path / "numbers.keras"
    arguments = ["--limit", 16, "--epochs", 1, "--units", 4, "--height", 16, "--save", saved]
    ended = run_example(*arguments)
    assert ended.returncode == 0, ended.stderr
    assert "No --data given: writing numbers with the digits of MNIST." in ended.stdout
    assert ended.stdout.count("    (truth: ") == 10
    assert re.search(r"Character error rate: \d+\.\d\d %, on 16 lines", ended.stdout)
    assert keras.saving.load_model(saved).alphabet == "0123456789"
    training, validation, test = written
    assert [len(digits) > 4000 for digits in written] == [True] * 3
    assert len(test - training) > 0.99 * len(test)
    assert len(validation - training) > 0.99 * len(validation)


@pytest.fixture
def listening():
    """A shell in the background starts programs deaf to Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("listening")
def test_ctrl_c_in_the_first_epoch_is_said(folder, tmp_path, monkeypatch):
    saved, pressed = tmp_path / "reader.keras", []

    def changed(line, generator):
        if not pressed:
            pressed.append("Ctrl-C")
            signal.raise_signal(signal.SIGINT)
        return line

    monkeypatch.setattr(line_training, "changed", changed)
    # The first epoch has a second batch, which is not trained.
    monkeypatch.setattr(line_training, "BATCH_SIZE", 2)
    arguments = ["--data", folder, "--units", 4, "--epochs", 2, "--height", 16, "--augment"]
    ended = run_example(*arguments, "--resume", tmp_path / "state", "--save", saved)
    assert ended.returncode == 130, ended.stderr
    assert f"Saved a reader that has learned little as {saved}" in ended.stdout
    assert "Stopped. No epoch was whole: the same command begins again." in ended.stdout
    assert keras.saving.load_model(saved).alphabet == "ab"


@pytest.mark.usefixtures("listening")
def test_ctrl_c_loses_nothing(folder, tmp_path_factory, monkeypatch):
    others, results = tmp_path_factory.mktemp("others"), tmp_path_factory.mktemp("results")
    saved = results / "reader.keras"
    (folder / "work0_0.png").rename(others / "work0_0.png")
    (others / "work0_0.gt.txt").write_text("x")
    (folder / "work0_0.gt.txt").unlink()
    arguments = ["--data", folder, "--test", others, "--units", 4, "--epochs", 2, "--height", 16]
    arguments += ["--augment", "--resume", results / "state", "--save", saved]
    pressed = []

    def changed(line, generator):
        if not pressed and list(results.rglob("1.json")):
            pressed.append("Ctrl-C")
            signal.raise_signal(signal.SIGINT)
        return line

    monkeypatch.setattr(line_training, "changed", changed)
    ended = run_example(*arguments)
    assert ended.returncode == 130, ended.stderr
    assert "Characters only in the test (1), which the reader cannot learn: x" in ended.stdout
    assert "Stopped. The same command goes on from the last whole epoch." in ended.stdout
    assert keras.saving.load_model(saved).alphabet == "ab"
    monkeypatch.setattr(line_training, "changed", lambda line, generator: line)
    before, ended = ended.stdout, run_example(*arguments)
    assert ended.returncode == 0, ended.stderr
    assert "Epoch 1/2" not in ended.stdout
    # The batch that was being made, the only one of its epoch, is trained all the same.
    assert (before + ended.stdout).count("Epoch 2/2") == 1


@pytest.mark.parametrize(
    ("arguments", "cure"),
    [
        (["--data", "nowhere"], "There is no folder nowhere"),
        (["--data", "folder", "--split-by", "("], "is no regular"),
        (["--valid", "folder"], "--valid and --test go with --data"),
        (["--data", "folder", "--valid", "0.5", "--test", "0.5"], "leave no line for the training"),
        (["--data", "folder", "--test", "0.95"], "leave no line for the training"),
        (["--data", "folder", "--valid", "0.1", "folder"], "folders, or one share of the lines"),
        (["--data", "folder", "--valid", "20"], "There is no folder 20"),
        (["--read", "model.keras"], "at least one image"),
        (["--read", "model.keras", "a.png"], "there is no model.keras"),
        (["--save", "model.h5"], "a file ending in .keras"),
        (["--save", "nowhere/model.keras"], "there is no folder nowhere. Make it first"),
        (["--units", "0"], "expected a whole number from 1"),
    ],
)
def test_command_lines_that_cannot_be(arguments, cure, folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    (folder / "folder").symlink_to(folder)
    with pytest.raises(SystemExit) as stopped:
        command_line.run(lambda: text_lines.main(arguments))
    code = stopped.value.code
    shown = capsys.readouterr().err if isinstance(code, int) else code
    assert cure in shown.strip().splitlines()[-1]
    assert "Traceback" not in shown


@pytest.mark.parametrize("seed", range(6))
def test_works_of_unlike_sizes_give_three_parts(seed):
    counts = {"a": 100, "b": 5, "c": 5}
    works = [work for work, count in counts.items() for _ in range(count)]
    paths = [Path(f"{work}_{place}.png") for place, work in enumerate(works)]
    lines = line_folder.Lines([np.zeros((2, 2))] * 110, works, paths)
    lines, test = line_folder.split_by_work(lines, works, 0.1, seed, num_kept=2)
    lines, valid = line_folder.split_by_work(lines, lines.texts, 0.1, seed)
    assert (len(lines), len(valid), len(test)) == (100, 5, 5)


def test_a_folder_can_be_a_work():
    paths = [Path(f"shelf/book{book}/000{page}.png") for book in (1, 2) for page in (1, 2)]
    lines = line_folder.Lines([None] * 4, ["a"] * 4, paths)
    for pattern in ("(.*)/", "([^/]*)/", r"([^\\/]+)/.*"):
        assert line_folder.works_of(lines, pattern) == ["book1", "book1", "book2", "book2"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes with a name")
def test_a_text_that_is_no_file_is_left_out(tmp_path):
    for name in ("good", "pipe", "folder"):
        Image.new("L", (30, 10), 255).save(tmp_path / f"{name}.png")
    (tmp_path / "good.gt.txt").write_text("a")
    os.mkfifo(tmp_path / "pipe.gt.txt")
    (tmp_path / "folder.gt.txt").mkdir()
    lines, said = line_folder.load_lines(tmp_path)
    assert lines.texts == ["a"]
    assert "pipe.png (pipe.gt.txt is not a regular file)" in said[0]
    assert "folder.png (folder.gt.txt is not a regular file)" in said[0]


def test_what_is_no_line_is_left_out_with_a_word(tmp_path):
    from PIL import Image

    def write(name, size, text):
        Image.new("L", size, 255).save(tmp_path / f"{name}.png")
        if text is not None:
            (tmp_path / f"{name}.gt.txt").write_text(text, encoding="utf-8")

    write("page", (30, 10), "one")
    write("page.1", (30, 10), None)
    write("thin", (1, 20), "a")
    write("tall", (3, 200), "a")
    write("poem", (30, 10), "two\nlines\n")
    lines, said = line_folder.load_lines(tmp_path)
    assert [path.name for path in lines.paths] == ["page.png"]
    assert "Images without a text, left out (1): page.1.png" in said
    (unreadable,) = [sentence for sentence in said if "cannot be read" in sentence]
    assert "cannot be read, left out (3)" in unreadable
    assert "its text has several lines" in unreadable
    assert "1 x 20 pixels are no line" in unreadable

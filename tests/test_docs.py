import ast
import importlib
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from backends import INSTALLED, run_here
from page_code import BLOCK, names_of_readme, run_page

from keras_imgseq import LineBatches, LineReader, build_image_rnn

DOCS = Path(__file__).parent.parent / "docs"


def test_a_folder_of_lines_is_opened_and_has_an_alphabet(tmp_path, monkeypatch):
    images = pytest.importorskip("PIL.Image", reason="the extra `examples` installs Pillow")
    monkeypatch.chdir(tmp_path)
    Path("lines").mkdir()
    line = np.full((16, 40), 255, "uint8")
    line[4:12, 4:36] = 0
    for name, text in (("a", "be"), ("b", "a\u0323\u0301e")):
        images.fromarray(line).quantize(2).save(f"lines/{name}.png")
        Path(f"lines/{name}.gt.txt").write_text(text + "\n", encoding="utf-8")
    page = (DOCS / "how-to" / "read-text-lines.md").read_text(encoding="utf-8")
    (code,) = (block for block in BLOCK.findall(page) if "unicodedata" in block)
    names = {}
    exec(code, names)
    # A letter with a dot below is one character of NFC, and the accent on it another.
    assert names["alphabet"] == "\u0301be\u1ea1"
    reader = LineReader(names["alphabet"], 16, filters=4, pool_sizes=((4, 4),), units=4)
    assert LineBatches(names["images"], names["texts"], reader).num_batches == 1
    assert all(reader.prepare(image).max() == 1 for image in names["images"])


@pytest.mark.skipif("torch" not in INSTALLED, reason="DataLoader comes with PyTorch")
def test_the_example_of_pytorch_runs():
    import torch

    from keras_imgseq import image_as_sequence

    page = (DOCS / "how-to" / "feed-it-from.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    names = {
        "torch": torch,
        "image_as_sequence": image_as_sequence,
        "images": np.zeros((8, 28, 28), "uint8"),
        "labels": np.arange(8) % 2,
    }
    exec(code, names)
    assert names["sequences"].dtype == torch.uint8


WORDS_OF_KERAS = {
    "loss: nan",
    "expected ndim=3, found ndim=4",
    "Invalid input shape for input",
    "Argument `output` must have rank",
    "Arguments `target` and `output` must have the same",
    "Could not locate class 'ImageRNN'",
    "'ImageAsSequence'",
    "Unrecognized data type: x=",
    "losses.py",
    "No module named 'jax'",
}


def messages_of(path):
    """The texts of a file, with a gap for each value that is filled in."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            parts = (part.value if isinstance(part, ast.Constant) else "_" for part in node.values)
            yield "".join(parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_the_errors_of_the_troubleshooting_are_those_of_the_code():
    fuzz = pytest.importorskip("rapidfuzz.fuzz", reason="the extra `test` installs rapidfuzz")
    page = (DOCS / "how-to" / "troubleshooting.md").read_text(encoding="utf-8")
    # A line of code right below a heading.
    lines = re.findall(r"^###.*\n\n(`.*)$", page, flags=re.MULTILINE)
    quoted = [words for line in lines for words in re.findall(r"`` (.*?) ``|`([^`]+)`", line)]
    errors = {one or other for one, other in quoted} - WORDS_OF_KERAS
    assert len(errors) > 30
    files = [*(DOCS.parent / "keras_imgseq").rglob("*.py"), *DOCS.parent.glob("examples/*.py")]
    messages = {message for file in files for message in messages_of(file) if len(message) > 15}
    for error in errors:
        best = max(messages, key=lambda message: fuzz.partial_ratio(error, message))
        assert fuzz.partial_ratio(error, best) > 75, (error, best)


def test_the_lines_of_the_readme_run():
    run_page(DOCS.parent / "README.md", names_of_readme())


def test_a_line_of_the_readme_that_prints_something_else_is_found(tmp_path):
    (tmp_path / "page.md").write_text("```python\nprint(1)  # 2\n```\n")
    with pytest.raises(AssertionError, match="says 2"):
        run_page(tmp_path / "page.md", {})


def test_the_tutorial_reads_a_digit_with_the_saved_network(tmp_path, monkeypatch, capsys):
    build_image_rnn((28, 28), 10).save(tmp_path / "digits.keras")
    (tmp_path / "examples").symlink_to(DOCS.parent / "examples")
    monkeypatch.chdir(tmp_path)
    blocks = BLOCK.findall((DOCS / "tutorial.md").read_text(encoding="utf-8"))
    (code,) = (block for block in blocks if "load_model" in block)
    exec(code, {})
    assert re.search(r"It is 7, and the network says \d with \d+%", capsys.readouterr().out)


def test_the_lines_of_photos_are_cut_out(tmp_path, monkeypatch):
    images = pytest.importorskip("PIL.Image", reason="the extra `examples` installs Pillow")
    monkeypatch.chdir(tmp_path)
    pixels = np.kron(np.arange(48, dtype="uint8").reshape(6, 8), np.ones((16, 16), "uint8"))
    Path("photos").mkdir()
    on_its_side = images.Exif()
    on_its_side[0x0112] = 6
    for name, stored, exif in (
        ("IMG_1.jpg", pixels, images.Exif()),
        ("IMG_2.JPG", np.rot90(pixels), on_its_side),
    ):
        images.fromarray(np.ascontiguousarray(stored)).save(f"photos/{name}", quality=99, exif=exif)

    def as_tesseract(command, check):
        image, name, kind = command[1:]
        assert np.shape(images.open(image))[:2] == pixels.shape
        heading = "level block_num par_num line_num left top width height text"
        rows = [
            "1 0 0 0 0 0 128 96 ",
            "4 1 1 1 16 32 80 48 ",
            '5 1 1 1 16 32 40 48 "two',
            "5 1 1 1 56 32 40 48 words",
            "4 2 1 1 0 0 128 96 ",
            "4 3 1 1 0 80 128 16 ",
            "5 3 1 1 0 80 128 16 one",
        ]
        table = "\n".join(line.replace(" ", "\t") for line in [heading, *rows])
        Path(f"{name}.{kind}").write_text(table, encoding="utf-8")

    Path("photos/notes.txt").touch()
    Path("lines").mkdir()
    corrected = Path("lines/IMG-1_002.gt.txt")
    corrected.write_text("corrected", encoding="utf-8")
    monkeypatch.setattr(subprocess, "run", as_tesseract)
    page = (DOCS / "how-to" / "read-text-lines.md").read_text(encoding="utf-8")
    (code,) = (block for block in BLOCK.findall(page) if "tesseract" in block)
    exec(code, {})
    assert corrected.read_text(encoding="utf-8") == "corrected"
    corrected.unlink()
    exec(code, {})
    names = sorted(path.name for path in Path("lines").iterdir())
    assert names == [
        f"IMG-{photo}_00{line}.{kind}"
        for photo in (1, 2)
        for line in (1, 2)
        for kind in ("gt.txt", "png")
    ]
    for photo in (1, 2):
        for line, text, part in (
            (1, '"two words', pixels[32:80, 16:96]),
            (2, "one", pixels[80:]),
        ):
            file = f"lines/IMG-{photo}_00{line}"
            assert Path(f"{file}.gt.txt").read_text(encoding="utf-8") == text
            cut = np.asarray(images.open(f"{file}.png").convert("L")).astype(int)
            assert cut.shape == part.shape
            assert abs(cut - part).max() <= 3


def test_every_picture_of_the_docs_is_there_and_used():
    pages = "".join(page.read_text(encoding="utf-8") for page in DOCS.rglob("*.md"))
    pages += (DOCS.parent / "README.md").read_text(encoding="utf-8")
    used = set(re.findall(r"images/([\w-]+\.\w+)", pages))
    assert used == {path.name for path in (DOCS / "images").iterdir()}


def test_every_picture_is_there_for_light_pages_and_for_dark_ones():
    names = {path.stem for path in (DOCS / "images").iterdir()} - {"reading"}
    light = {name for name in names if not name.endswith("-dark")}
    assert names == light | {f"{name}-dark" for name in light}


def test_no_page_waits_for_a_figure():
    pages = [*DOCS.rglob("*.md"), DOCS.parent / "README.md"]
    found = {
        word
        for page in pages
        for word in re.findall(
            r"\b[A-Z]+(?:_[A-Z]+)*_(?:TABLE|RESULT|STEADY)\b", page.read_text("utf-8")
        )
    }
    assert not found


def commands_of(page):
    """The commands of this project in the shell lines of a page: module or script, and options."""
    text = page.read_text(encoding="utf-8")
    for block in re.findall(r"^```sh\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE):
        for line in block.replace("\\\n", " ").splitlines():
            for command in line.split("&&"):
                words = command.split()
                where = [place for place, word in enumerate(words) if word.endswith("python")]
                if where:
                    yield words[where[0] + 1 :]


def test_the_commands_of_the_pages_have_the_options_that_they_are_given():
    given = {}
    for page in [*DOCS.rglob("*.md"), DOCS.parent / "README.md"]:
        for program, *words in commands_of(page):
            name = words[0] if program == "-m" else program
            if name.startswith(("examples/", "benchmarks", "keras_imgseq")):
                options = {word.split("=")[0] for word in words if word.startswith("--")}
                given.setdefault(name, set()).update(options)
    assert len(given) > 10
    for name, options in given.items():
        if name.startswith("examples/"):
            ended = run_here(importlib.import_module(Path(name).stem).main, "--help")
            assert ended.returncode == 0, ended.stderr
            text = ended.stdout
        else:
            # Their help needs packages that only developers have.
            path = DOCS.parent / name.replace(".", "/")
            file = path / "__main__.py" if path.is_dir() else path.with_suffix(".py")
            text = file.read_text(encoding="utf-8")
        assert options <= set(re.findall(r"--[a-z][a-z-]*", text)), name

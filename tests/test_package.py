import inspect
import re
import tomllib
import typing
from importlib import metadata
from pathlib import Path

import keras

import keras_imgseq
from keras_imgseq._network import architecture
from keras_imgseq._network.model import ImageRNN
from keras_imgseq._reading import axes, orders, reading_arguments
from keras_imgseq._recurrent import cells, layers

ROOT = Path(__file__).parent.parent


def test_all_lists_the_public_names():
    public = {
        name
        for name, value in vars(keras_imgseq).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert public == set(keras_imgseq.__all__) - {"plot"}
    assert inspect.ismodule(keras_imgseq.plot)


def test_versions_agree():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = changelog.split("\n## ")[1].split()[0]
    assert keras_imgseq.__version__ == metadata.version("keras-imgseq") == newest
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {newest}\n" in citation


def test_the_package_keeps_to_the_public_keras_api():
    forbidden = ("keras.src", "Lambda", "import tensorflow", "import jax", "import torch")
    for path in (ROOT / "keras_imgseq").rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        used = {word for word in forbidden if re.search(rf"{word}\b", source)}
        # The loops that are written in a backend's own operations.
        is_loop = path.match("_recurrent/torch_*.py")
        assert used == ({"import torch"} if is_loop else set()), path.name


def test_imports_run_one_way():
    below = {
        "_reading": ("_recurrent", "_network", "_lines", "_plot", "plot"),
        "_recurrent": ("_reading", "_network", "_lines", "_plot", "plot"),
        "_network": ("_lines", "_plot", "plot"),
        "_lines": ("_plot", "plot"),
        "_plot": ("plot", "export"),
    }
    for room, above in below.items():
        for path in (ROOT / "keras_imgseq" / room).glob("*.py"):
            source = path.read_text(encoding="utf-8")
            assert not [name for name in above if f"keras_imgseq.{name}" in source], path


def test_the_choices_of_an_editor_are_the_tables():
    def names(literal):
        return set(typing.get_args(literal))

    assert names(reading_arguments.StepName) == set(reading_arguments.STEPS)
    assert names(orders.OrderName) == set(orders.ORDERS)
    assert names(axes.DataFormat) == set(axes.AXES)
    assert names(cells.CellName) == set(cells.CELLS)
    assert names(architecture.Merge) == set(architecture.MERGES)
    assert names(reading_arguments.Padding) == {"same"}
    for function in (keras_imgseq.ImageAsSequence.__init__, keras_imgseq.image_as_sequence):
        hints = typing.get_type_hints(function)
        assert hints["step"] == reading_arguments.Step
        assert hints["order"] == reading_arguments.Order
        assert hints["padding"] == reading_arguments.Padding | None
    hints = typing.get_type_hints(keras_imgseq.build_image_rnn)
    assert hints["cell"] == architecture.Cell
    assert hints["merge"] == architecture.Merge


def test_the_registered_names_are_a_file_format():
    names = {
        keras.saving.get_registered_name(thing)
        for thing in (
            keras_imgseq.ImageAsSequence,
            keras_imgseq.SequenceAsImage,
            keras_imgseq.BlankPadding,
            keras_imgseq.CharacterErrorRate,
            keras_imgseq.ConvStem,
            keras_imgseq.LineReader,
            ImageRNN,
            layers.SimpleRNN,
            layers.GRU,
            layers.LSTM,
        )
    }
    frozen = (
        "ImageAsSequence SequenceAsImage BlankPadding CharacterErrorRate ConvStem LineReader "
        "ImageRNN SimpleRNN GRU LSTM"
    )
    assert names == {f"keras_imgseq>{name}" for name in frozen.split()}


def test_public_objects_are_documented_and_annotated():
    things = {name: getattr(keras_imgseq, name) for name in keras_imgseq.__all__}
    things["plot"] = keras_imgseq.plot.plot_reading
    things["plot_line"] = keras_imgseq.plot.plot_line
    things["plot_belief"] = keras_imgseq.plot.plot_belief
    for name, thing in things.items():
        assert "Examples:" in thing.__doc__, name
        signature = inspect.signature(thing)
        assert all(p.annotation is not p.empty for p in signature.parameters.values()), name


def test_the_wheel_holds_the_package_alone():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == ["keras_imgseq"]
    assert (ROOT / "keras_imgseq" / "py.typed").exists()

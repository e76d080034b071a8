import inspect
import tomllib
from importlib import metadata
from pathlib import Path

import keras_imgseq

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


def test_the_package_keeps_to_the_public_keras_api():
    forbidden = ("keras.src", "Lambda", "import tensorflow", "import jax", "import torch")
    for path in (ROOT / "keras_imgseq").glob("*.py"):
        source = path.read_text(encoding="utf-8")
        used = {word for word in forbidden if word in source}
        # The one place in which a kernel of a backend is called.
        assert used == ({"import torch"} if path.name == "_torch_loops.py" else set()), path.name


def test_public_objects_are_documented_and_annotated():
    things = {name: getattr(keras_imgseq, name) for name in keras_imgseq.__all__}
    things["plot"] = keras_imgseq.plot.plot_reading
    things["plot_belief"] = keras_imgseq.plot.plot_belief
    for name, thing in things.items():
        assert "Examples:" in thing.__doc__, name
        signature = inspect.signature(thing)
        assert all(p.annotation is not p.empty for p in signature.parameters.values()), name


def test_the_wheel_holds_the_package_alone():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == ["keras_imgseq"]
    assert (ROOT / "keras_imgseq" / "py.typed").exists()

"""Opens the file of a saved network that is to be written for elsewhere."""

import re
import zipfile
from pathlib import Path

import keras


def load_network(path: Path, command: str) -> keras.Model:
    """The network of a file, called once.

    Args:
        path: The `.keras` file.
        command: The arguments that the export was given, to be typed again.

    Raises:
        ValueError: If the file is none, is damaged, needs a class that is not known, or holds a
            model without inputs or with dicts of them.
    """
    if not path.is_file():
        what = f"{path} is a folder" if path.is_dir() else f"There is no {path}"
        raise ValueError(f"{what}. Name a model that was saved as a .keras file.")
    if path.suffix != ".keras" and zipfile.is_zipfile(path):
        raise ValueError(f"Keras loads files that end in .keras. Received: {path}. Rename it.")
    if not zipfile.is_zipfile(path):
        raise ValueError(
            f"{path} is no .keras file, or it is damaged. Save the whole model again with "
            'model.save("model.keras").'
        )
    try:
        model = keras.saving.load_model(path, compile=False)
    except Exception as error:
        raise ValueError(f"{path} cannot be loaded {_reason_and_cure(error, command)}") from error
    if not getattr(model, "inputs", None) or not getattr(model, "outputs", None):
        raise ValueError(
            f"{path} holds a model without known inputs. Begin a Sequential with keras.Input, or "
            "write a model of your own class as keras.Model(inputs, outputs)."
        )
    # A Sequential that was not called has no `input`, and never is of dicts.
    is_graph = not isinstance(model, keras.Sequential)
    if is_graph and (isinstance(model.input, dict) or isinstance(model.output, dict)):
        raise ValueError(
            f"{path} holds a model whose inputs or outputs are a dict. Write them as a list: "
            "keras.Model([...], [...])."
        )
    # Keras exports only what was called before.
    model(model.inputs)
    return model


def reason_of(error: BaseException) -> str:
    """What went wrong, on one line and without the colours of a terminal."""
    words = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).split()
    return f"{type(error).__name__}: {' '.join(words)}"


def _reason_and_cure(error: Exception, command: str) -> str:
    """Why Keras did not load a file, in brackets, and what to do."""
    reason = reason_of(error)
    unknown = re.search(r"Could not locate (?:class|function) '(\w+)'", reason)
    if unknown:
        return (
            f"({unknown[1]} is not known). Register it with "
            "keras.saving.register_keras_serializable, and import it first: "
            'python -c "import YOUR_MODULE; from keras_imgseq.export import main; main()" '
            f"{command}"
        )
    if "enable_unsafe_deserialization" in reason:
        return (
            "(it holds code of Python, such as a lambda, which is not loaded from a file). Write "
            "a layer of your own, registered with Keras, in its place."
        )
    return f'({reason[:200]}). Save it again with model.save("model.keras").'

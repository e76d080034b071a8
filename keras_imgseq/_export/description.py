"""The `.json` file beside an export: what a program in another language must know."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

import keras_imgseq
from keras_imgseq import ImageAsSequence, LineReader
from keras_imgseq._export.pixels import data_format_of, layers_of, padding_of, scaling_of
from keras_imgseq._export.targets import TARGETS
from keras_imgseq._reading import axes


def describe(
    whole: keras.Model,
    model: keras.Model,
    signature: Sequence[keras.InputSpec],
    path: Path,
    target: str,
) -> dict[str, Any]:
    """What must be known of a network to use its file: sizes, scaling, and names of its classes.

    Args:
        whole: The network that was saved.
        model: What is written: the network itself, or its model of one step.
        signature: The shapes of its inputs in the file.
        path: Where the network was saved.
        target: The format of the file.

    Raises:
        ValueError: If the `preparation.json` beside the network is damaged or of another model.
    """
    scale, offset = scaling_of(whole)
    inputs = [keras.KerasTensor(spec.shape, spec.dtype) for spec in signature]
    answers = model.compute_output_spec(inputs[0] if len(inputs) == 1 else inputs)
    outputs: list[dict[str, Any]] = [
        {"shape": list(tensor.shape)} for tensor in keras.tree.flatten(answers)
    ]
    if TARGETS[target].names_outputs:
        outputs = [{"name": f"output_{n}", **output} for n, output in enumerate(outputs)]
    content: dict[str, Any] = {
        "model": path.name,
        "made_by": f"keras_imgseq {keras_imgseq.__version__}, Keras {keras.__version__}, "
        f"{keras.backend.backend()}",
        "target": target,
        "inputs": [
            {"name": spec.name, "shape": list(spec.shape), "dtype": spec.dtype}
            for spec in signature
        ],
        "outputs": outputs,
        "scaling_inside": scale,
        "offset_inside": offset,
    }
    if any(isinstance(layer, ImageAsSequence) for layer in layers_of(whole)):
        content |= {"data_format": data_format_of(whole), "mask_value": padding_of(whole)}
    if model is not whole:
        states = model.step_graph.initial_states(1)
        is_zero = not any(state.any() for state in states)
        content["states_before_the_first_part"] = (
            "zeros" if is_zero else [state[0].tolist() for state in states]
        )
    if isinstance(whole, LineReader):
        content |= {
            "alphabet": whole.alphabet,
            "blank": 0,
            "height": whole.height,
            "step_width": whole.step_width,
            "pixels": "ink 1, paper 0, padded with 0 on the right",
        }
    preparation = path.with_name("preparation.json")
    if preparation.is_file():
        try:
            content["preparation"] = json.loads(preparation.read_text("utf-8"))
        except ValueError as error:
            raise ValueError(f"{preparation} is damaged. Remove it, or train again.") from error
        is_named = isinstance(content["preparation"], dict)
        names = content["preparation"].get("class_names") if is_named else None
        are_words = isinstance(names, list) and all(isinstance(name, str) for name in names)
        if not is_named or not (names is None or are_words):
            raise ValueError(f"{preparation} is damaged. Remove it, or train again.")
        _check_size(content["preparation"], whole, preparation)
        num_answers = whole.outputs[0].shape[-1]
        # A single answer is the probability of one of two classes.
        if names is not None and len(names) != (2 if num_answers == 1 else num_answers):
            raise ValueError(
                f"{preparation} names {len(names)} classes, and the network gives {num_answers} "
                "answers: it belongs to another model. Move this model into a folder of its own."
            )
    return content


def _check_size(preparation: dict[str, Any], whole: keras.Model, path: Path) -> None:
    """Refuses sizes and colours that the network does not read."""
    size, channels = preparation.get("size"), 3 if preparation.get("colour") else 1
    shape = whole.inputs[0].shape
    if not isinstance(size, list) or len(size) != 2 or len(shape) not in (3, 4):
        return
    _, sides, num_channels = axes.sizes_of(shape, data_format_of(whole))
    fits = all(None in pair or len(set(pair)) == 1 for pair in zip(size, sides, strict=True))
    if not fits or (num_channels or 1) != channels:
        raise ValueError(
            f"{path} describes images of {size[0]} x {size[1]} pixels with {channels} channels, "
            f"and the network reads {tuple(shape)}: it belongs to another model. Move this model "
            "into a folder of its own."
        )

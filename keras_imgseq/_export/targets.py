"""The table of targets: how each file is written, and how it is run without Keras."""

import importlib
import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import numpy.typing as npt

Arrays = list[npt.NDArray[Any]]
# In the order of the model's inputs, by their names.
Inputs = dict[str, npt.NDArray[Any]]
Signature = Sequence[keras.InputSpec]


class Target(NamedTuple):
    """One row of the table."""

    ending: str
    # Packages that write the file, by backend; a backend that is missing cannot.
    writers: dict[str, tuple[str, ...]]
    # The package that runs the file.
    runtime: str
    write: Callable[[keras.Model, Path, Signature], None]
    run: Callable[[Path, Inputs], Arrays]
    # Whether the number of images must be fixed.
    has_fixed_batch: bool = False


def missing_packages(target: Target, backend: str) -> list[str]:
    """The packages that are not installed, of those that write and run a file."""
    names = [*target.writers[backend], target.runtime]
    return sorted({name for name in names if not importlib.util.find_spec(name)})


def _module(name: str) -> Any:
    """A package that only one target needs."""
    return importlib.import_module(name)


def _by_keras(name: str) -> Callable[[keras.Model, Path, Signature], None]:
    def write(model: keras.Model, path: Path, signature: Signature) -> None:
        specs = list(signature) if len(model.inputs) == 1 else [list(signature)]
        model.export(str(path), format=name, input_signature=specs, verbose=False)

    return write


def _write_stablehlo(model: keras.Model, path: Path, signature: Signature) -> None:
    jax, export = _module("jax"), _module("jax.export")
    # All inputs have the same unknown number of images.
    scope = export.SymbolicScope()
    shapes = [
        export.symbolic_shape(
            ", ".join("batch" if n is None else str(n) for n in spec.shape), scope=scope
        )
        for spec in signature
    ]
    arguments = [
        jax.ShapeDtypeStruct(shape, spec.dtype)
        for shape, spec in zip(shapes, signature, strict=True)
    ]
    exported = export.export(jax.jit(lambda *inputs: model(_as_one_or_all(inputs))))(*arguments)
    path.write_bytes(exported.serialize())


def _run_onnx(path: Path, inputs: Inputs) -> Arrays:
    session = _module("onnxruntime").InferenceSession(str(path))
    names = [tensor.name for tensor in session.get_inputs()]
    return list(session.run(None, dict(zip(names, inputs.values(), strict=True))))


def _run_saved_model(path: Path, inputs: Inputs) -> Arrays:
    loaded = _module("tensorflow").saved_model.load(str(path))
    return _as_arrays(loaded.serve(_as_one_or_all(list(inputs.values()))))


def _run_litert(path: Path, inputs: Inputs) -> Arrays:
    interpreter = _module("ai_edge_litert.interpreter").Interpreter(model_path=str(path))
    runner = interpreter.get_signature_runner()
    answers = runner(**inputs)
    # Named "output_0", "output_1", and so on.
    return [answers[name] for name in sorted(answers, key=lambda name: int(name.split("_")[-1]))]


def _run_openvino(path: Path, inputs: Inputs) -> Arrays:
    compiled = _module("openvino").compile_model(str(path), "CPU")
    answers = compiled(list(inputs.values()))
    return [answers[number] for number in range(len(compiled.outputs))]


def _run_torch(path: Path, inputs: Inputs) -> Arrays:
    torch = _module("torch")
    loaded = torch.export.load(str(path)).module()
    return _as_arrays(
        loaded(_as_one_or_all([torch.from_numpy(array) for array in inputs.values()]))
    )


def _run_stablehlo(path: Path, inputs: Inputs) -> Arrays:
    return _as_arrays(
        _module("jax.export").deserialize(bytearray(path.read_bytes())).call(*inputs.values())
    )


def _as_one_or_all(inputs: Sequence[Any]) -> Any:
    return inputs[0] if len(inputs) == 1 else list(inputs)


def _as_arrays(answers: Any) -> Arrays:
    return [
        np.asarray(answer.detach() if hasattr(answer, "detach") else answer)
        for answer in keras.tree.flatten(answers)
    ]


TARGETS: dict[str, Target] = {
    "onnx": Target(
        ".onnx",
        {"tensorflow": ("tf2onnx",), "jax": ("jax2onnx",), "torch": ("onnxscript",)},
        "onnxruntime",
        _by_keras("onnx"),
        _run_onnx,
    ),
    "saved_model": Target(
        "",
        {"tensorflow": (), "jax": ("tensorflow",)},
        "tensorflow",
        _by_keras("tf_saved_model"),
        _run_saved_model,
    ),
    "litert": Target(
        ".tflite",
        {"tensorflow": ()},
        "ai_edge_litert",
        _by_keras("litert"),
        _run_litert,
        has_fixed_batch=True,
    ),
    "openvino": Target(
        ".xml",
        {"tensorflow": (), "jax": ("tensorflow",), "torch": ()},
        "openvino",
        _by_keras("openvino"),
        _run_openvino,
    ),
    "torch": Target(
        ".pt2", {"torch": ()}, "torch", _by_keras("torch"), _run_torch, has_fixed_batch=True
    ),
    "stablehlo": Target(".stablehlo", {"jax": ()}, "jax", _write_stablehlo, _run_stablehlo),
}

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
Run = Callable[[Inputs], Arrays]
Signature = Sequence[keras.InputSpec]


class Target(NamedTuple):
    """One row of the table."""

    ending: str
    # Packages that write the file, by backend. A backend that is missing cannot.
    writers: dict[str, tuple[str, ...]]
    # The package that runs the file.
    runtime: str
    write: Callable[[keras.Model, Path, Signature], None]
    load: Callable[[Path], Run]
    # Whether the number of images must be fixed.
    has_fixed_batch: bool = False
    # Whether the outputs are found by "output_0", "output_1" and so on, and not by their order.
    names_outputs: bool = False

    def run(self, path: Path, inputs: Inputs) -> Arrays:
        """The answers of a file."""
        return self.load(path)(inputs)


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
            ", ".join(
                str(n or ("batch" if axis == 0 else f"size_{axis}"))
                for axis, n in enumerate(spec.shape)
            ),
            scope=scope,
        )
        for spec in signature
    ]
    arguments = [
        jax.ShapeDtypeStruct(shape, spec.dtype)
        for shape, spec in zip(shapes, signature, strict=True)
    ]
    # Not `model(...)`: a layer with a dropout would keep what is only traced.
    weights = [
        [variable.value for variable in variables]
        for variables in (model.trainable_variables, model.non_trainable_variables)
    ]

    def answers(*inputs: Any) -> Any:
        return model.stateless_call(*weights, _as_one_or_all(inputs), training=False)[0]

    exported = export.export(jax.jit(answers))(*arguments)
    path.write_bytes(exported.serialize())


def _write_openvino(model: keras.Model, path: Path, signature: Signature) -> None:
    _by_keras("openvino")(model, path, signature)
    if keras.backend.backend() == "torch":
        # Keras names the inputs "input", "input_1" and so on there, and forgets their sizes.
        openvino = _module("openvino")
        content = openvino.Core().read_model(path)
        sizes = {}
        for port, spec in zip(content.inputs, signature, strict=True):
            port.get_tensor().set_names({spec.name})
            sizes[port] = openvino.PartialShape([-1 if n is None else n for n in spec.shape])
        content.reshape(sizes)
        renamed = path.with_name(f"renamed_{path.name}")
        openvino.save_model(content, renamed, compress_to_fp16=False)
        # The weights of what was read stay in use.
        del content, port, sizes
        for suffix in (".xml", ".bin"):
            renamed.with_suffix(suffix).replace(path.with_suffix(suffix))


def _load_onnx(path: Path) -> Run:
    session = _module("onnxruntime").InferenceSession(str(path))
    names = [tensor.name for tensor in session.get_inputs()]
    return lambda inputs: list(session.run(None, dict(zip(names, inputs.values(), strict=True))))


def _load_saved_model(path: Path) -> Run:
    loaded = _module("tensorflow").saved_model.load(str(path))
    return lambda inputs: _as_arrays(loaded.serve(_as_one_or_all(list(inputs.values()))))


def _load_litert(path: Path) -> Run:
    runner = _module("ai_edge_litert.interpreter").Interpreter(model_path=str(path))
    runner = runner.get_signature_runner()

    def run(inputs: Inputs) -> Arrays:
        answers = runner(**inputs)
        # Named "output_0", "output_1", and so on.
        names = sorted(answers, key=lambda name: int(name.split("_")[-1]))
        return [answers[name] for name in names]

    return run


def _load_openvino(path: Path) -> Run:
    # On processors with bfloat16, OpenVINO computes in bfloat16 unless it is told otherwise.
    options = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = _module("openvino").compile_model(str(path), "CPU", options)

    def run(inputs: Inputs) -> Arrays:
        answers = compiled(inputs)
        return [answers[number] for number in range(len(compiled.outputs))]

    return run


def _load_torch(path: Path) -> Run:
    torch = _module("torch")
    loaded = torch.export.load(str(path)).module()

    def run(inputs: Inputs) -> Arrays:
        tensors = [torch.from_numpy(array) for array in inputs.values()]
        return _as_arrays(loaded(_as_one_or_all(tensors)))

    return run


def _load_stablehlo(path: Path) -> Run:
    jax = _module("jax")
    call = jax.jit(_module("jax.export").deserialize(bytearray(path.read_bytes())).call)
    return lambda inputs: _as_arrays(call(*inputs.values()))


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
        _load_onnx,
    ),
    "saved_model": Target(
        "",
        {"tensorflow": (), "jax": ("tensorflow",)},
        "tensorflow",
        _by_keras("tf_saved_model"),
        _load_saved_model,
        names_outputs=True,
    ),
    "litert": Target(
        ".tflite",
        {"tensorflow": ()},
        "ai_edge_litert",
        _by_keras("litert"),
        _load_litert,
        has_fixed_batch=True,
        names_outputs=True,
    ),
    "openvino": Target(
        ".xml",
        {"tensorflow": (), "jax": ("tensorflow",), "torch": ()},
        "openvino",
        _write_openvino,
        _load_openvino,
    ),
    "torch": Target(
        ".pt2", {"torch": ()}, "torch", _by_keras("torch"), _load_torch, has_fixed_batch=True
    ),
    "stablehlo": Target(".stablehlo", {"jax": ()}, "jax", _write_stablehlo, _load_stablehlo),
}

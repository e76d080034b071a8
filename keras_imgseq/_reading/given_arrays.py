"""What users hand over as arrays: read, converted where that loses nothing, or refused in words."""

from typing import Any

import keras
import numpy as np

from keras_imgseq._reading.arguments import listed, shown
from keras_imgseq._reading.array_libraries import library_of


def as_array(value: Any, name: str, several_sizes: str) -> Any:
    """An array that can be read, or an error that says how to make one.

    `several_sizes` is what to do with a list of items of different sizes.
    """
    if isinstance(value, (list, tuple)):
        return stacked(value, name, several_sizes)
    if isinstance(value, keras.KerasTensor):
        raise ValueError(
            f"The functions read arrays, which hold values. Received: {shown(value)}. In a model, "
            "write the layers ImageAsSequence and SequenceAsImage instead."
        )
    if hasattr(value, "__array_interface__") and not hasattr(value, "shape"):
        value = np.asarray(value)
    return checked_array(value, name)


def checked_array(value: Any, name: str) -> Any:
    """The array itself, or what NumPy reads of another package's. What is none is an error."""
    check_kind(value, name)
    if library_of(value).name == "keras" and not _is_of_keras(value):
        value = _converted(value)
    check_dtype(value, name)
    return value


def kind_of(value: Any) -> str:
    """The name of a type. PyTorch's nested tensors have none of their own."""
    return "NestedTensor" if getattr(value, "is_nested", False) else type(value).__name__


def check_kind(value: Any, name: str) -> None:
    """Refuses what is no array, and arrays that hold more or less than numbers at places."""
    kind = kind_of(value)
    if kind in _SPECIAL:
        # Integers hold no -1.0.
        is_float = "float" in str(getattr(value, "dtype", "float"))
        floats = "{name}" if is_float else _TO_FLOATS.get(kind, "{name}")
        cure = _SPECIAL[kind].format(name=name, floats=floats.format(name=name))
        raise ValueError(f"`{name}` is a dense array. Received: a {kind}. {cure}")
    if not hasattr(value, "shape"):
        raise ValueError(
            f"`{name}` is an array. Received: {name}={shown(value)}. "
            "Write an array of NumPy, TensorFlow, JAX or PyTorch."
        )
    is_masked = isinstance(value, np.ma.MaskedArray)
    is_table = not hasattr(value, "dtype") and not isinstance(value, memoryview)
    if is_masked or is_table or isinstance(value, np.matrix):
        filled = f", or {name}.filled(0) to replace what is masked" if is_masked else ""
        raise ValueError(
            f"`{name}` is an array of NumPy, TensorFlow, JAX or PyTorch. Received: a {kind}. "
            f"Write np.asarray({name}){filled}."
        )
    if library_of(value).name == "torch" and str(value.layout) != "torch.strided":
        raise ValueError(
            f"`{name}` is a dense array. Received: a tensor of layout {value.layout}. "
            f"Write {name}.to_dense()."
        )


# The tensors that hold parts of unlike length, and what makes dense ones of them.
PADDED_BY = {"RaggedTensor": "to_tensor", "NestedTensor": "float().to_padded_tensor"}
_SPECIAL = {
    "RaggedTensor": "Write {floats}.to_tensor(-1.0), and ImageAsSequence(..., mask_value=-1.0) in "
    "the model.",
    "SparseTensor": "Write tf.sparse.to_dense({name}).",
    "IndexedSlices": "Write tf.convert_to_tensor({name}).",
    "NestedTensor": "Write {floats}.to_padded_tensor(-1.0), and ImageAsSequence(..., "
    "mask_value=-1.0) in the model.",
    "MaskedTensor": "Write {name}.to_tensor(0).",
    **dict.fromkeys(("BCOO", "BCSR", "CSR", "CSC", "COO"), "Write {name}.todense()."),
    **dict.fromkeys(("ShapeDtypeStruct", "TensorSpec"), "It holds no values: write the array."),
}
_TO_FLOATS = {"RaggedTensor": 'tf.cast({name}, "float32")', "NestedTensor": "{name}.float()"}


def _is_of_keras(value: Any) -> bool:
    return isinstance(value, (keras.Variable, keras.KerasTensor)) or keras.ops.is_tensor(value)


def _converted(value: Any) -> Any:
    try:
        return np.asarray(value)
    except Exception as error:
        raise ValueError(
            f"NumPy cannot make an array of this. Received: a {type(value).__name__}. Write an "
            "array of NumPy, TensorFlow, JAX or PyTorch."
        ) from error


def layer_input(value: Any, name: str) -> Any:
    """What a layer is called with: an array of NumPy becomes a tensor, other arrays stay."""
    value = checked_array(value, name)
    return as_tensor(value, name) if isinstance(value, np.ndarray) else value


def as_tensor(array: Any, name: str) -> Any:
    """An array of NumPy as a tensor of Keras' backend, of the same dtype."""
    # Files of other machines hold the bytes in another order.
    native = array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))
    try:
        return keras.ops.convert_to_tensor(native)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(
            f"{keras.backend.backend()} has no tensors of this dtype. Received: an array of "
            f'{array.dtype}. For example, write {name}.astype("float32").'
        ) from error


def check_dtype(array: Any, name: str) -> None:
    """Refuses an array of objects, words or dates."""
    is_text = getattr(array.dtype, "name", None) == "string"
    is_odd = getattr(array.dtype, "kind", "f") in "OSUTmM" or str(array.dtype).startswith("key<")
    is_odd = is_odd or getattr(array.dtype, "type", None) is np.void
    if is_text or is_odd or getattr(array.dtype, "fields", None) is not None:
        raise ValueError(
            f"`{name}` holds numbers. Received: an array of dtype {shown(array.dtype)}. "
            f"{_cure_of_dtype(array, name)}"
        )


def _cure_of_dtype(array: Any, name: str) -> str:
    kind = getattr(array.dtype, "kind", "U")
    if getattr(array.dtype, "fields", None) is not None:
        return f'Write the field that holds the pixels, as in {name}["pixels"].'
    if kind in "mM" or (kind == "O" and array.ndim > 1):
        return f'Write {name}.astype("float32").'
    if kind == "O":
        return f"Write np.stack({name}). Pad images of different sizes to one size first."
    if kind == "V":
        return "Read the numbers of the bytes first, as numpy.frombuffer does."
    return "Open the files, or decode the strings, into arrays of numbers first."


def stacked(items: Any, name: str, several_sizes: str) -> Any:
    """A list as one array of NumPy. A list of another library's arrays is for that library."""
    shapes = {tuple(item.shape) for item in items if hasattr(item, "shape")}
    for place, item in enumerate(items):
        if item is None:
            raise ValueError(
                f"`{name}` hold numbers. Received: a list of {len(items)} items, of which number "
                f"{place} is None. Leave out what could not be opened."
            )
        if hasattr(item, "shape"):
            checked_array(item, name)
    libraries = {library_of(item).name for item in items if hasattr(item, "shape")} - {"keras"}
    if len(shapes) == 1 and libraries - {"numpy"}:
        stack = {"tensorflow": "tf.stack", "jax": "jnp.stack", "torch": "torch.stack"}
        if len(libraries) > 1:
            what = f"arrays of {listed(sorted(libraries))}"
            cure = "Convert all of them to arrays of one library, and stack these."
        else:
            what, cure = "tensors", f"Write {stack[libraries.pop()]}({name})."
        raise ValueError(f"`{name}` is one array. Received: a list of {len(items)} {what}. {cure}")
    try:
        if len(shapes) > 1:
            raise ValueError("several shapes")
        array = np.asarray(items)
    except (ValueError, TypeError, OverflowError) as error:
        found = ", ".join(map(str, sorted(shapes)[:4])) if shapes else "rows of several lengths"
        cure = several_sizes
        if len({len(shape) for shape in shapes}) > 1:
            cure = "Make all of them grey, or all of them coloured."
        raise ValueError(
            f"`{name}` of one batch have one size. Received: a list of {len(items)} items: "
            f"{found}. {cure}"
        ) from error
    check_dtype(array, name)
    return array

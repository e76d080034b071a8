"""The array libraries, one class each, by one set of names.

Data pipelines hand over arrays of other libraries than Keras' backend: TensorFlow's in
`tf.data`, PyTorch's in a `DataLoader`. The backend's own arrays are read by their library
too, because on TensorFlow `keras.ops` takes longer than rows cost. A backend that is not
named here is read by `keras.ops`. A library is imported only by those who hand over its arrays.
"""

import importlib
from collections.abc import Sequence
from typing import Any, Protocol

import keras
import numpy as np

from keras_imgseq._reading.arguments import shown
from keras_imgseq._reading.kept_arrays import keep_out_of_graphs


class ArrayLibrary(Protocol):
    """What a reading asks of an array library."""

    name: str

    def shape(self, array: Any) -> tuple[Any, ...]:
        """The sizes to compute with: ints where they are known."""

    def reshape(self, array: Any, shape: Sequence[Any]) -> Any:
        """The same values in another shape; one size may be -1."""

    def transpose(self, array: Any, axes: Sequence[int]) -> Any:
        """The axes in another order."""

    def flip(self, array: Any, axis: int) -> Any:
        """One axis backwards."""

    def take(self, array: Any, indices: Any, axis: int) -> Any:
        """The entries of one axis at the indices."""

    def pad(self, array: Any, widths: Sequence[Any], value: float) -> Any:
        """A pair of widths for each axis, filled with a value."""

    def where(self, condition: Any, first: Any, second: Any) -> Any:
        """The first where the condition holds, else the second."""

    def arange(self, stop: Any, like: Any) -> Any:
        """The ints below a number, on the device of another array."""


class NumPy:
    """Arrays of NumPy."""

    name = "numpy"

    def shape(self, array: Any) -> tuple[Any, ...]:
        """The sizes, which are known."""
        return tuple(array.shape)

    def reshape(self, array: Any, shape: Sequence[Any]) -> Any:
        """The same values in another shape."""
        return np.reshape(array, tuple(shape))

    def transpose(self, array: Any, axes: Sequence[int]) -> Any:
        """The axes in another order."""
        return np.transpose(array, axes)

    def take(self, array: Any, indices: Any, axis: int) -> Any:
        """The entries of one axis at the indices."""
        return np.take(array, indices, axis)

    def where(self, condition: Any, first: Any, second: Any) -> Any:
        """The first where the condition holds, else the second."""
        return np.where(condition, first, second)

    def flip(self, array: Any, axis: int) -> Any:
        """A copy: PyTorch's `DataLoader` takes no negative strides."""
        return np.ascontiguousarray(np.flip(array, axis))

    def pad(self, array: Any, widths: Sequence[Any], value: float) -> Any:
        """A pair of widths for each axis, filled with a value."""
        return np.pad(array, widths, constant_values=value)

    def arange(self, stop: Any, like: Any) -> Any:
        """The ints below a number."""
        return np.arange(stop)


class KerasOps:
    """Tensors of whatever backend Keras runs on, and its variables."""

    name = "keras"

    def shape(self, array: Any) -> tuple[Any, ...]:
        """The sizes, with tensors for those that are unknown."""
        return tuple(keras.ops.shape(array))

    def reshape(self, array: Any, shape: Sequence[Any]) -> Any:
        """The same values in another shape."""
        return keras.ops.reshape(array, tuple(shape))

    def transpose(self, array: Any, axes: Sequence[int]) -> Any:
        """The axes in another order."""
        return keras.ops.transpose(array, axes)

    def flip(self, array: Any, axis: int) -> Any:
        """One axis backwards."""
        return keras.ops.flip(array, axis=axis)

    def take(self, array: Any, indices: Any, axis: int) -> Any:
        """The entries of one axis at the indices."""
        return keras.ops.take(array, indices, axis=axis)

    def pad(self, array: Any, widths: Sequence[Any], value: float) -> Any:
        """A pair of widths for each axis, filled with a value."""
        return keras.ops.pad(array, widths, constant_values=value)

    def where(self, condition: Any, first: Any, second: Any) -> Any:
        """The first where the condition holds, else the second."""
        return keras.ops.where(condition, first, second)

    def arange(self, stop: Any, like: Any) -> Any:
        """The ints below a number."""
        return keras.ops.arange(stop)


class JAX:
    """Arrays of JAX."""

    name = "jax"

    def __init__(self) -> None:
        self._numpy = importlib.import_module("jax").numpy

    def shape(self, array: Any) -> tuple[Any, ...]:
        """The sizes; symbolic where an export leaves them open."""
        return tuple(array.shape)

    def reshape(self, array: Any, shape: Sequence[Any]) -> Any:
        """The same values in another shape."""
        return self._numpy.reshape(array, tuple(shape))

    def transpose(self, array: Any, axes: Sequence[int]) -> Any:
        """The axes in another order."""
        return self._numpy.transpose(array, axes)

    def flip(self, array: Any, axis: int) -> Any:
        """One axis backwards."""
        return self._numpy.flip(array, axis)

    def take(self, array: Any, indices: Any, axis: int) -> Any:
        """The entries of one axis at the indices."""
        return self._numpy.take(array, indices, axis=axis)

    def pad(self, array: Any, widths: Sequence[Any], value: float) -> Any:
        """A pair of widths for each axis, filled with a value."""
        return self._numpy.pad(array, widths, constant_values=value)

    def where(self, condition: Any, first: Any, second: Any) -> Any:
        """The first where the condition holds, else the second."""
        return self._numpy.where(condition, first, second)

    def arange(self, stop: Any, like: Any) -> Any:
        """The ints below a number."""
        return self._numpy.arange(stop)


class TensorFlow:
    """Tensors of TensorFlow."""

    name = "tensorflow"

    def __init__(self) -> None:
        self._tf = importlib.import_module("tensorflow")

    def shape(self, array: Any) -> tuple[Any, ...]:
        """The sizes, with tensors for those that are unknown."""
        if array.shape.is_fully_defined():
            return tuple(array.shape)
        dynamic = self._tf.unstack(self._tf.shape(array))
        return tuple(
            size if known is None else known
            for known, size in zip(array.shape, dynamic, strict=True)
        )

    def reshape(self, array: Any, shape: Sequence[Any]) -> Any:
        """The same values in another shape."""
        return self._tf.reshape(array, _as_constant(shape))

    def transpose(self, array: Any, axes: Sequence[int]) -> Any:
        """The axes in another order."""
        return self._tf.transpose(array, _as_constant(axes))

    def flip(self, array: Any, axis: int) -> Any:
        """One axis backwards."""
        return self._tf.reverse(array, [axis])

    def take(self, array: Any, indices: Any, axis: int) -> Any:
        """The entries of one axis at the indices."""
        return self._tf.gather(array, indices, axis=axis)

    def pad(self, array: Any, widths: Sequence[Any], value: float) -> Any:
        """A pair of widths for each axis, filled with a value."""
        return self._tf.pad(array, widths, constant_values=self._tf.cast(value, array.dtype))

    def where(self, condition: Any, first: Any, second: Any) -> Any:
        """The first where the condition holds, else the second."""
        return self._tf.where(condition, first, second)

    def arange(self, stop: Any, like: Any) -> Any:
        """The ints below a number."""
        return self._tf.range(stop)


def _as_constant(numbers: Sequence[Any]) -> Any:
    """TensorFlow takes an array of NumPy in half the time that it takes a list."""
    return np.array(numbers, "int32") if all(isinstance(n, int) for n in numbers) else numbers


class PyTorch:
    """Tensors of PyTorch."""

    name = "torch"

    def __init__(self) -> None:
        self._torch = importlib.import_module("torch")
        keep_out_of_graphs(self._torch)
        # PyTorch moves no values of these dtypes; it moves those of the same size.
        self._moved_as = {
            getattr(self._torch, unsigned): getattr(self._torch, signed)
            for unsigned, signed in (
                ("uint16", "int16"),
                ("uint32", "int32"),
                ("uint64", "int64"),
                ("float8_e4m3fn", "int8"),
                ("float8_e5m2", "int8"),
            )
        }

    def shape(self, array: Any) -> tuple[Any, ...]:
        """The sizes; a trace hands over tensors, of which the values are known."""
        tensor = self._torch.Tensor
        return tuple(int(size) if isinstance(size, tensor) else size for size in array.shape)

    def reshape(self, array: Any, shape: Sequence[Any]) -> Any:
        """The same values in another shape."""
        return self._torch.reshape(array, tuple(shape))

    def transpose(self, array: Any, axes: Sequence[int]) -> Any:
        """The axes in another order."""
        return self._torch.permute(array, tuple(axes))

    def flip(self, array: Any, axis: int) -> Any:
        """One axis backwards."""
        return self._moved(array, lambda x: self._torch.flip(x, (axis,)))

    def take(self, array: Any, indices: Any, axis: int) -> Any:
        """The entries of one axis at the indices."""
        if not isinstance(indices, self._torch.Tensor):
            indices = self._torch.tensor(indices, device=array.device)
        return self._moved(array, lambda x: self._torch.index_select(x, axis, indices))

    def pad(self, array: Any, widths: Sequence[Any], value: float) -> Any:
        """A pair of widths for each axis, filled with a value."""
        flat = [width for pair in reversed(widths) for width in pair]
        pad = self._torch.nn.functional.pad
        return self._moved(array, lambda x: pad(x, flat, value=value))

    def where(self, condition: Any, first: Any, second: Any) -> Any:
        """The first where the condition holds, else the second."""
        return self._torch.where(condition, first, second)

    def arange(self, stop: Any, like: Any) -> Any:
        """The ints below a number, on the device of another array."""
        return self._torch.arange(stop, device=like.device)

    def _moved(self, array: Any, move: Any) -> Any:
        dtype = self._moved_as.get(array.dtype)
        return move(array) if dtype is None else move(array.view(dtype)).view(array.dtype)


_CLASSES: dict[str, Any] = {
    "numpy": NumPy,
    "tensorflow": TensorFlow,
    "jax": JAX,
    "jaxlib": JAX,
    "torch": PyTorch,
}
_LIBRARIES: dict[type, ArrayLibrary] = {}


def library_of(array: Any) -> ArrayLibrary:
    """The library that reads an array."""
    library = _LIBRARIES.get(type(array))
    if library is None:
        library = _LIBRARIES[type(array)] = _library_of_type(type(array))
    return library


def _library_of_type(kind: type) -> ArrayLibrary:
    # A subclass of another package is still an array of the library of its base class.
    if not issubclass(kind, keras.Variable):
        for base in kind.__mro__:
            library = _CLASSES.get(base.__module__.partition(".")[0])
            if library is not None:
                made: ArrayLibrary = library()
                return made
    return KerasOps()


# A compiled call, which may be the first one, imports nothing.
if keras.backend.backend() == "torch":
    _LIBRARIES[importlib.import_module("torch").Tensor] = PyTorch()


def is_foreign(array: Any) -> bool:
    """Whether an array is of another library than Keras' backend and NumPy."""
    return library_of(array).name not in ("numpy", "keras", keras.backend.backend())


def static_shape(array: Any) -> tuple[int | None, ...]:
    """The shape as far as it is known before the array is computed."""
    if getattr(array.shape, "rank", 0) is None:
        raise ValueError(
            "The number of axes of the images must be known. Received: a TensorFlow tensor of "
            "unknown shape. Write image.set_shape((None, None, 3)), or what is true of your "
            "images, before."
        )
    sizes = library_of(array).shape(array)
    return tuple(size if isinstance(size, int) else None for size in sizes)


def as_array(value: Any, name: str) -> Any:
    """An array that can be read, or an error that says how to make one."""
    if isinstance(value, (list, tuple)):
        return _stacked(value, name)
    if isinstance(value, keras.KerasTensor):
        raise ValueError(
            f"The functions read arrays, which hold values. Received: {shown(value)}. In a model, "
            "write the layers ImageAsSequence and SequenceAsImage instead."
        )
    if hasattr(value, "__array_interface__") and not hasattr(value, "shape"):
        value = np.asarray(value)
    return checked_array(value, name)


def checked_array(value: Any, name: str) -> Any:
    """The array itself, or what NumPy reads of another package's; what is none is an error."""
    kind = "NestedTensor" if getattr(value, "is_nested", False) else type(value).__name__
    if kind in _SPECIAL:
        raise ValueError(f"`{name}` is a dense array. Received: a {kind}. {_SPECIAL[kind]}")
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
    library = library_of(value)
    if library.name == "torch" and str(value.layout) != "torch.strided":
        raise ValueError(
            f"`{name}` is a dense array. Received: a tensor of layout {value.layout}. "
            f"Write {name}.to_dense()."
        )
    if library.name == "keras" and not _is_of_keras(value):
        value = _converted(value)
    _check_dtype(value, name)
    return value


_SPECIAL = {
    "RaggedTensor": "Write images.to_tensor(-1.0) and `mask_value=-1.0`, or put images of one "
    "size into a batch with tf.data's padded_batch.",
    "SparseTensor": "Write tf.sparse.to_dense(images).",
    "IndexedSlices": "Write tf.convert_to_tensor(images).",
    "NestedTensor": "Write images.to_padded_tensor(-1.0) and `mask_value=-1.0`.",
    "BCOO": "Write images.todense().",
}


def _is_of_keras(value: Any) -> bool:
    return isinstance(value, (keras.Variable, keras.KerasTensor)) or keras.ops.is_tensor(value)


def _converted(value: Any) -> Any:
    try:
        return np.asarray(value)
    except Exception as error:
        raise ValueError(
            f"NumPy makes no array of it. Received: a {type(value).__name__}. Write an array of "
            "NumPy, TensorFlow, JAX or PyTorch."
        ) from error


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


def _check_dtype(array: Any, name: str) -> None:
    is_text = getattr(array.dtype, "name", None) == "string"
    is_odd = getattr(array.dtype, "kind", "f") in "OSUT"
    if is_text or is_odd or getattr(array.dtype, "fields", None) is not None:
        raise ValueError(
            f"`{name}` holds numbers. Received: an array of dtype {shown(array.dtype)}. "
            f'For example, write {name}.astype("float32").'
        )


def _stacked(items: Any, name: str) -> Any:
    """A list as one array of NumPy; a list of another library's arrays is for that library."""
    shapes = {tuple(item.shape) for item in items if hasattr(item, "shape")}
    for item in items:
        if hasattr(item, "shape"):
            checked_array(item, name)
    first = items[0] if items else None
    is_tensor = hasattr(first, "shape") and library_of(first).name != "numpy"
    if is_tensor and len(shapes) == 1 and library_of(first).name != "keras":
        stack = {"tensorflow": "tf.stack", "jax": "jnp.stack", "torch": "torch.stack"}
        library = library_of(first).name
        raise ValueError(
            f"`{name}` is one array. Received: a list of {len(items)} tensors. "
            f"Write {stack[library]}({name})."
        )
    try:
        if len(shapes) > 1:
            raise ValueError("several shapes")
        array = np.asarray(items)
    except (ValueError, TypeError, OverflowError) as error:
        found = ", ".join(map(str, sorted(shapes)[:4])) if shapes else "rows of several lengths"
        raise ValueError(
            f"`{name}` of one batch have one size. Received: a list of {len(items)} items: "
            f"{found}. Pad them to one size and name the value that you padded with in "
            "`mask_value` of ImageAsSequence, or read them one by one with batched=False."
        ) from error
    _check_dtype(array, name)
    return array

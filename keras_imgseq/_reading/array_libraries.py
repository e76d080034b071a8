"""The array libraries, one class each, by one set of names.

Data pipelines hand over arrays of other libraries than Keras' backend: TensorFlow's in
`tf.data`, PyTorch's in a `DataLoader`. The backend's own arrays are read by their library
too, because on TensorFlow `keras.ops` takes longer than rows cost. A backend that is not
named here is read by `keras.ops`. A library is imported only by those who hand over its arrays.
"""

import importlib
import warnings
from collections.abc import Sequence
from typing import Any, Protocol

import keras
import numpy as np

from keras_imgseq._reading.kept_arrays import keep_out_of_graphs


class ArrayLibrary(Protocol):
    """What a reading asks of an array library."""

    name: str

    def shape(self, array: Any) -> tuple[Any, ...]:
        """The sizes to compute with: ints where they are known."""

    def reshape(self, array: Any, shape: Sequence[Any]) -> Any:
        """The same values in another shape. One size may be -1."""

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


class _LikeNumPy:
    """The functions that NumPy, JAX and `keras.ops` have under the same names."""

    def __init__(self, functions: Any) -> None:
        self._functions = functions

    def shape(self, array: Any) -> tuple[Any, ...]:
        """The sizes. In JAX they are symbolic where an export leaves them open."""
        return tuple(array.shape)

    def reshape(self, array: Any, shape: Sequence[Any]) -> Any:
        """The same values in another shape."""
        return self._functions.reshape(array, tuple(shape))

    def transpose(self, array: Any, axes: Sequence[int]) -> Any:
        """The axes in another order."""
        return self._functions.transpose(array, axes)

    def flip(self, array: Any, axis: int) -> Any:
        """One axis backwards."""
        return self._functions.flip(array, axis=axis)

    def take(self, array: Any, indices: Any, axis: int) -> Any:
        """The entries of one axis at the indices."""
        return self._functions.take(array, indices, axis=axis)

    def pad(self, array: Any, widths: Sequence[Any], value: float) -> Any:
        """A pair of widths for each axis, filled with a value."""
        return self._functions.pad(array, widths, constant_values=value)

    def where(self, condition: Any, first: Any, second: Any) -> Any:
        """The first where the condition holds, else the second."""
        return self._functions.where(condition, first, second)

    def arange(self, stop: Any, like: Any) -> Any:
        """The ints below a number."""
        return self._functions.arange(stop)


class NumPy(_LikeNumPy):
    """Arrays of NumPy."""

    name = "numpy"

    def __init__(self) -> None:
        super().__init__(np)

    def flip(self, array: Any, axis: int) -> Any:
        """A copy: PyTorch's `DataLoader` takes no negative strides."""
        return np.flip(array, axis).copy()


class JAX(_LikeNumPy):
    """Arrays of JAX."""

    name = "jax"

    def __init__(self) -> None:
        super().__init__(importlib.import_module("jax").numpy)


class KerasOps(_LikeNumPy):
    """Tensors and variables of the backend that Keras runs on."""

    name = "keras"

    def __init__(self) -> None:
        super().__init__(keras.ops)

    def shape(self, array: Any) -> tuple[Any, ...]:
        """The sizes, with tensors for those that are unknown."""
        return tuple(keras.ops.shape(array))


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
        # PyTorch can neither flip nor gather these dtypes, but others of the same size.
        names = {"uint16": "int16", "uint32": "int32", "uint64": "int64"}
        names |= {name: "int8" for name in vars(self._torch) if name.startswith("float8_")}
        self._moved_as = {
            getattr(self._torch, name): getattr(self._torch, other) for name, other in names.items()
        }

    def shape(self, array: Any) -> tuple[Any, ...]:
        """The sizes. A trace hands over tensors, of which the values are known."""
        tensor = self._torch.Tensor
        sizes = tuple(array.shape)
        if not any(isinstance(size, tensor) for size in sizes):
            return sizes
        with warnings.catch_warnings():
            # PyTorch warns that the sizes are fixed from here on, which is meant.
            warnings.simplefilter("ignore")
            return tuple(int(size) if isinstance(size, tensor) else size for size in sizes)

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
            indices = self._constant(indices, array.device)
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

    def _constant(self, indices: Any, device: Any) -> Any:
        if not self._torch.jit.is_tracing():
            return self._torch.tensor(indices, device=device)
        with warnings.catch_warnings():
            # PyTorch warns that a trace holds a constant, which is meant.
            warnings.simplefilter("ignore")
            return self._torch.tensor(indices, device=device)

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
            "unknown shape. Before, write images.set_shape((None, 28, 28, 3)) for a batch, or "
            "image.set_shape((28, 28, 3)) for one image, with your own sizes."
        )
    sizes = library_of(array).shape(array)
    return tuple(size if isinstance(size, int) else None for size in sizes)

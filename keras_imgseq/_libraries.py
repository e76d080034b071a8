"""The array libraries, by one set of names: those of NumPy, JAX and `keras.ops`.

Data pipelines hand over arrays of other libraries than Keras' backend: TensorFlow's in
`tf.data`, PyTorch's in a `DataLoader`. The backend's own arrays are read by their library
too, because on TensorFlow `keras.ops` takes longer than rows cost. Only here are the
libraries used, and only once such an array has been given, so that none is imported for
those who do not use it.
"""

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import keras
import numpy as np


def library_of(array: Any) -> Any:
    """The functions for an array, or for whatever NumPy can make an array of."""
    name = library_name(array)
    if name == "tensorflow":
        return _tensorflow(sys.modules["tensorflow"])
    if name == "torch":
        return _torch(sys.modules["torch"], array.device)
    if name == "jax":
        return sys.modules["jax"].numpy
    if isinstance(array, keras.KerasTensor):
        raise ValueError(
            f"The functions read arrays, which hold values. Received: {array}. In a model, write "
            "the layers ImageAsSequence and SequenceAsImage instead."
        )
    return keras.ops if isinstance(array, keras.Variable) else np


def static_shape(array: Any) -> tuple[int | None, ...]:
    """The shape as far as it is known before the array is computed."""
    if getattr(array.shape, "rank", 0) is None:
        raise ValueError(
            "The number of axes of the images must be known. Received: a TensorFlow tensor of "
            "unknown shape. Write image.set_shape((None, None, 3)), or what is true of your "
            "images, before."
        )
    return tuple(array.shape)


def library_name(array: Any) -> str:
    """The library that an array is of: a backend of Keras, or "numpy"."""
    root = type(array).__module__.partition(".")[0]
    root = {"jaxlib": "jax"}.get(root, root)
    return root if root in ("tensorflow", "jax", "torch") else "numpy"


def is_foreign(array: Any) -> bool:
    """Whether an array is of another backend than Keras'."""
    return library_name(array) not in ("numpy", keras.backend.backend())


def _tensorflow(tf: ModuleType) -> SimpleNamespace:
    return SimpleNamespace(
        shape=lambda x: tuple(
            dynamic if static is None else static
            for static, dynamic in zip(x.shape, tf.unstack(tf.shape(x)), strict=True)
        ),
        reshape=lambda x, shape: tf.reshape(x, _constant(shape)),
        transpose=lambda x, axes: tf.transpose(x, _constant(axes)),
        flip=lambda x, axis: tf.reverse(x, [axis]),
        take=lambda x, indices, axis: tf.gather(x, indices, axis=axis),
        where=tf.where,
        arange=tf.range,
        pad=tf.pad,
    )


def _constant(numbers: Any) -> Any:
    """TensorFlow takes an array of NumPy in half the time that it takes a list."""
    return np.array(numbers, "int32") if all(isinstance(n, int) for n in numbers) else numbers


def _torch(torch: ModuleType, device: Any) -> SimpleNamespace:
    return SimpleNamespace(
        reshape=torch.reshape,
        transpose=torch.permute,
        flip=lambda x, axis: torch.flip(x, (axis,)),
        take=lambda x, indices, axis: torch.index_select(
            x, axis, torch.tensor(indices, device=device)
        ),
        where=torch.where,
        arange=lambda stop: torch.arange(stop, device=device),
        pad=lambda x, widths: torch.nn.functional.pad(
            x, [width for pair in reversed(widths) for width in pair]
        ),
    )

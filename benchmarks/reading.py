"""Reading images, against a copy of the same bytes and what others write for it."""

import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import einops
import keras
import numpy as np

from benchmarks.pairs import Pair, seconds_of, timed_in_turn
from keras_imgseq import ImageAsSequence, image_as_sequence

SHAPE = (64, 224, 224, 3)
PATCHES = "b (gh ph) (gw pw) c -> b (gh gw) (ph pw c)"


def _clock(call: Callable[[], object]) -> float:
    return seconds_of(call, num_calls=10)


def pairs(num_rounds: int, shape: tuple[int, ...] = SHAPE) -> Iterator[Pair]:
    """Ours beside its peers, in milliseconds a batch."""
    backend = keras.backend.backend()
    images = keras.ops.convert_to_tensor(np.random.default_rng(0).random(shape, "float32"))
    patch = shape[1] // 14
    copy = ("a copy of the bytes", _waited(lambda: _copied(images)))
    num_pixels = shape[1] * shape[2]
    pixels = keras.ops.reshape(images, (shape[0], num_pixels, shape[3]))
    path = np.random.RandomState(0).permutation(num_pixels)
    extract = keras.ops.image.extract_patches

    def einops_of(pattern: str, **sizes: int) -> tuple[str, Callable[[], Any]]:
        rearrange = _rearrange(pattern, **sizes)
        return "einops", _waited(lambda: rearrange(images))

    def ours(*arguments: Any, **options: Any) -> tuple[str, Callable[[], Any]]:
        layer = ImageAsSequence(*arguments, data_format="channels_last", **options)
        layer.build(shape)
        said = [repr(value) for value in arguments]
        said += [f"{name}={value!r}" for name, value in options.items()]
        return ", ".join(said), _waited(lambda: layer.call(images))

    columns = ours("column")
    permuted = keras.layers.Permute((2, 1, 3))
    flat = keras.layers.Reshape((shape[2], shape[1] * shape[3]))
    for our, peer in (
        (ours("row"), copy),
        (columns, copy),
        (columns, einops_of("b h w c -> b w (h c)")),
        (columns, ("Permute and Reshape", _waited(lambda: flat(permuted(images))))),
        (ours(patch), copy),
        (ours(patch), einops_of(PATCHES, ph=patch, pw=patch)),
        (
            ours(patch),
            (
                "extract_patches",
                _waited(lambda: extract(images, patch, data_format="channels_last")),
            ),
        ),
        *((ours(patch, order), copy) for order in ("snake", "spiral", "hilbert")),
        (ours(patch, "random", seed=0), copy),
        (
            ours("pixel", "random", seed=0),
            ("one bare take", _waited(lambda: keras.ops.take(pixels, path, axis=1))),
        ),
    ):
        yield timed_in_turn(f"read on {backend}", our, peer, num_rounds=num_rounds, clock=_clock)


def _rearrange(pattern: str, **sizes: int) -> Callable[[Any], Any]:
    """The layer of einops, or its function on JAX, where the layer is one of Flax."""
    backend = keras.backend.backend()
    if backend == "torch":
        from einops.layers.torch import Rearrange

        return Rearrange(pattern, **sizes)
    if backend == "tensorflow":
        from einops.layers.keras import Rearrange

        return Rearrange(pattern, **sizes).call
    return lambda images: einops.rearrange(images, pattern, **sizes)


def _waited(call: Callable[[], Any]) -> Callable[[], Any]:
    """The call, until its result is there: JAX returns before."""
    if keras.backend.backend() == "jax":
        return lambda: call().block_until_ready()
    return call


def _copied(images: Any) -> Any:
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        return tf.raw_ops.DeepCopy(x=images)
    return images.clone() if backend == "torch" else keras.ops.copy(images)


def cached(num_rounds: int) -> Iterator[Pair]:
    """The second layer of a reading and size beside the first, on a large grid."""
    shape = (1, 256, 256, 1)

    def make(seed: int) -> None:
        ImageAsSequence("pixel", "random", seed=seed).build(shape)

    seeds = itertools.count(1)
    yield timed_in_turn(
        "make a layer, 256 x 256 pixels at random",
        ("the second of its kind", lambda: make(0)),
        ("the first of its kind", lambda: make(next(seeds))),
        num_rounds=num_rounds,
        clock=_clock,
    )


def pipelines(num_rounds: int, shape: tuple[int, ...] = SHAPE) -> Iterator[Pair]:
    """A pass over four batches, beside the same step written by hand."""
    images = np.random.default_rng(0).random((4 * shape[0], *shape[1:]), "float32")
    columns = (-1, shape[2], shape[1] * shape[3])
    for make in (_tf_data, _data_loader):
        try:
            group, *both = make(images, shape[0], columns)
        except ImportError:
            continue
        ours, peer = ((name, functools.partial(_consume, batches)) for name, batches in both)
        yield timed_in_turn(group, ours, peer, num_rounds=num_rounds, clock=_clock)


def _consume(batches: Any) -> None:
    for _ in batches:
        pass


def _tf_data(images: Any, batch_size: int, columns: Any) -> Any:
    import tensorflow as tf

    batches = tf.data.Dataset.from_tensor_slices(images).batch(batch_size)

    def by_hand(batch: Any) -> Any:
        return tf.reshape(tf.transpose(batch, (0, 2, 1, 3)), columns)

    return (
        "a pass in tf.data",
        ("ImageAsSequence", batches.map(ImageAsSequence("column", data_format="channels_last"))),
        ("tf.transpose and reshape by hand", batches.map(by_hand)),
    )


def _data_loader(images: Any, batch_size: int, columns: Any) -> Any:
    import torch

    def batches(read: Callable[[Any], Any]) -> Any:
        return torch.utils.data.DataLoader(
            list(torch.from_numpy(images)),
            batch_size=batch_size,
            collate_fn=lambda batch: read(torch.stack(batch)),
        )

    def ours(batch: Any) -> Any:
        return image_as_sequence(batch, "column", data_format="channels_last")

    def by_hand(batch: Any) -> Any:
        return batch.permute(0, 2, 1, 3).reshape(columns)

    return (
        "a pass in a DataLoader",
        ("image_as_sequence", batches(ours)),
        ("permute and reshape by hand", batches(by_hand)),
    )

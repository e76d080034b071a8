"""The same training written directly in PyTorch and in JAX, as its users would."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from benchmarks.pairs import seconds_of


def epoch(
    cell: str, units: int, images: Any, labels: Any, batch_size: int
) -> tuple[str, Callable[[], float]] | None:
    """An epoch without Keras, which returns its seconds a step, or `None` where there is none."""
    backend = keras.backend.backend()
    if backend == "torch":
        name, one_epoch = _pytorch(cell, units, images, labels, batch_size)
    elif backend == "jax" and cell == "simple_rnn":
        name, one_epoch = _jax(units, images, labels, batch_size)
    else:
        return None
    return name, lambda: seconds_of(one_epoch) * batch_size / len(images)


def _pytorch(cell: str, units: int, images: Any, labels: Any, batch_size: int) -> Any:
    import torch

    names = {"simple_rnn": "RNN", "gru": "GRU", "lstm": "LSTM"}
    options = {"nonlinearity": "relu"} if cell == "simple_rnn" else {}
    recurrent = getattr(torch.nn, names[cell])(28, units, batch_first=True, **options)
    head = torch.nn.Linear(units, 10)
    parameters = [*recurrent.parameters(), *head.parameters()]
    optimizer = torch.optim.RMSprop(parameters, 0.001)
    data = torch.utils.data.TensorDataset(torch.from_numpy(images), torch.from_numpy(labels))
    loader = torch.utils.data.DataLoader(data, batch_size, shuffle=True)

    def one_epoch() -> float:
        correct = 0
        for batch, classes in loader:
            optimizer.zero_grad()
            outputs, _ = recurrent(batch)
            logits = head(outputs[:, -1])
            torch.nn.functional.cross_entropy(logits, classes).backward()
            optimizer.step()
            correct += (logits.argmax(1) == classes).sum()
        return float(correct) / len(labels)

    return f"torch.nn.{names[cell]}", one_epoch


def _jax(units: int, images: Any, labels: Any, batch_size: int) -> Any:
    import jax
    import jax.numpy as jnp

    random = np.random.default_rng(0)

    def weight(*shape: int) -> Any:
        return jnp.asarray(random.normal(scale=0.1, size=shape).astype("float32"))

    weights = [weight(28, units), weight(units, units), jnp.zeros(units)]
    weights += [weight(units, 10), jnp.zeros(10)]
    squares = [jnp.zeros_like(w) for w in weights]
    num_steps = len(images) // batch_size
    device_images, device_labels = jnp.asarray(images), jnp.asarray(labels)

    def loss(weights: Any, batch: Any, classes: Any) -> Any:
        kernel, recurrent_kernel, bias, head_kernel, head_bias = weights

        def step(state: Any, row: Any) -> Any:
            return jax.nn.relu(row @ kernel + bias + state @ recurrent_kernel), None

        state = jnp.zeros((len(batch), units))
        state, _ = jax.lax.scan(step, state, jnp.swapaxes(batch, 0, 1))
        logits = state @ head_kernel + head_bias
        chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), classes[:, None], 1)
        return -chosen.mean(), (logits.argmax(1) == classes).mean()

    def train_step(carried: Any, indices: Any) -> Any:
        weights, squares = carried
        batch = device_images[indices], device_labels[indices]
        (_, accuracy), gradients = jax.value_and_grad(loss, has_aux=True)(weights, *batch)
        squares = [0.9 * s + 0.1 * g**2 for s, g in zip(squares, gradients, strict=True)]
        weights = [
            w - 0.001 * g / (jnp.sqrt(s) + 1e-7)
            for w, g, s in zip(weights, gradients, squares, strict=True)
        ]
        return (weights, squares), accuracy

    scan_epoch = jax.jit(lambda carried, order: jax.lax.scan(train_step, carried, order))
    state = {"carried": (weights, squares)}

    def one_epoch() -> float:
        order = random.permutation(len(images))[: num_steps * batch_size]
        batches = jnp.asarray(order.reshape(num_steps, batch_size))
        state["carried"], accuracy = scan_epoch(state["carried"], batches)
        return float(accuracy.mean())

    return "one jax.lax.scan over the epoch", one_epoch

"""A SimpleRNN whose inputs are projected in one product, for all steps at once.

    h[t] = f(x[t] W + h[t-1] U + b)

`x[t] W` does not depend on the previous step. What is left in the loop is `h[t-1] U`.
"""

from typing import Any

import keras

# What both loops were measured and tested with.
ACTIVATIONS = (
    keras.activations.relu,
    keras.activations.tanh,
    keras.activations.sigmoid,
    keras.activations.linear,
)


def unrolled_loop(
    layer: Any, kernel: Any, sequences: Any, states: list[Any], return_sequences: bool
) -> tuple[Any, Any, list[Any]]:
    """One operation in the graph for each step."""
    cell = layer.cell
    # One product of two matrices is faster than one of a batch of them.
    features = keras.ops.reshape(sequences, (-1, kernel.shape[0]))
    projections = keras.ops.matmul(features, kernel)
    if cell.use_bias:
        projections = keras.ops.add(projections, cell.bias)
    projections = keras.ops.reshape(projections, (-1, sequences.shape[1], layer.units))
    recurrent_kernel = keras.ops.convert_to_tensor(cell.recurrent_kernel)
    steps = keras.ops.unstack(projections, axis=1)
    (state,) = states
    outputs = []
    for projection in reversed(steps) if layer.go_backwards else steps:
        state = cell.activation(projection + keras.ops.matmul(state, recurrent_kernel))
        outputs.append(state)
    whole = keras.ops.stack(outputs if return_sequences else outputs[-1:], axis=1)
    return state, whole, [state]


def scanned_loop(
    layer: Any, kernel: Any, sequences: Any, states: list[Any], return_sequences: bool
) -> tuple[Any, Any, list[Any]]:
    """One scan over the steps."""
    cell = layer.cell
    steps = keras.ops.transpose(sequences, (1, 0, 2))
    if layer.go_backwards:
        steps = keras.ops.flip(steps, axis=0)
    projections = keras.ops.matmul(steps, kernel)
    recurrent_kernel = keras.ops.convert_to_tensor(cell.recurrent_kernel)

    def step(state: Any, projection: Any) -> tuple[Any, Any]:
        product = projection + keras.ops.matmul(state, recurrent_kernel)
        # Added here and not to all projections at once: XLA fuses it with the activation.
        state = cell.activation(product + cell.bias if cell.use_bias else product)
        return state, state

    state, outputs = keras.ops.scan(step, states[0], projections)
    return state, keras.ops.transpose(outputs, (1, 0, 2)), [state]

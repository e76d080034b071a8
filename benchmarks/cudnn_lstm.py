"""Is Keras' LSTM right with cuDNN on JAX? It needs a GPU, and no rounding to TF32.

JAX_DEFAULT_MATMUL_PRECISION=highest KERAS_BACKEND=jax python -m benchmarks.cudnn_lstm
"""

import argparse
from typing import Any

import keras
import numpy as np

from benchmarks.versions import measured_with
from keras_imgseq import ImageAsSequence, build_image_rnn

IN_FRONT = {
    "nothing": keras.layers.Identity,
    "Permute((2, 1))": lambda: keras.layers.Permute((2, 1)),
    "ImageAsSequence('column')": lambda: ImageAsSequence("column"),
    "ImageAsSequence(4, 'snake')": lambda: ImageAsSequence(4, "snake"),
}


def of_keras(in_front: keras.layers.Layer, use_cudnn: str | bool) -> keras.Model:
    """An LSTM of Keras."""
    recurrent = keras.layers.LSTM(16, use_cudnn=use_cudnn)
    return keras.Sequential([keras.Input((28, 28)), in_front, recurrent])


def differences(with_cudnn: keras.Model, without: keras.Model, images: Any) -> tuple[float, ...]:
    """The largest difference of the two networks, compiled and not."""
    with_cudnn.set_weights(without.get_weights())
    right = without.predict(images, verbose=0)
    answers = with_cudnn.predict(images, verbose=0), np.asarray(with_cudnn(images))
    return tuple(float(np.abs(answer - right).max()) for answer in answers)


def main() -> None:
    """Prints a row for each layer in front of the LSTM."""
    print(measured_with("keras", "jax") + "\n")
    print("| in front of the LSTM | off, by `predict` | off, by a call |\n| --- | --- | --- |")
    keras.utils.set_random_seed(0)
    images = np.random.default_rng(0).random((32, 28, 28), "float32")
    for name, in_front in IN_FRONT.items():
        pair = of_keras(in_front(), "auto"), of_keras(in_front(), use_cudnn=False)
        found = differences(*pair, images)
        print(f"| {name} | {' | '.join(f'{difference:.0e}' for difference in found)} |")
    ours = build_image_rnn((28, 28), 10, cell="lstm", reading="column")
    plain = build_image_rnn((28, 28), 10, cell="lstm", reading="column", unroll=False)
    for layer in plain.layers:
        if isinstance(layer, keras.layers.LSTM):
            layer.use_cudnn = False
    found = differences(ours, plain, images)
    print(f"| by columns, this package | {' | '.join(f'{value:.0e}' for value in found)} |")


if __name__ == "__main__":
    argparse.ArgumentParser(
        prog="python -m benchmarks.cudnn_lstm", description=__doc__
    ).parse_args()
    main()

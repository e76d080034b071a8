"""Writes what the page "Read a digit" needs: trained weights, paths, digits and a photo.

Run `KERAS_BACKEND=jax python docs/read_a_digit.py`. It trains ten networks, which takes some
minutes, and writes `docs/javascripts/data.js`.
"""

import base64
import json
import sys
from pathlib import Path
from typing import Any

import keras
import matplotlib.image
import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "examples"))

from mnist_data import Digits, load_digits
from mnist_recipes import RECIPES, steady, train
from training_run import Shuffled

from keras_imgseq import ImageAsSequence

DOCS = Path(__file__).parent
SEED, EPOCHS = 0, 20
DIGITS_OF_A_CLASS = 2
ORDERS = ("raster", "snake", "spiral", "hilbert", "morton", "zigzag", "random")
SEED_OF_RANDOM = 92916
# The sides of the explorer's grids; each divides the 56 pixels of its images.
GRIDS = (8, 14, 28)
RACE_PATCH = (4, 7)


def main() -> None:
    """Trains, and writes the file."""
    digits = load_digits()
    content = {
        "networks": {
            name: described(train(digits, recipe, seed=SEED, epochs=EPOCHS, verbose=False))
            for name, recipe in (("last", "steady"), ("every", "every-row"))
        },
        "race": [raced(digits, order) for order in (*ORDERS, "raster, transpose=True")],
        "racePatch": RACE_PATCH,
        "digits": chosen(digits),
        "photo": text_of(photo(), "uint8"),
        "orders": {order: code_of(order) for order in ORDERS},
        "paths": {
            grid: {order: text_of(path_of((grid, grid), order), "<u2") for order in ORDERS}
            for grid in GRIDS
        },
    }
    (DOCS / "javascripts").mkdir(exist_ok=True)
    file = DOCS / "javascripts" / "data.js"
    file.write_text(
        "// Written by docs/read_a_digit.py: do not edit.\n"
        f"window.KERAS_IMGSEQ = {json.dumps(content, separators=(',', ':'))};\n",
        encoding="utf-8",
    )
    print(f"Wrote {file.name}: {file.stat().st_size / 1000:.0f} kB")


def described(run: Any) -> dict[str, Any]:
    """The weights of a network, and how many test digits it has right after each row."""
    return {
        "weights": weights_of(run.trained.model),
        "accuracies": [round(accuracy, 4) for accuracy in run.accuracy_by_row],
    }


def raced(digits: Digits, order: str) -> dict[str, Any]:
    """One of the race: patches in an order, read by a network that answers after each of them."""
    code = code_of(order)
    reading = reading_of(RACE_PATCH, order)
    batch_size = RECIPES["every-row"].batch_size
    keras.utils.set_random_seed(SEED)
    model = steady(digits, EPOCHS, batch_size, reading=reading, return_sequences=True)
    num_steps = model.output_shape[1]

    def at_every_step(labels: np.ndarray) -> np.ndarray:
        classes = keras.utils.to_categorical(labels, digits.num_classes)
        return np.broadcast_to(classes[:, None], (len(labels), num_steps, digits.num_classes))

    batches = Shuffled(digits.x_train, at_every_step(digits.y_train), batch_size, SEED)
    for epoch in range(EPOCHS):
        batches.begin_at(epoch)
        model.fit(batches, shuffle=False, verbose=0)
    beliefs = model.predict(digits.x_test, verbose=0)
    accuracies = (beliefs.argmax(axis=2) == digits.y_test[:, None]).mean(axis=0)
    print(f"{code}: {accuracies[-1]:.4f}", flush=True)
    grid = [side // step for side, step in zip(digits.x_test.shape[1:], RACE_PATCH, strict=True)]
    return {
        "code": code,
        "path": text_of(path_of(grid, order), "<u2"),
        "weights": weights_of(model),
        "accuracies": [round(float(accuracy), 4) for accuracy in accuracies],
    }


def code_of(order: str) -> str:
    """The arguments of an order, as they are typed."""
    name, *others = order.split(", ")
    others += [f"seed={SEED_OF_RANDOM}"] if name == "random" else []
    return ", ".join([f'order="{name}"', *others])


def reading_of(step: Any, order: str) -> ImageAsSequence:
    """A reading in an order."""
    name, *others = order.split(", ")
    seed = SEED_OF_RANDOM if name == "random" else None
    return ImageAsSequence(step, name, transpose=bool(others), seed=seed)


def path_of(grid: Any, order: str) -> np.ndarray:
    """The cells of a grid in the order in which the package reads them."""
    cells = np.arange(np.prod(grid), dtype="float32").reshape(1, *grid)
    return keras.ops.convert_to_numpy(reading_of("pixel", order)(cells)).ravel()


def weights_of(model: keras.Model) -> str:
    """All weights as one array: kernel, recurrent kernel, bias, and those of the logits."""
    return text_of(np.concatenate([weight.ravel() for weight in model.get_weights()]), "<f4")


def chosen(digits: Digits) -> dict[str, Any]:
    """The first test digits of each class."""
    places = np.sort(
        np.concatenate(
            [np.flatnonzero(digits.y_test == label)[:DIGITS_OF_A_CLASS] for label in range(10)]
        )
    )
    images = np.round(digits.x_test[places] * 255)
    return {"images": text_of(images, "uint8"), "labels": digits.y_test[places].tolist()}


def photo() -> np.ndarray:
    """A photo of 56 x 56 grey pixels."""
    return np.round(matplotlib.image.imread(DOCS / "data" / "cat.png") * 255)


def text_of(array: np.ndarray, dtype: str) -> str:
    """An array as text that a browser decodes by itself."""
    return base64.b64encode(np.ascontiguousarray(array).astype(dtype).tobytes()).decode()


if __name__ == "__main__":
    main()

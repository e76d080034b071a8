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

import training_run
from mnist_data import Digits, load_digits
from mnist_recipes import RECIPES, steady, tested, train
from training_run import Shuffled

from keras_imgseq import ImageAsSequence, image_as_sequence

DOCS = Path(__file__).parent
SEED, EPOCHS = 0, 20
DIGITS_OF_A_CLASS = 2
SEED_OF_RANDOM = 92916
ORDERS: dict[str, dict[str, Any]] = {
    **{
        name: {"order": name}
        for name in ("raster", "snake", "spiral", "hilbert", "morton", "zigzag")
    },
    "random": {"order": "random", "seed": SEED_OF_RANDOM},
}
RACED = (*ORDERS.values(), {"order": "raster", "transpose": True})
# The sides of the explorer's grids. Each divides the 56 pixels of its images.
GRIDS = (8, 14, 28)
RACE_PATCH = (4, 7)
MOST_OF_16_BITS = 32767


def main() -> None:
    """Trains, and writes the file."""
    digits = load_digits()
    content = {
        "networks": {
            name: trained(digits, recipe)
            for name, recipe in (("last", "steady"), ("every", "every-row"))
        },
        "race": [raced(digits, arguments) for arguments in RACED],
        "racePatch": RACE_PATCH,
        "digits": chosen(digits),
        "photo": text_of(photo(), "uint8"),
        "orders": {name: code_of(arguments) for name, arguments in ORDERS.items()},
        "paths": {
            grid: {
                name: text_of(path_of((grid, grid), arguments), "<u2")
                for name, arguments in ORDERS.items()
            }
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


def trained(digits: Digits, recipe: str) -> dict[str, Any]:
    """The weights of a network, and how many test digits it has right after each row."""
    model = train(digits, recipe, seed=SEED, epochs=EPOCHS, verbose=False).trained.model
    weights = weights_of(model)
    _, accuracies = tested(model, digits.x_test, digits.y_test)
    return weights | {"accuracies": [round(accuracy, 4) for accuracy in accuracies]}


def raced(digits: Digits, arguments: dict[str, Any]) -> dict[str, Any]:
    """One of the race: patches in an order, read by a network that answers after each of them."""
    reading = ImageAsSequence(RACE_PATCH, **arguments)
    batch_size = RECIPES["every-row"].batch_size
    keras.utils.set_random_seed(SEED)
    model = steady(digits, EPOCHS, batch_size, reading=reading, return_sequences=True)
    classes = keras.utils.to_categorical(digits.y_train, digits.num_classes)
    at_every_step = np.broadcast_to(classes[:, None], (len(classes), *model.output_shape[1:]))
    batches = Shuffled(digits.x_train, at_every_step, batch_size, SEED)
    training_run.train(model, batches, epochs=EPOCHS, verbose=False)
    weights = weights_of(model)
    beliefs = model.predict(digits.x_test, verbose=0)[:, -1]
    accuracy = float((beliefs.argmax(axis=1) == digits.y_test).mean())
    print(f"{code_of(arguments)}: {accuracy:.4f}", flush=True)
    grid = [side // step for side, step in zip(digits.x_test.shape[1:], RACE_PATCH, strict=True)]
    return {
        "code": code_of(arguments),
        "path": text_of(path_of(grid, arguments), "<u2"),
        "accuracy": round(accuracy, 4),
        **weights,
    }


def code_of(arguments: dict[str, Any]) -> str:
    """Arguments as they are typed."""
    return ", ".join(
        f'{name}="{value}"' if isinstance(value, str) else f"{name}={value}"
        for name, value in arguments.items()
    )


def path_of(grid: Any, arguments: dict[str, Any]) -> np.ndarray:
    """The cells of a grid in the order in which the package reads them."""
    cells = np.arange(np.prod(grid)).reshape(1, *grid)
    return image_as_sequence(cells, "pixel", **arguments).ravel()


def weights_of(model: keras.Model) -> dict[str, Any]:
    """All weights as one array of 16 bits and what to multiply it with. Rounds those of the model.

    They are the kernel, the recurrent kernel, the bias, and both of the logits.
    """
    weights = model.get_weights()
    unit = max(float(np.abs(weight).max()) for weight in weights) / MOST_OF_16_BITS
    rounded = [np.round(weight / unit).astype("<i2") for weight in weights]
    model.set_weights([weight * unit for weight in rounded])
    flat = np.concatenate([weight.ravel() for weight in rounded])
    return {"unit": unit, "weights": text_of(flat, "<i2")}


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

"""Names the class of images with a model that was trained on a folder."""

import json
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
from image_files import ImageFileError
from image_set import Preparation, changes, seen

import keras_imgseq  # noqa: F401  (its layers are found when a model is loaded)

MOST_CLASSES = 3


def predict(paths: list[Path], model_file: Path, preparation_file: Path) -> int:
    """Prints a line for each image, the likeliest classes first. An unreadable one gives 1."""
    for file in (model_file, preparation_file):
        if not file.is_file():
            sys.exit(f"Error: there is no {file}. Train first, or name its folder with --output.")
    try:
        model = keras.saving.load_model(model_file)
        content: dict[str, Any] = json.loads(preparation_file.read_text(encoding="utf-8"))
        class_names = content.pop("class_names")
        preparation = Preparation(**content | {"size": tuple(content["size"])})
    except (OSError, ValueError, TypeError, KeyError) as error:
        sys.exit(f"Error: the model in {model_file.parent} is damaged ({error}). Train it again.")
    files, images, status = [], [], 0
    for path in paths:
        try:
            file = seen(path)
            images.append(preparation.image(path))
            files.append(file)
        except ImageFileError as error:
            print(f"{path} cannot be read: {error}.", file=sys.stderr)
            status = 1
    for line in changes(files, preparation):
        print(line, file=sys.stderr)
    if images:
        for file, belief in zip(files, model.predict(np.stack(images), verbose=0), strict=True):
            likeliest = belief.argsort()[::-1][:MOST_CLASSES]
            named = ", ".join(f"{class_names[label]} {belief[label]:.3f}" for label in likeliest)
            print(f"{file.path}: {named}")
    return status

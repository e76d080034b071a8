"""Reads images of lines with a saved reader."""

import json
import sys
import unicodedata
from pathlib import Path

import keras
from image_files import ImageFileError
from line_folder import open_line

from keras_imgseq import LineReader


def read(model: Path, paths: list[Path], where: bool) -> int:
    """Prints the text of each image, or where its characters are. An unreadable one gives 1."""
    if not model.is_file():
        sys.exit(f"Error: there is no {model}. Train one with --save, or name another.")
    try:
        reader = keras.saving.load_model(model, compile=False)
    except (OSError, ValueError, TypeError, KeyError) as error:
        sys.exit(f"Error: {model} is damaged or no Keras model ({str(error).splitlines()[0]}).")
    if not isinstance(reader, LineReader):
        sys.exit(f"Error: {model} is no reader of lines. Train one with --save.")
    images, read_paths, status = [], [], 0
    for path in paths:
        try:
            image = open_line(path)
            reader.prepare(image)
            images.append(image)
            read_paths.append(path)
        except (ImageFileError, ValueError) as error:
            print(f"{path} cannot be read: {error}.", file=sys.stderr)
            status = 1
    if where:
        for path, image in zip(read_paths, images, strict=True):
            places = reader.locate(image)
            characters = [
                {"character": c, "left": left, "right": right, "certainty": round(sure, 4)}
                for c, left, right, sure in places
            ]
            # In the form in which `reader.read` gives it.
            text = unicodedata.normalize("NFC", "".join(place[0] for place in places))
            content = {"image": str(path), "text": text, "characters": characters}
            print(json.dumps(content))
        return status
    for path, text in zip(read_paths, reader.read(images), strict=True):
        print(text if len(paths) == 1 else f"{path}: {text}")
        if not text:
            print(f"No character was found in {path}.", file=sys.stderr)
    return status

"""Runs the Python lines of a page, and compares what they print with the comments beside them.

In an environment without the tests: `python tests/page_code.py README.md`.
"""

import contextlib
import io
import os
import re
import sys
from pathlib import Path
from unittest import mock

BLOCK = re.compile(r"^```python\n(.*?)^```", flags=re.DOTALL | re.MULTILINE)
PRINTED = re.compile(r"^print\(.*\)  # (.*)$", flags=re.MULTILINE)


def run_page(path, names):
    """Runs all blocks one after the other, with some names at first."""
    code = "\n".join(BLOCK.findall(Path(path).read_text(encoding="utf-8")))
    assert code, f"{path} holds no Python"
    # A page may set the backend of the processes to come.
    with contextlib.redirect_stdout(io.StringIO()) as said, mock.patch.dict(os.environ):
        exec(compile(code, str(path), "exec"), names)
    # Keras' progress bar prints, too.
    lines = said.getvalue().splitlines()
    for expected in PRINTED.findall(code):
        assert expected in lines, f"{path} says {expected}, and prints {lines}"


def names_of_readme():
    """What the block of the old code and the new takes for granted."""
    import keras
    import numpy as np

    import keras_imgseq

    return {
        "keras": keras,
        "keras_imgseq": keras_imgseq,
        "images": np.zeros((2, 28, 28, 3), "float32"),
    }


if __name__ == "__main__":
    run_page(sys.argv[1], names_of_readme())

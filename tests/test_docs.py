import re
from pathlib import Path

import numpy as np
import pytest
from backends import INSTALLED

DOCS = Path(__file__).parent.parent / "docs"


@pytest.mark.skipif("torch" not in INSTALLED, reason="DataLoader comes with PyTorch")
def test_the_example_of_pytorch_runs():
    import torch

    from keras_imgseq import image_as_sequence

    page = (DOCS / "how-to" / "feed-it-from.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    names = {
        "torch": torch,
        "image_as_sequence": image_as_sequence,
        "images": np.zeros((8, 28, 28), "uint8"),
        "labels": np.arange(8) % 2,
    }
    exec(code, names)
    assert names["sequences"].dtype == torch.uint8


def test_every_picture_of_the_docs_is_there_and_used():
    pages = "".join(page.read_text(encoding="utf-8") for page in DOCS.rglob("*.md"))
    used = set(re.findall(r"images/([\w-]+\.png)", pages))
    assert used == {path.name for path in (DOCS / "images").glob("*.png")}

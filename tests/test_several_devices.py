"""Training on several devices has the losses of one, to 1e-5, for ten steps."""

from pathlib import Path

import keras
import numpy as np
import pytest
from backends import run_python

SCRIPT = Path(__file__).parent.parent / "examples" / "several_devices.py"
BACKEND = keras.backend.backend()
ENGINES = {
    "jax": [("jax", 4), ("jax-processes", 2)],
    "tensorflow": [("tensorflow", 2)],
    "torch": [("torch", 2)],
}


def losses(engine, devices, network):
    ended = run_python(
        SCRIPT,
        *("--engine", engine, "--devices", devices, "--network", network),
        backend=BACKEND,
    )
    assert ended.returncode == 0, ended.stderr
    return [float(value) for value in ended.stdout.strip().splitlines()[-1].split()]


@pytest.mark.parametrize("network", ["book", "gru", "reader"])
def test_several_devices_have_the_losses_of_one(network):
    engines = ENGINES.get(BACKEND, [])
    if not engines:
        pytest.skip("Keras trains on three backends")
    expected = losses(engines[0][0], 1, network)
    assert len(expected) == 10
    assert expected[-1] < expected[0]
    for engine, devices in engines:
        np.testing.assert_allclose(losses(engine, devices, network), expected, rtol=1e-5)


def test_the_images_are_shared_evenly():
    ended = run_python(SCRIPT, "--devices", 3, backend=BACKEND)
    assert ended.returncode == 2
    assert "each takes as many of 32 images" in ended.stderr.splitlines()[-1]

"""Training on several devices has the losses of one, to 1e-5, for ten steps."""

import multiprocessing
import os
import time
from pathlib import Path

import keras
import numpy as np
import pytest
import several_devices
from backends import run_python
from devices_networks import network
from hypothesis import settings

SCRIPT = Path(__file__).parent.parent / "examples" / "several_devices.py"
BACKEND = keras.backend.backend()
# Plain Keras shows that the learning rate is one at which it agrees with itself.
NETWORKS = several_devices.NETWORKS if settings().max_examples >= 300 else ("book", "gru", "reader")
ENGINES = {
    "jax": [("jax", 4), ("jax-processes", 2)],
    "tensorflow": [("tensorflow", 2)],
    "torch": [("torch", 2)],
}


def expected_losses():
    """The losses of ten steps of each network, trained here by Keras on one device."""
    histories = []
    for name in NETWORKS:
        model, images, labels, loss = network(name)
        model.compile(keras.optimizers.SGD(several_devices.LEARNING_RATE), loss)
        training = model.fit(images, labels, batch_size=32, epochs=10, shuffle=False, verbose=0)
        histories.append(training.history["loss"])
    return np.array(histories)


def losses(engine, devices):
    """The losses of ten steps of each network, as the example prints them."""
    ended = run_python(
        SCRIPT,
        *("--engine", engine, "--devices", devices, "--network", *NETWORKS),
        backend=BACKEND,
    )
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.strip().splitlines()[-len(NETWORKS) :]
    shown = [line.partition(" devices: ") for line in lines]
    assert [number for number, _, _ in shown] == [str(devices)] * len(NETWORKS)
    return np.array([[float(value) for value in values.split()] for _, _, values in shown])


def test_several_devices_have_the_losses_of_one():
    expected = expected_losses()
    assert (expected[:, -1] < expected[:, 0]).all()
    for engine, devices in ENGINES[BACKEND]:
        np.testing.assert_allclose(losses(engine, devices), expected, rtol=1e-5)


def test_a_process_that_fails_ends_the_others():
    context = multiprocessing.get_context("spawn")
    started = [
        context.Process(target=time.sleep, args=(600,)),
        context.Process(target=os._exit, args=(3,)),
    ]
    for process in started:
        process.start()
    with pytest.raises(RuntimeError, match="one of the processes has failed"):
        several_devices.wait_for(started)
    assert not any(process.is_alive() for process in started)


def test_the_images_are_shared_evenly():
    ended = run_python(SCRIPT, "--devices", 3, backend=BACKEND)
    assert ended.returncode == 2
    assert "each takes an equal part of 32 images" in ended.stderr.splitlines()[-1]

"""Runs that are stopped or killed: nothing is lost, and the end is that of a run that was not."""

import errno
import os
import random
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import mnist_simplernn
import numpy as np
import pytest
import training_run
from backends import environment, run_here
from hypothesis import settings
from resume_folder import ResumeError, ResumeFolder, State, States
from training_run import Shuffled

EXAMPLES = Path(__file__).parent.parent / "examples"
MANY = settings().max_examples >= 300
KILLS = 10 if MANY else 1
EPOCHS = 80 if MANY else 12
RUN = ["--recipe", "steady", "--epochs", str(EPOCHS), "--limit", "1000"]


def started(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, EXAMPLES / "mnist_simplernn.py", *RUN, *map(str, arguments)],
        env=environment(keras.backend.backend()),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A shell in the background starts programs deaf to Ctrl-C.
        **{"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.default_int_handler)}
        | options,
    )


def wait_for(process, has_come):
    """Waits until this has come, or the process ends."""
    while not has_come() and process.poll() is None:
        time.sleep(0.01)


def last_epoch(folder):
    """The number of epochs that a run has kept. A kill may leave a part of a file beside them."""
    return max((int(file.stem) for file in folder.glob("seed-0/[0-9]*.json")), default=0)


def results(output):
    return re.findall(r"Test (?:loss|accuracy): +([\d.]+)", output)


def test_a_run_that_is_killed_ends_as_one_that_is_not(tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    moments = random.Random(os.environ.get("PYTEST_XDIST_TESTRUNUID"))
    expected = started("--resume", whole).communicate()[0]
    assert len(results(expected)) == 2, expected
    epochs = 0
    for _ in range(KILLS):
        with started("--resume", killed, start_new_session=True) as process:
            # After some epochs more, and at any moment of one.
            wait_for(process, lambda before=epochs: last_epoch(killed) > before)
            time.sleep(moments.uniform(0, 0.3))
            assert process.poll() is None, "the run ended before it was killed"
            os.killpg(process.pid, signal.SIGKILL)
        epochs = last_epoch(killed)
    ended = started("--resume", killed).communicate()[0]
    assert results(ended) == results(expected), f"killed after {epochs}\n{ended}"
    states = [
        keras.saving.load_model(folder / "seed-0" / f"{EPOCHS}.keras") for folder in (whole, killed)
    ]
    for first, second in zip(*(state.get_weights() for state in states), strict=True):
        np.testing.assert_array_equal(first, second)
    again = run_here(mnist_simplernn.main, *RUN, "--resume", killed)
    assert "nothing is left to train" in again.stdout
    other = run_here(mnist_simplernn.main, *RUN, "--resume", killed, "--recipe", "book")
    assert "recipe was steady and is now book. Give the same again" in other.stderr


def test_ctrl_c_saves_what_was_learned(tmp_path):
    folder, model = tmp_path / "state", tmp_path / "model.keras"
    with started("--resume", folder, "--save", model, "--epochs", "900") as process:
        wait_for(process, lambda: last_epoch(folder) > 0)
        process.send_signal(signal.SIGINT)
        output = process.communicate()[0]
    assert process.returncode == 130, output
    assert f"Its model is saved as {model}. The same command goes on" in output
    assert "Traceback" not in output
    assert keras.saving.load_model(model).predict(np.zeros((1, 28, 28)), verbose=0).shape == (1, 10)
    assert list(tmp_path.glob(".*partial*")) == []


def test_ctrl_c_before_the_training_is_a_word(tmp_path):
    with started("--save", tmp_path / "model.keras") as process:
        wait_for(process, lambda: list(tmp_path.glob(".*.partial.keras")))
        process.send_signal(signal.SIGINT)
        output = process.communicate()[0]
    assert process.returncode == 130, output
    assert "Stopped" in output.splitlines()[-1]
    assert "Traceback" not in output
    assert list(tmp_path.iterdir()) == [] or (tmp_path / "model.keras").exists()


def test_a_full_disk_says_what_to_do(tmp_path):
    def full():
        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))

    ended = started("--resume", tmp_path, preexec_fn=full)
    output = ended.communicate()[0]
    assert ended.returncode == 1
    assert "File too large. Free some space" in output.splitlines()[-1]
    assert "Traceback" not in output


def test_a_full_disk_loses_no_model(tmp_path, monkeypatch):
    def full(self, state):
        raise OSError(errno.ENOSPC, "No space left on device", "states")

    monkeypatch.setattr(States, "keep", full)
    model = tmp_path / "model.keras"
    ended = run_here(mnist_simplernn.main, *RUN, "--resume", tmp_path / "states", "--save", model)
    assert ended.returncode == 1
    assert "states: No space left on device. Free some space" in ended.stderr
    assert f"Its model is saved as {model}" in ended.stdout
    assert "goes on from" not in ended.stdout
    assert keras.saving.load_model(model).count_params() == 890


def test_a_folder_belongs_to_one_run_at_a_time(tmp_path):
    first = ResumeFolder(tmp_path, {"epochs": 1})
    with pytest.raises(ResumeError, match="is used by another run"):
        ResumeFolder(tmp_path, {"epochs": 1})
    del first
    with pytest.raises(ResumeError, match="epochs was 1 and is now 2"):
        ResumeFolder(tmp_path, {"epochs": 2})
    ResumeFolder(tmp_path, {"epochs": 1})


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path):
    states = States(tmp_path)
    states.put("best.npz", lambda path: path.write_text("whole"))

    def full(path):
        path.write_text("a part")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space left") as raised:
        states.put("best.npz", full)
    assert raised.value.filename == str(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["best.npz"]
    assert (tmp_path / "best.npz").read_text() == "whole"


def test_a_state_counts_when_it_is_complete(tmp_path):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    states = ResumeFolder(tmp_path, {}).part("one")
    assert states.newest() is None
    states.keep(State(model, {"loss": [0.5]}, 1))
    states.keep(State(model, {"loss": [0.5, 0.25]}, 2))
    # What a kill between the two files of the third epoch leaves.
    (tmp_path / "one" / "3.keras").write_bytes(b"half of a model")
    (tmp_path / "one" / "3.partial").write_text("[0.5, 0.2")
    newest = states.newest()
    assert newest.num_epochs == 2
    assert newest.history == {"loss": [0.5, 0.25]}
    assert not (tmp_path / "one" / "1.keras").exists()
    (tmp_path / "one" / "2.keras").write_bytes(b"half of a model")
    with pytest.raises(ResumeError, match="damaged"):
        states.newest()


def test_batches_depend_on_the_seed_and_the_epoch_alone():
    x, y = np.arange(10), np.arange(10) * 2
    batches = Shuffled(x, y, 4, seed=1)
    assert batches.num_batches == 3

    def epoch():
        return [batches[index][0].tolist() for index in range(3)]

    first = epoch()
    assert sorted(place for batch in first for place in batch) == list(range(10))
    assert all((b[1] == 2 * b[0]).all() for b in (batches[index] for index in range(3)))
    batches.begin_at(1)
    assert epoch() != first
    batches.begin_at(0)
    assert epoch() == first
    assert Shuffled(x, y, 4, seed=2)[0][0].tolist() != first[0]


def test_settings_that_are_gone_are_named(tmp_path):
    ResumeFolder(tmp_path, {"epochs": 1, "speed": 2})
    with pytest.raises(ResumeError, match="speed was 2 and is now not recorded"):
        ResumeFolder(tmp_path, {"epochs": 1})


@pytest.mark.parametrize("moment", ["on_test_batch_begin", "on_train_batch_end"])
def test_an_epoch_that_was_trained_whole_is_kept(moment, monkeypatch):
    """Ctrl-C comes in the validation, or in the first of two batches."""
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    images, targets = np.ones((8, 3)), np.ones((8, 1))
    batches = Shuffled(images, targets, batch_size=4, seed=0)
    original = getattr(keras.callbacks.CallbackList, moment)

    def pressed(self, batch, logs=None):
        if batch == 0:
            monkeypatch.setattr(keras.callbacks.CallbackList, moment, original)
            signal.raise_signal(signal.SIGINT)
        original(self, batch, logs)

    monkeypatch.setattr(keras.callbacks.CallbackList, moment, pressed)
    # A shell in the background starts programs deaf to Ctrl-C.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        trained = training_run.train(
            model, batches, epochs=3, validation_data=(images, targets), verbose=False
        )
    finally:
        signal.signal(signal.SIGINT, before)
    assert trained.was_stopped
    assert trained.num_epochs == (1 if moment == "on_test_batch_begin" else 0)

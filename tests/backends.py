"""The backends that are installed, and programs in a fresh process or in this one."""

import contextlib
import importlib.util
import io
import os
import subprocess
import sys

import command_line
import keras
import pytest

from keras_imgseq._export.targets import TARGETS, missing_packages

INSTALLED = [
    backend for backend in ("tensorflow", "jax", "torch") if importlib.util.find_spec(backend)
]
needs_tensorflow = pytest.mark.skipif(
    "tensorflow" not in INSTALLED, reason="TensorFlow is not installed"
)
needs_jax = pytest.mark.skipif("jax" not in INSTALLED, reason="JAX is not installed")
needs_torch = pytest.mark.skipif("torch" not in INSTALLED, reason="PyTorch is not installed")


def skip_without(target):
    """Skips a test where the packages that write and run an exported file are not installed."""
    missing = missing_packages(TARGETS[target], keras.backend.backend())
    if missing:
        pytest.skip(f"the extra `export` installs {', '.join(missing)}")


def environment(backend):
    """The environment of a process with a backend."""
    return {
        **os.environ,
        "KERAS_BACKEND": backend,
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }


def run_python(*arguments, backend, **options):
    """Runs Python in a process that has imported nothing yet."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        env=environment(backend),
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


def run_here(main, *arguments):
    """Runs a command line in this process, which has imported and compiled a lot already."""
    shown, errors, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(shown), contextlib.redirect_stderr(errors):
        try:
            command_line.run(lambda: main([*map(str, arguments)]))
        except SystemExit as ended:
            code = ended.code
    if isinstance(code, str):
        errors.write(code + "\n")
        code = 1
    return subprocess.CompletedProcess(arguments, code, shown.getvalue(), errors.getvalue())

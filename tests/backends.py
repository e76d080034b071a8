"""The backends that are installed, and a fresh Python process on one of them."""

import importlib.util
import os
import subprocess
import sys

INSTALLED = [
    backend for backend in ("tensorflow", "jax", "torch") if importlib.util.find_spec(backend)
]


def run_python(*arguments, backend, **options):
    """Runs Python in a process that has imported nothing yet."""
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        **options,
    )

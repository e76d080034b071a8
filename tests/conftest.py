import importlib.metadata
import os
import shutil
import tempfile

# Two processes share the cores; with threads of their own they would wait for one another.
if "PYTEST_XDIST_WORKER" in os.environ:
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(name, "1")
    os.environ["XLA_FLAGS"] = (
        f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false"
    )
# All processes, those that tests start too, would compile the same networks again on JAX.
else:
    COMPILED = tempfile.mkdtemp()
    os.environ["JAX_COMPILATION_CACHE_DIR"] = COMPILED
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"
    # The networks are small: to make them fast takes longer than to run them.
    os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"
    if os.environ.get("KERAS_BACKEND") == "jax":
        # Half of the tests' time is compiling. With these it takes a third less.
        flags = "--xla_cpu_parallel_codegen_split_count=1"
        # JAX ends without a word where it does not know a flag, as later versions this one.
        if importlib.metadata.version("jaxlib").startswith("0.10."):
            flags += " --xla_cpu_use_fusion_emitters=false"
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {flags}"

import keras
import pytest
from hypothesis import Phase, settings

# JAX compiles every new shape, TensorFlow every network: examples are spent where they are cheap.
FEW = {"jax": 5, "tensorflow": 10}.get(keras.backend.backend(), 20)

settings.register_profile("few", max_examples=FEW, deadline=None, derandomize=True)
settings.register_profile("many", max_examples=300, deadline=None)
# A mutant need only be killed, not explained by the smallest example.
settings.register_profile(
    "mutants",
    max_examples=FEW,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
)
settings.load_profile("few")


@pytest.hookimpl(trylast=True)
def pytest_configure():
    if keras.backend.backend() == "tensorflow" and settings().max_examples < 300:
        import tensorflow as tf

        # As on JAX: to make a small graph fast takes longer than to run it.
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


def pytest_unconfigure(config):
    if not hasattr(config, "workerinput"):
        shutil.rmtree(COMPILED)

import keras
from hypothesis import settings

# JAX compiles every new shape: examples are spent where they are cheap.
FEW = 10 if keras.backend.backend() == "jax" else 20

settings.register_profile("few", max_examples=FEW, deadline=None, derandomize=True)
settings.register_profile("many", max_examples=300, deadline=None)
settings.load_profile("few")

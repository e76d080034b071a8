import keras
from hypothesis import Phase, settings

# JAX compiles every new shape: examples are spent where they are cheap.
FEW = 10 if keras.backend.backend() == "jax" else 20

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

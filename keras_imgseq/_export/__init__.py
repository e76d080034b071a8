"""How a network is written for elsewhere, and read back without Keras."""

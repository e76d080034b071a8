"""Measures the package against what its users would write instead: `python -m benchmarks`."""

"""What the figures were measured with."""

import importlib.metadata
import platform
import time


def version_of(package: str) -> str:
    """The version of a package."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "is not installed"


def measured_with(*packages: str) -> str:
    """The day, the machine, and the versions of Python and of packages."""
    versions = [f"{name} {version_of(name)}" for name in packages]
    parts = [time.strftime("%Y-%m-%d"), platform.machine(), f"Python {platform.python_version()}"]
    return ", ".join([*parts, *versions])

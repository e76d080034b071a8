"""Writes a file whole or not at all, and finds out before a training whether it can."""

import atexit
import errno
import os
import tempfile
from collections.abc import Callable
from pathlib import Path


class KeptFile:
    """A file that is opened before a training, and replaced in one go after it.

    Args:
        path: The file. One that stands there already stays until the new one is complete.

    Raises:
        OSError: If nothing can be written there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # A link stays a link: the file that it points to is replaced.
        self._target = Path(os.path.realpath(path))
        if self._target.exists() and not self._target.is_file():
            raise OSError(errno.EISDIR, "This is a folder or a device, and a file is needed", path)
        name = f".{self._target.stem[:99]}.{os.getpid()}.partial{self._target.suffix}"
        self._partial = self._target.with_name(name)
        # Before the file is there: Ctrl-C can come at any moment.
        atexit.register(self._partial.unlink, missing_ok=True)
        try:
            self._partial.touch()
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(path)) from error

    def try_out(self, save: Callable[[Path], object]) -> None:
        """Writes something as large as the file will be, beside its place."""
        save(self._partial)

    def stays(self, num_epochs: int) -> bool:
        """Whether the file that stands there stays, because no epoch of a training was whole."""
        return not num_epochs and self.path.exists()

    def write(self, save: Callable[[Path], object]) -> None:
        """Writes the file. Where that fails, writes into a folder for temporary files instead.

        Raises:
            OSError: If the file is not where it should be, with the place where it is.
        """
        try:
            save(self._partial)
            os.replace(self._partial, self._target)
        except OSError as error:
            elsewhere = Path(tempfile.mkdtemp(prefix="keras-imgseq-")) / self._target.name
            save(elsewhere)
            reason = f"{error.strerror or error}. So it was saved as {elsewhere}"
            raise OSError(error.errno, reason, str(self.path)) from error

"""Loads digits for the example, and checks them before anything is trained on them."""

import dataclasses
import gzip
import hashlib
import stat
from pathlib import Path

import numpy as np
from command_line import InputError

SHIPPED = Path(__file__).parent / "data" / "mnist.npz"
SHIPPED_SHA256 = "aab13e15809c8a4d68d701746db2a15795787a8cf198dd9af4fdcb6012c9720a"
# A larger file is no set of digits.
MOST_BYTES = 2**32
MOST_CLASSES = 10_000
IDX_FILES = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}


class DataError(InputError):
    """The data cannot be used. The message says why and what to do."""


@dataclasses.dataclass(frozen=True)
class Digits:
    """Images as float32 in 0..1 and integer labels, in three parts."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_validation: np.ndarray
    y_validation: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray

    @property
    def num_classes(self) -> int:
        """One more than the largest label."""
        return 1 + int(max(self.y_train.max(), self.y_validation.max(), self.y_test.max()))


def load_digits(source: str | None = None, limit: int | None = None) -> Digits:
    """Loads the shipped MNIST set, or another.

    Args:
        source: `None` for the set that ships with the example, `"keras"` for
            `keras.datasets.mnist`, or the path of an `.npz` file with the arrays `x_train`,
            `y_train`, `x_test` and `y_test`, or of a folder with MNIST's four IDX files,
            gzipped or not.
        limit: Number of training images and of test images to keep.

    Returns:
        The digits. The first twelfth of the training images, 5,000 of MNIST's 60,000, is set
        apart for validation, as in the book.

    Raises:
        DataError: If the data is missing, damaged, or not what it should be.
    """
    arrays = _arrays(source)
    try:
        x_train, y_train = _images_and_labels(arrays, "train")
        x_test, y_test = _images_and_labels(arrays, "test")
        if x_train.shape[1:] != x_test.shape[1:]:
            raise ValueError(
                f"x_train holds images of {x_train.shape[1:]}, x_test of {x_test.shape[1:]}"
            )
    except ValueError as error:
        raise DataError(f"{source} holds no digits: {error}.") from error
    num_validation = max(1, len(x_train) // 12)
    if len(x_train) == num_validation:
        raise DataError(
            f"{source} holds one training image, which is set apart for validation. Give at least "
            "two."
        )
    last = None if limit is None else num_validation + limit
    return Digits(
        x_train=x_train[num_validation:last],
        y_train=y_train[num_validation:last],
        x_validation=x_train[:num_validation][:limit],
        y_validation=y_train[:num_validation][:limit],
        x_test=x_test[:limit],
        y_test=y_test[:limit],
    )


def _arrays(source: str | None) -> dict[str, np.ndarray]:
    if source == "keras":
        return _from_keras()
    if source is None:
        _check_shipped()
    path = SHIPPED if source is None else Path(source)
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise ValueError("it is neither a file nor a folder")
        return _from_folder(path) if path.is_dir() else _from_npz(path)
    except FileNotFoundError as error:
        raise DataError(
            f"{path} does not exist. Give --data an .npz file or a folder with IDX files."
        ) from error
    # NumPy and the decoders raise errors of many kinds on damaged files.
    except Exception as error:
        reason = " ".join(str(getattr(error, "strerror", None) or error).split())[:200]
        raise DataError(
            f"{str(path)[:200]} cannot be read ({reason}). Get it again, or give other data with "
            "--data."
        ) from error


def _check_shipped() -> None:
    if not SHIPPED.is_file():
        raise DataError(
            f"{SHIPPED} is missing. Restore it with `git checkout -- examples/data/mnist.npz`, "
            "or give other data with --data."
        )
    digest = hashlib.sha256(SHIPPED.read_bytes()).hexdigest()
    if digest != SHIPPED_SHA256:
        raise DataError(
            f"{SHIPPED} is damaged: its SHA-256 is {digest}, expected {SHIPPED_SHA256}. Restore "
            "it with `git checkout -- examples/data/mnist.npz`."
        )


def _from_keras() -> dict[str, np.ndarray]:
    import keras

    try:
        (x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
    except Exception as error:
        reason = str(error).splitlines()[0]
        raise DataError(
            f"keras.datasets.mnist could not be downloaded ({reason}). Omit --data to use "
            "the set that ships with the example."
        ) from error
    return {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}


def _from_npz(path: Path) -> dict[str, np.ndarray]:
    arrays = np.load(path, allow_pickle=False)
    if not isinstance(arrays, np.lib.npyio.NpzFile):
        raise ValueError("it holds a single array, and no .npz archive of four")
    with arrays:
        missing = [name for name in IDX_FILES if name not in arrays]
        if missing:
            raise ValueError(f"no array named {' or '.join(missing)} in it")
        return {name: arrays[name] for name in IDX_FILES}


def _from_folder(folder: Path) -> dict[str, np.ndarray]:
    return {name: _from_idx(folder, file_name) for name, file_name in IDX_FILES.items()}


def _from_idx(folder: Path, file_name: str) -> np.ndarray:
    # The original archives were also spread with a dot before "idx".
    names = [file_name, file_name.replace("-idx", ".idx")]
    for path in (folder / (name + ending) for name in names for ending in ("", ".gz")):
        if path.is_file():
            with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
                return _parsed_idx(file.read(MOST_BYTES), path)
    raise ValueError(f"no file {file_name} or {file_name}.gz in it")


def _parsed_idx(content: bytes, path: Path) -> np.ndarray:
    # Two zero bytes, 8 for unsigned bytes, the number of axes, and then its size for each axis.
    if len(content) < 4 or content[:3] != b"\0\0\x08":
        raise ValueError(f"{path.name} is no IDX file of unsigned bytes")
    start = 4 + 4 * content[3]
    shape = np.frombuffer(content[4:start].ljust(start - 4, b"\0"), dtype=">u4").astype(int)
    values = np.frombuffer(content[start:], dtype=np.uint8)
    if values.size != shape.prod() or not values.size:
        raise ValueError(f"{path.name} is truncated or too long")
    return values.reshape(shape)


def _images_and_labels(arrays: dict[str, np.ndarray], part: str) -> tuple[np.ndarray, np.ndarray]:
    images, labels = arrays[f"x_{part}"], arrays[f"y_{part}"]
    if images.ndim not in (3, 4) or 0 in images.shape:
        raise ValueError(
            f"x_{part} must be (images, height, width) or (images, height, width, channels), "
            f"and has shape {images.shape}"
        )
    if labels.shape != images.shape[:1] or labels.dtype.kind not in "iu" or labels.min() < 0:
        raise ValueError(
            f"y_{part} must be one class number for each of the {len(images)} images, and has "
            f"shape {labels.shape} and dtype {labels.dtype}"
        )
    if labels.max() >= MOST_CLASSES:
        raise ValueError(
            f"y_{part} must be class numbers from 0 to {MOST_CLASSES - 1}, and has {labels.max()}"
        )
    if images.dtype.kind == "f" and not np.isfinite(images).all():
        raise ValueError(f"x_{part} must be of numbers, and has pixels that are NaN or infinite")
    if images.dtype.kind in "iu":
        if images.min() < 0:
            raise ValueError(f"x_{part} must not be negative, and has {images.min()}")
        most, largest = np.iinfo(images.dtype).max, images.max()
        # Bytes in a wider type: all of them would be taken for black.
        if images.dtype.itemsize > 1 and 0 < largest <= most // 2:
            raise ValueError(
                f"x_{part} is of {images.dtype}, where white is {most}, and has pixels up to "
                f"{largest}. For pixels from 0 to 255, write x_{part}.astype('uint8')"
            )
        images = images / np.float32(most)
    elif images.dtype.kind != "f" or not (images.min() >= 0 and images.max() <= 1):
        raise ValueError(
            f"x_{part} must be of integers, or of floats from 0 to 1, and is of {images.dtype}"
        )
    return images.astype("float32"), labels.astype("int64")

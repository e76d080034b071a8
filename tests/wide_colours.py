"""Image files with 16 bits for each colour, which Pillow reads and does not write."""

import struct
import zlib

import numpy as np

COLOUR_TYPES = {2: 4, 3: 2, 4: 6}


def write_png(path, pixels):
    """Writes `(height, width, 2 to 4)` whole numbers below 65536: with 2 or 4, alpha is last."""
    height, width, channels = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, 16, COLOUR_TYPES[channels], 0, 0, 0)
    rows = np.pad(pixels.astype(">u2").reshape(height, -1).view("uint8"), ((0, 0), (1, 0)))
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes())), (b"IEND", b""))
    content = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in parts
    )
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + content)


def write_tiff(path, pixels):
    """Writes `(height, width, 3)` whole numbers below 65536."""
    height, width, channels = pixels.shape
    data = pixels.astype("<u2").tobytes()
    long, short = 4, 3
    tags = [
        *((256, long, 1, width), (257, long, 1, height)),
        (258, short, channels, 8 + len(data)),
        *((259, short, 1, 1), (262, short, 1, 2), (273, long, 1, 8), (277, short, 1, channels)),
        *((278, long, 1, height), (279, long, 1, len(data)), (284, short, 1, 1)),
    ]
    bits = struct.pack(f"<{channels}H", *[16] * channels)
    directory = struct.pack("<H", len(tags))
    directory += b"".join(struct.pack("<HHII", *tag) for tag in tags)
    head = b"II*\0" + struct.pack("<I", 8 + len(data) + len(bits))
    path.write_bytes(head + data + bits + directory + bytes(4))

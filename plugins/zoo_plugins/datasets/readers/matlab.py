"""Arrays of numbers in MATLAB 5 files (MathWorks, "MAT-File Format", chapter 1), as Oxford-102 has them.

scipy.io.loadmat brings the whole process down (a segmentation fault) at some damaged files; this raises.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

HEADER = 128  # bytes
BYTE_ORDERS = {b"IM": "<", b"MI": ">"}
MATRIX, COMPRESSED = 14, 15
NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
NUMERIC_CLASSES = range(6, 16)  # double to uint64; the others are cells, structures, texts, sparse
INFLATED_LIMIT = 2**24  # bytes of one array


def read_arrays(data: bytes) -> dict[str, npt.NDArray[Any]]:
    """The arrays of numbers in a file by their names, flat; other variables are passed over.

    Raises ValueError where the file is damaged or of another version.
    """
    order = BYTE_ORDERS.get(data[HEADER - 2 : HEADER])
    if order is None:
        raise ValueError("not a MATLAB 5 file")
    arrays: dict[str, npt.NDArray[Any]] = {}
    for kind, content in _elements(data[HEADER:], order):
        if kind == COMPRESSED:
            for inner, inflated in _elements(_inflated(content), order):
                if inner == MATRIX:
                    arrays |= _array(inflated, order)
        elif kind == MATRIX:
            arrays |= _array(content, order)
    return arrays


def _elements(data: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """The type and the content of each data element."""
    place = 0
    while place + 8 <= len(data):
        kind, size = struct.unpack_from(f"{order}II", data, place)
        if kind >> 16:  # a small element: its size in the upper half, its content in the second word
            kind, size, start = kind & 0xFFFF, kind >> 16, place + 4
            place += 8
        else:
            start = place + 8
            place = start + size + (0 if kind == COMPRESSED else -size % 8)
        if start + size > len(data):
            raise ValueError("an element ends after the file")
        yield kind, data[start : start + size]


def _inflated(content: bytes) -> bytes:
    inflater = zlib.decompressobj()
    try:
        data = inflater.decompress(content, INFLATED_LIMIT)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if not inflater.eof:
        raise ValueError(f"an array is cut off or longer than {INFLATED_LIMIT} bytes")
    return data


def _array(data: bytes, order: str) -> dict[str, npt.NDArray[Any]]:
    """A matrix by its name: flags, dimensions, name and numbers are its elements. Empty if not of numbers."""
    elements = list(_elements(data, order))[:4]
    if len(elements) < 4 or len(elements[0][1]) != 8:
        raise ValueError("a matrix without flags, dimensions, name and content")
    (_, flags), _, (_, name), (kind, numbers) = elements
    if struct.unpack(f"{order}II", flags)[0] & 0xFF not in NUMERIC_CLASSES:
        return {}
    if kind not in NUMBERS:
        raise ValueError(f"numbers of the unknown type {kind}")
    return {name.decode("latin-1"): np.frombuffer(numbers, f"{order}{NUMBERS[kind]}")}

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import loadmat, savemat

from zoo_plugins.datasets.readers.matlab import read_arrays

TABLES = {
    "trnid": np.array([[6765, 6755, 1]], np.uint16),
    "one": np.array([[7]], np.uint8),
    "double": np.arange(5.0)[None],
    "long": np.arange(-300, 300, dtype=np.int64)[None],
    "name": "text",
    "cell": np.array([[1, "x"]], dtype=object),
}


def mat(tables, compressed=False):
    file = io.BytesIO()
    savemat(file, tables, do_compression=compressed)
    return file.getvalue()


@pytest.mark.parametrize("compressed", [False, True])
def test_numbers_as_scipy_reads_them(compressed):
    data = mat(TABLES, compressed)
    arrays = read_arrays(data)
    assert set(arrays) == {"trnid", "one", "double", "long"}
    for name, array in arrays.items():
        assert array.tolist() == loadmat(io.BytesIO(data))[name].ravel().tolist()


def test_of_a_machine_with_the_other_byte_order():
    header = b"MATLAB 5.0".ljust(124) + b"\x01\x00MI"
    flags = bytes.fromhex("00000006 00000008 0000000b 00000000")  # class 11: uint16
    dimensions = bytes.fromhex("00000005 00000008 00000001 00000002")
    name = bytes.fromhex("00030001") + b"ids\0"
    numbers = bytes.fromhex("00040004 0001012c")
    content = flags + dimensions + name + numbers
    data = header + bytes.fromhex("0000000e") + len(content).to_bytes(4, "big") + content
    assert read_arrays(data)["ids"].tolist() == [1, 300]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "not a MATLAB 5 file"),
        (b"\x89HDF\r\n\x1a\n" * 40, "not a MATLAB 5 file"),
        (mat(TABLES)[:180], "ends after the file"),
        (mat(TABLES, compressed=True)[:200], "ends after the file"),
        (mat({"zeros": np.zeros((1, 2**22))}, compressed=True), "longer than 16777216 bytes"),
    ],
)
def test_what_cannot_be_read(data, told):
    with pytest.raises(ValueError, match=told):
        read_arrays(data)


@settings(deadline=None, max_examples=300)
@given(st.booleans(), st.integers(124, 700), st.binary(min_size=1, max_size=8))
def test_any_damage_is_numbers_or_a_value_error(compressed, place, junk):
    data = mat(TABLES, compressed)
    try:
        arrays = read_arrays(data[:place] + junk + data[place + len(junk) :])
    except ValueError:
        return
    assert all(array.ndim == 1 for array in arrays.values())

"""What the C library does with memory that was freed."""

from __future__ import annotations

import ctypes
import platform

# of malloc.h
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4
_NEVER = -1
_AT_ONCE = 64 * 2**20  # bytes


def keep_freed_memory() -> None:
    """Let the process keep what it frees, where the C library is glibc; elsewhere nothing happens.

    By default glibc gives every large tensor back to the system, which fills the next one's memory with zeros
    before anything can be written there.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    library = ctypes.CDLL(None)
    for option, value in ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, _NEVER), (_TOP_PAD, _AT_ONCE)):
        library.mallopt(option, value)

"""What people look at: figures of generated images, and the pages that tell how runs go and compare them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .compare import write_comparison
    from .page import write_report

__all__ = ["write_comparison", "write_report"]


def __getattr__(name: str) -> Any:
    """Import on first use what a grid of images does not need: `zoo sample` is to start fast."""
    if name == "write_comparison":
        from .compare import write_comparison

        return write_comparison
    if name == "write_report":
        from .page import write_report

        return write_report
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

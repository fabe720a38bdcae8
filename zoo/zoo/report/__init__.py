"""What people look at: figures of drawn images, and the pages that tell how runs go and compare them."""

from __future__ import annotations

from .compare import write_comparison
from .page import write_report

__all__ = ["write_comparison", "write_report"]

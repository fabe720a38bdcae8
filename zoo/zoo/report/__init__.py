"""What people look at: figures of drawn images, and the page that tells how a run goes."""

from __future__ import annotations

from .page import write_report

__all__ = ["write_report"]

"""Growing generator: ProGAN (arXiv:1710.10196), sections 2 and 4, appendix A; with text as in T2F.

Letters as in zoo_registry.contracts; also C channels at a resolution, h = w that resolution.
"""

from __future__ import annotations

from .growing import GrowingGenerator


class ProgressiveGenerator(GrowingGenerator):
    """Grows one resolution at a time, from 4x4 on; text comes in through the condition alone."""

"""Growing generator: ProGAN (arXiv:1710.10196), sections 2 and 4, appendix A; with text as in T2F.

Letters as in zoo_registry.contracts; also C channels at a resolution, h = w that resolution.
"""

from __future__ import annotations

from .growing import GrowingGenerator


class ProgressiveGenerator(GrowingGenerator):
    """One block a resolution, from 4x4 on, each with its own layer to an image; a new resolution is faded in.

    Images are not bounded: what is trained to look real keeps near [-1, 1].

    depth: how many resolutions; the largest is 4 * 2 ** (depth - 1).
    width: channels of maps up to `wide_until`.
    wide_until: resolution of the largest maps with `width` channels; each doubling after it halves them.
    latent_width: of code and noise together; not set: `width`. What the conditioning leaves of it is noise.
    normalise_latent: whether code and noise are scaled to one length, as in ProGAN; T2F takes them as they
    are.
    gain: of the equalised layers, He's as in ProGAN; T2F's have 1.
    """

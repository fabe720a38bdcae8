"""The pages that are made from the code when the site is built: paths below docs/, and their contents."""

from __future__ import annotations

from collections.abc import Mapping

from . import commands, models, parts, protocols, recipes, training


def pages() -> Mapping[str, str | bytes]:
    """Every generated page, and images on them."""
    return {
        **models.pages(),
        **parts.pages(),
        **recipes.pages(),
        "protocols.md": protocols.page(),
        "commands.md": commands.page(),
        "training.md": training.page(),
    }

"""The pages that are made from the code when the site is built: paths below docs/, and Markdown."""

from __future__ import annotations

from collections.abc import Mapping

from . import commands, parts, protocols, recipes, training


def pages() -> Mapping[str, str]:
    """Every generated page."""
    return {
        **parts.pages(),
        **recipes.pages(),
        "protocols.md": protocols.page(),
        "commands.md": commands.page(),
        "training.md": training.page(),
    }

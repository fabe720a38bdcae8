"""A plugin: one conditioning and one recipe. Listing it imports no torch."""

from pathlib import Path

from zoo_registry import Component, hookimpl


@hookimpl
def zoo_components():
    target = "zoo_plugin_sample.squeeze:Squeeze"
    return [Component(kind="conditioning", name="squeeze", target=target, summary="One linear layer")]


@hookimpl
def zoo_recipes():
    return [Path(__file__).parent]

"""A plugin: one conditioning and one recipe. Listing it imports no torch."""

from pathlib import Path

from zoo_registry import Component, hookimpl

TARGET = "zoo_plugin_sample.squeeze:Squeeze"
SQUEEZE = Component(kind="conditioning", name="squeeze", target=TARGET, summary="One linear layer")


@hookimpl
def zoo_components():
    return [SQUEEZE]


@hookimpl
def zoo_recipes():
    return [Path(__file__).parent]

"""Finds plugins through their entry points and lists their parts.

One broken plugin breaks nothing else.
"""

from __future__ import annotations

import os
import re
import sys
import time
import traceback
import warnings
from collections.abc import Iterable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from itertools import chain
from pathlib import Path
from typing import Any

import pluggy

from . import hookspecs
from .component import KINDS, Component
from .errors import PluginWarning, ZooError, first_line, nearest, printable, said
from .text import read_text

OWN = "zoo"
"""The entry point of the zoo's own parts, which `ZOO_PLUGINS` cannot leave out."""


@dataclass
class Plugin:
    """One entry point of the group `zoo`.

    What it provides, how long it took to load, and its error if it failed.
    """

    name: str
    distribution: str
    version: str
    seconds: float = 0.0
    components: tuple[Component, ...] = ()
    recipes: tuple[Path, ...] = ()
    pretrained: tuple[Path, ...] = ()
    error: str | None = None
    package: str = ""  # of its entry point, at the top

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}"

    @property
    def key(self) -> str:
        """Its name in the plugin manager."""
        return f"{self.name} ({self})"

    @property
    def missing_targets(self) -> list[str]:
        """Its parts whose targets are not there."""
        return [f"{c.kind}/{c.name} ({c.target})" for c in self.components if not c.target_exists()]


@dataclass
class Catalogue:
    """Everything that the installed plugins provide, by name."""

    plugins: list[Plugin] = field(default_factory=list)
    manager: pluggy.PluginManager = field(default_factory=lambda: pluggy.PluginManager(hookspecs.GROUP))
    _components: dict[tuple[str, str], list[tuple[Component, Plugin]]] = field(default_factory=dict)
    _recipes: dict[str, list[tuple[Path, Plugin]]] = field(default_factory=dict)
    _pretrained: dict[str, list[tuple[Path, Plugin]]] = field(default_factory=dict)

    def add(self, plugin: Plugin) -> None:
        """List what a plugin provides."""
        self.plugins.append(plugin)
        for component in plugin.components:
            self._components.setdefault((component.kind, component.name), []).append((component, plugin))
        for path in plugin.recipes:
            self._recipes.setdefault(path.stem, []).append((path, plugin))
        for path in plugin.pretrained:
            self._pretrained.setdefault(path.name, []).append((path, plugin))

    def clashes(self) -> Iterator[str]:
        """One line for every name that two plugins provide."""
        for (kind, name), parts in self._components.items():
            if len(parts) > 1:
                yield _clash(f"{kind}/{name}", [plugin for _, plugin in parts])
        for name, found in self._recipes.items():
            if len(found) > 1:
                yield _clash(f"recipe {name}", [plugin for _, plugin in found])
        for name, found in self._pretrained.items():
            if len(found) > 1:
                yield _clash(f"pretrained model {name}", [plugin for _, plugin in found])

    def of(self, kind: str) -> tuple[Component, ...]:
        """The parts of one kind, by name; a name that clashes is left out."""
        found = (o[0][0] for (k, _), o in sorted(self._components.items()) if k == kind and len(o) == 1)
        return tuple(found)

    def get(self, kind: str, name: str) -> Component:
        """One part. Raises `ZooError` with the nearest name, and with the plugins that failed to load."""
        found = self._components.get((kind, name), [])
        if len(found) > 1:
            raise ZooError(_clash(f"{kind}/{name}", [plugin for _, plugin in found]))
        if not found:
            near = nearest(name, [c.name for c in self.of(kind)])
            raise ZooError(f"no {kind.replace('_', ' ')} is called {name!r}{near}{self._failed()}")
        return found[0][0]

    def provider(self, kind: str, name: str) -> Plugin:
        """The plugin that provides a part."""
        self.get(kind, name)
        return self._components[kind, name][0][1]

    def recipe_names(self) -> tuple[str, ...]:
        """The names of the recipes of plugins; one that clashes is left out."""
        return tuple(sorted(name for name, found in self._recipes.items() if len(found) == 1))

    def recipe(self, name: str) -> Path:
        """The file of a recipe. Raises `ZooError` with the nearest name."""
        found = self._recipes.get(name, [])
        if len(found) > 1:
            raise ZooError(_clash(f"recipe {name}", [plugin for _, plugin in found]))
        if not found:
            raise ZooError(f"no recipe is called {name!r}{nearest(name, self._recipes)}{self._failed()}")
        return found[0][0]

    def pretrained_names(self) -> tuple[str, ...]:
        """The names of the trained models that plugins ship; one that clashes is left out."""
        return tuple(sorted(name for name, found in self._pretrained.items() if len(found) == 1))

    def pretrained(self, name: str) -> Path | None:
        """The folder of a shipped model; None where no plugin ships it. Raises `ZooError` where two do."""
        found = self._pretrained.get(name, [])
        if len(found) > 1:
            raise ZooError(_clash(f"pretrained model {name}", [plugin for _, plugin in found]))
        return found[0][0] if found else None

    def call(self, plugin: Plugin, hook: str, **arguments: Any) -> None:
        """Call a hook of one plugin, if it has that. What it raises becomes its error, and it is left out."""
        module = self.manager.get_plugin(plugin.key)
        if module is None or not hasattr(module, hook):
            return
        try:
            with redirect_stdout(sys.stderr):
                _hook_of(module, hook, self.manager)(**arguments)
        except (Exception, SystemExit) as error:
            plugin.error = f"{hook}: {said(error)}"
            self.manager.unregister(module)
            _warn(plugin)

    def call_each(self, hook: str, **arguments: Any) -> None:
        """Call a hook of every plugin that has it, each as `call` does; then of what else is registered.

        What a process registers at `manager` itself, to observe its own training, raises what it raises.
        """
        for plugin in self.plugins:
            self.call(plugin, hook, **arguments)
        called = [self.manager.get_plugin(plugin.key) for plugin in self.plugins]
        self.manager.subset_hook_caller(hook, [p for p in called if p is not None])(**arguments)

    def raised_by(self, error: BaseException) -> Plugin | None:
        """The plugin, not the zoo's own, whose code was running last when an error was raised."""
        packages = [
            str(frame.f_globals.get("__name__")).partition(".")[0]
            for frame, _ in traceback.walk_tb(error.__traceback__)
        ]
        others = {plugin.package: plugin for plugin in self.plugins if plugin.name != OWN}
        return next((others[package] for package in reversed(packages) if package in others), None)

    def _failed(self) -> str:
        failed = [f"{p} ({p.error})" for p in self.plugins if p.error]
        return f"\nplugins that could not be loaded: {'; '.join(failed)}" if failed else ""


def heading(recipe: Path) -> tuple[str, str]:
    """The summary and the command that trains it, from the comments at the head of a recipe's file.

    "" for what is missing there; the summary of a file that cannot be read says so.
    """
    try:
        text = read_text(recipe)
    except (OSError, ValueError) as error:
        return f"broken: {first_line(error)}", ""
    lines = [line.lstrip("# ") for line in text.splitlines() if line.startswith("#")]
    launch = next((line for line in lines if line.startswith("zoo train ")), "")
    return next((line for line in lines if line != launch), ""), launch


def _clash(what: str, plugins: list[Plugin]) -> str:
    return (
        f"{what} is provided by {' and by '.join(map(str, plugins))}; uninstall one of them, "
        "or set ZOO_PLUGINS to the plugins to load"
    )


@cache
def catalogue() -> Catalogue:
    """Load the installed plugins, once a process.

    `ZOO_PLUGINS=a,b` (or empty) pins the set: others than the zoo's own load only when named there.
    Warns with `PluginWarning` for each plugin that fails and for each name that two of them provide.
    """
    result = Catalogue()
    result.manager.add_hookspecs(hookspecs)
    pinned = os.environ.get("ZOO_PLUGINS")
    allowed = None if pinned is None else {OWN, *(name.strip() for name in pinned.split(",") if name.strip())}
    for entry in sorted(entry_points(group=hookspecs.GROUP), key=lambda e: (e.name != OWN, e.name)):
        if allowed is None or entry.name in allowed:
            result.add(_load(entry, result.manager))
    for plugin in result.plugins:
        if plugin.error:
            _warn(plugin)
    for line in result.clashes():
        warnings.warn(line, PluginWarning, stacklevel=2)
    return result


def _warn(plugin: Plugin) -> None:
    warnings.warn(f"plugin {plugin.name!r} of {plugin}: {plugin.error}", PluginWarning, stacklevel=3)


def _load(entry: EntryPoint, manager: pluggy.PluginManager) -> Plugin:
    """Import one plugin and list its parts; whatever it raises becomes its error."""
    distribution = entry.dist
    plugin = Plugin(
        name=entry.name,
        distribution=printable(distribution.name) if distribution else "unknown",
        version=printable(distribution.version) if distribution else "unknown",
        package=entry.module.partition(".")[0],
    )
    start = time.perf_counter()
    try:
        with redirect_stdout(sys.stderr):  # what a plugin prints is no part of a command's answer
            _list(entry.load(), plugin, manager)
    except KeyboardInterrupt as error:
        if plugin.name == OWN:  # it was the user, early
            raise
        _fail(plugin, error)
    except BaseException as error:  # SystemExit, and whatever else a plugin's module may raise
        _fail(plugin, error)
    if plugin.error and manager.has_plugin(plugin.key):
        manager.unregister(name=plugin.key)
    plugin.seconds = time.perf_counter() - start
    return plugin


def _list(module: Any, plugin: Plugin, manager: pluggy.PluginManager) -> None:
    """List what a plugin's module provides."""
    manager.register(module, name=plugin.key)
    manager.check_pending()

    def provided(hook: str) -> Iterable[Any]:
        return chain.from_iterable(_hook_of(module, hook, manager)())

    components = [_checked(component) for component in provided("zoo_components")]
    origin = "" if plugin.name == OWN else str(plugin)
    plugin.components = tuple(replace(component, distribution=origin) for component in components)
    for folder in provided("zoo_recipes"):
        plugin.recipes += tuple(sorted(Path(folder).glob("*.toml")))
    for folder in provided("zoo_pretrained"):
        plugin.pretrained += tuple(path.parent for path in sorted(Path(folder).glob("*/config.json")))
    for path in (*plugin.recipes, *plugin.pretrained):
        _check_name(path.name.removesuffix(".toml"))


def _checked(component: Any) -> Component:
    """What a plugin returned as a component, if it is one. Raises TypeError and ValueError."""
    if not isinstance(component, Component) or component.kind not in KINDS:
        raise TypeError(f"zoo_components() returned {component!r}, which is no Component of a known kind")
    for name in ("name", "target", "summary", "paper"):
        if not isinstance(getattr(component, name), str):
            raise TypeError(f"{component!r}: {name}: expected a text, got {getattr(component, name)!r}")
    _check_name(component.name)
    return replace(component, summary=printable(component.summary), paper=printable(component.paper))


def _check_name(name: str) -> None:
    if not re.fullmatch(r"\w[\w.+-]*", name):
        raise ValueError(f"the name {name!r}: expected letters, digits, '-', '_', '.' and '+'")


def _fail(plugin: Plugin, error: BaseException) -> None:
    plugin.components, plugin.recipes, plugin.pretrained = (), (), ()
    plugin.error = said(error)


def _hook_of(module: Any, hook: str, manager: pluggy.PluginManager) -> pluggy.HookCaller:
    """A hook of one plugin alone; where it lacks that, calling gives nothing."""
    return manager.subset_hook_caller(hook, [other for other in manager.get_plugins() if other is not module])

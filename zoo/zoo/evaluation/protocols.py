"""From what the user asks to be measured to checked protocols with a name of their own.

A protocol whose values were changed is another one: its identity says which, as in
"NAME@1[features=NETWORK, resolution=64]".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from zoo_registry import ZooError, catalogue
from zoo_registry.contracts import EvaluationProtocol, Metric, extractor_settings
from zoo_registry.errors import nearest
from zoo_registry.schema import fill, schema_of

from .extractors import chosen

_OWN = {f.name for f in fields(EvaluationProtocol)} - {"name", "version", "metric", "settings"}


@dataclass(frozen=True)
class Asked:
    """A protocol to be measured, its metric's settings filled in; `changed`: what differs from its name's."""

    protocol: EvaluationProtocol
    changed: Mapping[str, Any] = field(default_factory=dict)

    @property
    def metric(self) -> Metric:
        """The part that measures."""
        metric: Metric = catalogue().get("metric", self.protocol.metric).load()(**self.protocol.settings)
        return metric

    def identity(self, resolution: int, named: Mapping[str, str]) -> str:
        """The name of results of this protocol. `resolution`: of the images; `named`: for
        settings, what stands there in place of their value."""
        changed: dict[str, Any] = {key: named.get(key, value) for key, value in self.changed.items()}
        if self.protocol.resize is None:
            changed["resolution"] = resolution
        inside = ", ".join(f"{key}={_plain(value)}" for key, value in sorted(changed.items()))
        return f"{self.protocol.name}@{self.protocol.version}" + (f"[{inside}]" if inside else "")

    def definition(self) -> dict[str, Any]:
        """All values, for the results' file."""
        values = asdict(self.protocol)
        return {key: values[key] for key in values if key not in ("name", "version", "metric")}


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def asked(
    names: Sequence[str], changes: Iterable[str] = (), images: int | None = None, *, allow_small: bool = False
) -> list[Asked]:
    """The protocols that some names ask for.

    names: of protocols, or of metrics, which stand for their first protocol. changes: "NAME.KEY=VALUE", a
    value of a protocol or a setting of its metric, NAME being one of `names`. images: how many images each
    generates. Raises `ZooError` with the nearest names, and where there are fewer images than a protocol asks
    for and that is not allowed.
    """
    changed: dict[str, dict[str, Any]] = {name: {} for name in names}
    for change in changes:
        place, equals, value = change.partition("=")
        name, dot, key = place.rpartition(".")
        if not equals or not dot:
            raise ZooError(f"--set {change}: expected PROTOCOL.KEY=VALUE, as {names[0]}.seed=1")
        if name not in changed:
            raise ZooError(f"--set {change}: {name!r} is not among the metrics{nearest(name, changed)}")
        changed[name][key] = _value(value)
    return [_asked(name, changed[name], images, allow_small) for name in names]


def _value(text: str) -> Any:
    """JSON where it is, else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def protocol_of(name: str) -> EvaluationProtocol:
    """The protocol of a name, or the first one of a metric's name."""
    found = {component.name: component for component in catalogue().of("protocol")}
    if name in found:
        protocol: EvaluationProtocol = found[name].load()
        return protocol
    metrics = [component.name for component in catalogue().of("metric")]
    if name not in metrics:
        known = [*found, *metrics]
        raise ZooError(f"no protocol or metric is called {name!r}{nearest(name, known)}; zoo list protocol")
    listed = [c for plugin in catalogue().plugins for c in plugin.components if c.kind == "protocol"]
    first = next((c.load() for c in listed if c.load().metric == name), None)
    return first or EvaluationProtocol(name=name, version=1, metric=name, images=5000)


def _asked(name: str, changes: dict[str, Any], images: int | None, allow_small: bool) -> Asked:
    base = protocol_of(name)
    schema = schema_of(catalogue().get("metric", base.metric)).settings
    if images is not None:
        changes = {"images": images} | changes
    unknown = [key for key in changes if key not in _OWN and key not in schema.model_fields]
    if unknown:
        known = [*_OWN, *schema.model_fields]
        raise ZooError(f"{name}.{unknown[0]}: no such value{nearest(unknown[0], known)}")
    own = {key: value for key, value in changes.items() if key in _OWN}
    protocol = replace(base, **own)
    errors = _errors(protocol, name)
    settings = {**base.settings, **{key: value for key, value in changes.items() if key not in _OWN}}
    filled, problems = fill(schema, settings, name)
    if errors or filled is None:
        raise ZooError("\n".join([*errors, *problems]))
    if protocol.images < base.images and not allow_small:
        other = f"{base.name}@{base.version}[images={protocol.images}]"
        raise ZooError(
            f"{base.name} expects {base.images} images, got {protocol.images}; with "
            f"--allow-small the result is marked as another protocol, {other}"
        )
    for key in extractor_settings(schema):
        chosen(getattr(filled, key), f"{name}.{key}")
    whole = {key: getattr(filled, key) for key in schema.model_fields}
    before = {**{key: getattr(base, key) for key in _OWN}, **_deerrors(schema, base.settings, name)}
    after = {**{key: getattr(protocol, key) for key in _OWN}, **whole}
    return Asked(
        replace(protocol, settings=whole),
        {key: value for key, value in after.items() if value != before[key]},
    )


def _deerrors(schema: Any, settings: Mapping[str, Any], name: str) -> dict[str, Any]:
    filled, _ = fill(schema, settings, name)
    assert filled is not None
    return {key: getattr(filled, key) for key in schema.model_fields}


def _errors(protocol: EvaluationProtocol, name: str) -> list[str]:
    """What no protocol can have, each a line."""
    rules = {
        "images": (isinstance(protocol.images, int) and protocol.images >= 0, "a number of images"),
        "per_caption": (isinstance(protocol.per_caption, int) and protocol.per_caption >= 1, "1 or more"),
        "crop": (isinstance(protocol.crop, int | float) and protocol.crop >= 1, "1 or larger"),
        "resize": (
            protocol.resize is None or (isinstance(protocol.resize, int) and protocol.resize >= 4),
            "a resolution in pixels, or null",
        ),
        "seed": (isinstance(protocol.seed, int) and protocol.seed >= 0, "0 or larger"),
        "truncation": (
            protocol.truncation is None
            or (isinstance(protocol.truncation, int | float) and protocol.truncation > 0),
            "a number above 0, or null",
        ),
        "split": (isinstance(protocol.split, str), "the name of a split"),
    }
    return [
        f"{name}.{key}: expected {right}, got {getattr(protocol, key)!r}"
        for key, (fine, right) in rules.items()
        if not fine
    ]

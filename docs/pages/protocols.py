"""The page of protocols, from the catalogue."""

from __future__ import annotations

from dataclasses import asdict

from zoo_registry import catalogue
from zoo_registry.contracts import EvaluationProtocol
from zoo_registry.explain import meanings
from zoo_registry.schema import schema_of

from .text import cited, code, prose, table

_HEAD = """# Protocols

Two numbers can be compared where all of these values are equal. What happens when one is changed, and how a
result is then called, stands in [Measuring](measuring.md). A metric's name stands for its first protocol.

```sh
zoo list protocol
zoo show protocol/fid-test-5k
zoo eval runs/birds --data aviary --metrics attributes-2k,kid-judge-2k
```
"""


def page() -> str:
    """The page: a table of all, then one section each."""
    listed = catalogue().of("protocol")
    rows = [
        (
            f"[`{c.name}`](#{c.name})",
            c.summary,
            _metric(c.load().metric),
            f"{c.load().images:,}",
            cited(c.paper),
        )
        for c in listed
    ]
    overview = table(("protocol", "what it is", "metric", "images", "paper"), rows)
    sections = []
    for component in listed:
        protocol: EvaluationProtocol = component.load()
        values = asdict(protocol)
        described = meanings(EvaluationProtocol, values.keys() - {"metric", "settings"})
        own = [(f"`{key}`", code(values[key]), prose(text)) for key, text in described.items()]
        of_metric = schema_of(catalogue().get("metric", protocol.metric)).settings.model_fields
        own += [
            (f"`{key}`", code(value), f"of the metric: {prose(of_metric[key].description or '')}")
            for key, value in protocol.settings.items()
        ]
        sections.append(
            f"## `{component.name}` {{ #{component.name} }}\n\n{component.summary}. "
            f"Version {protocol.version}, metric {_metric(protocol.metric)}.\n\n"
            f"{table(('value', '', 'what it is'), own)}\n"
        )
    return "\n".join([_HEAD, overview, "", *sections])


def _metric(name: str) -> str:
    return f"[`{name}`](parts/metric/{name}.md)"

"""A protocol: all that has to be equal for two numbers of a metric to be compared."""

from __future__ import annotations

from zoo_registry.contracts import EvaluationProtocol

# Small and quick: one caption among ten, recognised by the encoders that the generator was trained with. A
# changed value needs a new version, since results carry "NAME@VERSION".
PROTOCOL = EvaluationProtocol(
    name="$part",
    version=1,
    metric="r-precision",
    images=100,
    settings={"matcher": "own", "candidates": 10, "folds": 5},
)

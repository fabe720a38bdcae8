"""Measuring while a generator trains: the same protocols, on the averaged weights."""

from __future__ import annotations

import shutil

from zoo_registry import Recipe, ZooError
from zoo_registry.errors import nearest
from zoo_registry.training import Evaluation

from ..assemble import Parts
from ..files.results import Source
from ..files.run import Run
from ..models.results import add_result
from ..pipeline import Pipeline
from .protocols import Asked, asked
from .run import BATCH_SIZE, fingerprint, measure, named, open_for, study_of
from .study import Bench


def checked(settings: Evaluation) -> list[Asked]:
    """The protocols of `train.evaluate`. Raises `ZooError` for names and values that are not there."""
    try:
        protocols = asked(settings.metrics, settings.changes, settings.images, allow_small=True)
        name = (settings.best or "").partition("/")[0]
        if name and name not in settings.metrics:
            raise ZooError(f"best: {name!r} is not among the metrics{nearest(name, settings.metrics)}")
        for protocol, metric in zip(protocols, settings.metrics, strict=True):
            if metric == name and protocol.metric.better is None:
                raise ZooError(f"best: of {name} neither higher nor lower values are better")
    except ZooError as error:
        raise ZooError(f"train.evaluate: {error}") from None
    return protocols


class Measuring:
    """Measures the pipeline of a run."""

    def __init__(self, run: Run, recipe: Recipe, settings: Evaluation, source: str, *, quiet: bool) -> None:
        self.run, self.recipe, self.settings, self.source = run, recipe, settings, source
        self.quiet = quiet
        self.protocols = checked(settings)

    def measure(self, parts: Parts, step: int) -> tuple[dict[str, float], float | None]:
        """Scores by protocol, and what `best` names, signed so that larger is better; None without `best`.

        Leaves the results in the run and training modes as they were.
        """
        with parts.evaluating():
            return self._measure(Pipeline(self.recipe, parts), step)

    def _measure(self, pipe: Pipeline, step: int) -> tuple[dict[str, float], float | None]:
        folder = self.run.evaluation
        shutil.rmtree(folder, ignore_errors=True)  # of a run that was killed while it measured
        dataset = open_for(self.protocols, self.source, pipe.resolution)
        bench = Bench(
            pipe,
            dataset,
            self.source,
            model=None,
            key=f"step {step}",
            folder=folder,
            batch_size=BATCH_SIZE,
            quiet=self.quiet,
        )
        data = Source(source=self.source, fingerprint=fingerprint(dataset))
        values: dict[str, float] = {}
        value = None
        for name, protocol in zip(self.settings.metrics, self.protocols, strict=True):
            identity = protocol.identity(pipe.resolution, named(protocol, bench))
            result, _ = measure(protocol, study_of(protocol, bench), identity, data)
            scores = result.scores
            add_result(self.run.results, str(self.run), f"step {step}", result)
            alone = len(scores) == 1
            values |= {identity if alone else f"{identity}/{s}": score.value for s, score in scores.items()}
            metric, _, score = (self.settings.best or "").partition("/")
            if metric == name:
                if score and score not in scores:
                    raise ZooError(
                        f"train.evaluate.best: {name} has no score {score!r}{nearest(score, scores)}"
                    )
                value = scores[score or ("mean" if "mean" in scores else next(iter(scores)))].value
                value = -value if protocol.metric.better == "lower" else value
        bench.clear()
        return values, value

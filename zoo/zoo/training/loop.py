"""The loop that trains any task."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from zoo_registry import ZooError
from zoo_registry.contracts import Batch

from ..files.checkpoints import Checkpoints, NotFiniteError
from ..files.run import Run
from .divergence import DivergedError
from .journal import Journal
from .learner import Learner
from .processes import any_process
from .watch import Watcher


class Interrupted(Exception):  # noqa: N818 - no error: what was asked for
    """Training was asked to stop and has saved where it is."""


@dataclass(frozen=True)
class Loop:
    """One stage of a run, ready to train. Steps are counted from 1 in what it writes."""

    stage: Run
    learner: Learner
    watcher: Watcher
    last: int  # step
    checkpoint_every: int  # steps
    writes: bool  # whether this process writes files; of several, one does

    def run(
        self, stream: Iterable[Sequence[Batch]], start: int, journal: Journal, asked: Sequence[bool]
    ) -> None:
        """Train after `start` steps. Raises `Interrupted` once `asked` to stop, after saving.

        Of several processes all stop after the same step, whichever was asked. Raises `DivergedError`, in all
        of them, for what is not finite.
        """
        for step, batches in enumerate(journal.timed(stream), start):
            done = step + 1
            terms = self.learner.step(batches, step)
            journal.terms(done, terms, self.learner.images(step))
            if self.writes and self.watcher.due(done):
                journal.metrics(done, self.watcher.look(done, journal.signs))
            # here the others wait for the one that measures
            stop = any_process(bool(asked), self.learner.state)
            if done % self.checkpoint_every == 0 or done == self.last or stop:
                bad = self._save(done, journal) if self.writes else ""
                if any_process(bool(bad), self.learner.state):
                    raise DivergedError(bad or "the state not finite", done)
            journal.report()
            if stop and done < self.last:
                how = f"go on with: zoo train --resume {journal.run}"
                raise Interrupted(f"stopped after step {done} of {self.last}; {how}")

    def _save(self, done: int, journal: Journal) -> str:
        """Save, or say what of the state is not finite."""
        journal.sync()
        state = {"learner": self.learner.state_dict(), "watcher": self.watcher.state_dict()}
        try:
            Checkpoints(self.stage.checkpoints).save(done, state)
        except NotFiniteError as error:
            return str(error)
        self.watcher.write_model(done)
        return ""

    def resume(self) -> int:
        """Take up the newest whole checkpoint; the number of steps that are done.

        Raises `ZooError` where there is none although the log says that there were.
        """
        found = Checkpoints(self.stage.checkpoints).newest()
        if found is None:
            logged = max((line.step for line in self.stage.log()), default=0)
            if logged > self.checkpoint_every:
                raise ZooError(
                    f"{self.stage.checkpoints} holds no checkpoint, and step {logged} was trained before: "
                    "there is nothing to go on from; a new run begins anew"
                )
            return 0
        done, state = found
        self.learner.load_state_dict(state["learner"])
        self.watcher.load_state_dict(state["watcher"])
        return done

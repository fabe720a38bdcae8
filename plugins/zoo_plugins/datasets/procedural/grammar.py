"""Sentences from a grammar and the facts of an image: what the procedural data sets write captions with.

A rule is a line of text in which

    {name}      is a fact of the image or another rule
    (a|b|c)     is one of the alternatives; (3*a|b) takes the first three times as often
    [a]         is there or not; [3*a] is there three times as often as not
    <name>      is nothing to be read: it notes that the sentence tells the attribute `name`

A fact that the image lacks cannot be said, and no fact is said twice in a sentence: an alternative that
would have to is not taken. So a sentence is true and does not repeat itself, and a rule is a plain list of
phrasings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple, TypeAlias

import numpy as np


class _Name(NamedTuple):
    """A fact or a rule."""

    name: str


class _Mentioned(NamedTuple):
    """A note that an attribute is mentioned."""

    attribute: str


class _Choice(NamedTuple):
    """Alternatives and how often each is taken."""

    weights: tuple[float, ...]
    options: tuple[_Phrase, ...]


_Item: TypeAlias = "str | _Name | _Mentioned | _Choice"
_Phrase: TypeAlias = "tuple[_Item, ...]"

_TOKENS = re.compile(r"\{\w+\}|<\w+>|\d+\*|[()\[\]|]|[^{}<>()\[\]|]+")


class Sentence(NamedTuple):
    """What is written, and the attributes that it tells."""

    text: str
    tells: frozenset[str]


@cache
def _parse(text: str) -> _Choice:
    """The alternatives that a text stands for."""
    return _alternatives(_TOKENS.findall(" ".join(text.split()))[::-1], "")


def _alternatives(tokens: list[str], closing: str) -> _Choice:
    """Read up to `closing`; `tokens` is a stack whose last is next."""
    weights, options = [1.0], [list[_Item]()]
    while tokens and (token := tokens.pop()) != closing:
        if token == "|":
            weights.append(1.0)
            options.append([])
        elif token[-1] == "*":
            weights[-1] = float(token[:-1])
        elif token in ("(", "["):
            options[-1].append(_alternatives(tokens, ")" if token == "(" else "]"))
        else:
            if token[0] == "{":
                options[-1].append(_Name(token[1:-1]))
            else:
                options[-1].append(_Mentioned(token[1:-1]) if token[0] == "<" else token)
    if closing == "]":
        weights.append(1.0)
        options.append([])
    return _Choice(tuple(weights), tuple(tuple(option) for option in options))


class Grammar:
    """Rules by name, each the text of its alternatives."""

    def __init__(self, rules: Mapping[str, str]) -> None:
        self._rules = {name: _parse(text) for name, text in rules.items()}

    def sentence(self, start: str, facts: Mapping[str, str], rng: np.random.Generator) -> Sentence:
        """One sentence of the rule `start`. A fact is the text of its phrasings: {"size": "small|2*little"}.

        Raises `LookupError` where the facts allow no sentence.
        """
        said: list[str | _Mentioned] = []
        words = self._choose(self._rules[start], facts, said, rng)
        if words is None:
            raise LookupError(f"rule {start!r} has no sentence for the facts {sorted(facts)}")
        tells = frozenset(item.attribute for item in said if isinstance(item, _Mentioned))
        return Sentence(polish(words), tells)

    def sentences(
        self, starts: tuple[str, ...], facts: Mapping[str, str], rng: np.random.Generator
    ) -> tuple[Sentence, ...]:
        """One sentence of each rule in `starts`, no two alike but for case and punctuation."""
        found: dict[str, Sentence] = {}
        for count, start in enumerate(starts, 1):
            while len(found) < count:
                text, tells = self.sentence(start, facts, rng)
                found.setdefault(text, Sentence(punctuate(text, rng), tells))
        return tuple(found.values())

    def _choose(
        self,
        choice: _Choice,
        facts: Mapping[str, str],
        said: list[str | _Mentioned],
        rng: np.random.Generator,
    ) -> str | None:
        """One alternative that can be said; None if there is none.

        Adds the facts that it says, and what it tells, to `said`.
        """
        mark = len(said)
        left = list(zip(choice.weights, choice.options, strict=True))
        while left:
            taken = _draw([weight for weight, _ in left], rng) if len(left) > 1 else 0
            words = self._say(left[taken][1], facts, said, rng)
            if words is not None:
                return words
            del said[mark:], left[taken]
        return None

    def _say(
        self,
        phrase: _Phrase,
        facts: Mapping[str, str],
        said: list[str | _Mentioned],
        rng: np.random.Generator,
    ) -> str | None:
        """A phrase in full; None if it needs a fact that is missing or already said."""
        words = []
        for item in phrase:
            if isinstance(item, str):
                words.append(item)
                continue
            if isinstance(item, _Mentioned):
                said.append(item)
                continue
            if isinstance(item, _Choice):
                choice = item
            elif item.name in self._rules:
                choice = self._rules[item.name]
            elif item.name in facts and item.name not in said:
                said.append(item.name)
                choice = _parse(facts[item.name])
            else:
                return None
            part = self._choose(choice, facts, said, rng)
            if part is None:
                return None
            words.append(part)
        return "".join(words)


def _draw(weights: list[float], rng: np.random.Generator) -> int:
    """An index, as often as its weight says."""
    left = rng.random() * sum(weights)
    for index, weight in enumerate(weights):
        left -= weight
        if left < 0:
            return index
    return len(weights) - 1


def telling(attribute: str, text: str) -> str:
    """The text of a rule or a fact that tells an attribute, however it is phrased."""
    return f"<{attribute}>({text})"


def polish(words: str) -> str:
    """Single blanks, none before a comma or a full stop, and "an" before a vowel."""
    words = re.sub(r" +(?=[,.]|$)", "", " ".join(words.split()))
    return re.sub(r"\ba(?= [aeiou])", "an", words)


def punctuate(sentence: str, rng: np.random.Generator) -> str:
    """As people type: seldom a capital letter, now and then a full stop."""
    if rng.random() < 0.2:
        sentence = sentence[0].upper() + sentence[1:]
    return sentence + "." if rng.random() < 0.3 else sentence

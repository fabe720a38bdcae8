from collections import Counter

import numpy as np
import pytest

from zoo_plugins.datasets.procedural.grammar import Grammar, polish, telling


def sentences(rules: dict[str, str], facts: dict[str, str] | None = None, count: int = 400) -> Counter[str]:
    rng = np.random.default_rng(0)
    grammar = Grammar(rules)
    return Counter(grammar.sentence("s", facts or {}, rng).text for _ in range(count))


def test_alternatives_come_as_often_as_their_weights_say() -> None:
    counts = sentences({"s": "3*one|two"})
    assert set(counts) == {"one", "two"}
    assert 2.2 < counts["one"] / counts["two"] < 4


def test_options_nest() -> None:
    assert set(sentences({"s": "a[ b[ c]](| d)"})) == {"a", "a b", "a b c", "a d", "a b d", "a b c d"}


def test_weighted_option_is_there_more_often_than_not() -> None:
    counts = sentences({"s": "a[3* b]"})
    assert 2.2 < counts["a b"] / counts["a"] < 4


def test_missing_facts_are_not_said() -> None:
    rules = {"s": "a [{size} ]bird|a {crown} crown"}
    assert set(sentences(rules, {"size": "big|huge"})) == {"a bird", "a big bird", "a huge bird"}


def test_no_fact_is_said_twice() -> None:
    rules = {"s": "{d} and {d}", "d": "{wing} wings|{beak} beak"}
    assert set(sentences(rules, {"wing": "red", "beak": "blue"})) == {
        "red wings and blue beak",
        "blue beak and red wings",
    }


def test_a_dropped_alternative_takes_back_what_it_said() -> None:
    rules = {"s": "9*{body} {missing}|the {body} one"}
    assert set(sentences(rules, {"body": "red"})) == {"the red one"}


def test_a_fact_without_text_is_a_topic_that_comes_up_once() -> None:
    facts = {"_size": "", "size": "{_size}small", "bulk": "{_size}big", "colour": "red"}
    rules = {"s": "a ({size}|{bulk}) bird, {d}", "d": "it is (9*{size}|9*{bulk}|{colour})"}
    assert set(sentences(rules, facts)) == {"a small bird, it is red", "a big bird, it is red"}


def test_a_sentence_tells_what_the_words_in_it_tell() -> None:
    rules = {"s": "a [{size} ]{bird}[ {missing}]|9*{bird} <colour>{missing}", "bird": "<kind>owl|bird"}
    grammar, rng = Grammar(rules), np.random.default_rng(0)
    found = {grammar.sentence("s", {"size": telling("size", "big|huge")}, rng) for _ in range(200)}
    assert found == {
        ("an owl", frozenset({"kind"})),
        ("a bird", frozenset()),
        *((f"a {size} owl", frozenset({"size", "kind"})) for size in ("big", "huge")),
        *((f"a {size} bird", frozenset({"size"})) for size in ("big", "huge")),
    }


def test_facts_that_allow_no_sentence_are_reported() -> None:
    with pytest.raises(LookupError, match="size"):
        Grammar({"s": "{colour}"}).sentence("s", {"size": "big"}, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("raw", "right"),
    [
        ("a  orange bird", "an orange bird"),
        ("it has a orange beak , a eye", "it has an orange beak, an eye"),
        ("an owl and a bird", "an owl and a bird"),
        ("a bird . it sings", "a bird. it sings"),
    ],
)
def test_articles_and_blanks(raw: str, right: str) -> None:
    assert polish(raw) == right


def test_sentences_differ_by_more_than_their_punctuation() -> None:
    grammar = Grammar({"s": "(one|two|three|four)"})
    found = grammar.sentences(("s",) * 4, {}, np.random.default_rng(0))
    assert {sentence.text.lower().rstrip(".") for sentence in found} == {"one", "two", "three", "four"}

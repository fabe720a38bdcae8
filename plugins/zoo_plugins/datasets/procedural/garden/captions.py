"""What people might write below a flower of the garden.

Left and right are never said: training mirrors images at random. Words tell an attribute (`telling`, and
<name> in a rule) where they go with its value and with no other.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from zoo_plugins.datasets.procedural.grammar import Grammar, Sentence, telling

CAPTIONS = 10
_STARTS = ("caption",) * (CAPTIONS - 1) + ("glimpse",)  # the last one leaves the petals' colour unsaid

_GRAMMAR = Grammar(
    {
        "caption": """
            5*(3*this|the) {one} has {coat}[3* {and} {detail}|, {detail} and {detail}]
            |4*a [2*{looks} ]{hue} {one} {has} {details}
            |3*a [2*{looks} ]{hue} {one} {scene}
            |2*a [{looks} ]{one} with {coat}[2* {and} {detail}][, {scene}]
            |3*this [{looks} ]{one} is {hue}( and has | with |, with ){details}
            |2*the {petals} of this {one} are (2*{hue}|{shape} and {hue})[3* and {state}|, {state}]
            |2*[a ][{looks} ]{hue} {one}(2* with |, ){details}[, {scene}]
            |{detail} and {coat} on a [{looks} ]{one}
            |2*a {one} that is {hue} and has {details}
            |2*{scene}, a [{looks} ]{hue} {one}[2* with {detail}]
            |this {one} has {hue} {petals}, {state}
            |5*{group} [2*{looks} ]{hue} {many}[3* with {details}]
            |3*{group} {many} with {coat}[2* {and} {detail}][, {scene}]
            |3*{group} [{looks} ]{hue} {many}[2*,] {scene}
            |2*these {many} (have {coat}|are {hue})[3* and have {detail}][, {scene}]
            |2*this plant has {group} [{looks} ]{hue} {many}[2* with {detail}]
            |the {many} are {hue}[ and {looks}], {state}
            |2*[2*{looks} ]{hue} {many} growing (3*{group2}|{place})[ with {detail}]
            |{scene}, {group} {hue} {many} with {details}
        """,
        "glimpse": """
            3*a [3*{looks} ]{one} with {details}[, {scene}]
            |2*this {one} has {details}
            |2*a [2*{looks} ]{one} {scene}[2*, {detail}]
            |3*{group} [2*{looks} ]{many} with {details}[, {scene}]
            |2*these {many} have {details}
            |{group} [2*{looks} ]{many} {scene}
        """,
        "one": "{flower}",
        "many": "{flowers}",
        "and": "3*and|along with",
        "has": "4*with|that has|which has",
        "looks": "4*{size}|3*{form}|{layered}|pretty|beautiful|bright|{tilted}",
        "coat": """
            5*[2*{count} ][2*{shape} ]{hue} {petals}|3*{count} {hue} {petals}[ that are {shape}]
            |2*{hue} {petals} that are {shape}|2*{petals} that are {hue}[ and {shape}]
            |2*{layered} {hue} {petals}
            |3*{hue} {petals} {marks}|{count} {petals} that are {hue} {marks}
            |2*[{shape} ]{petals} in {hue}
        """,
        "marks": """
            3*with {tips} (3*tips|edges)|edged in {tips}|with {tips} on the (edges|tips)
            |3*with a {throat} base|that (are|turn) {throat} (near|towards|at) the (2*{middle}|base)
            |3*with {stripes} (3*stripes|lines|veins)|striped with {stripes}
            |marked with {stripes} (lines|stripes)
        """,
        "details": "5*{detail} and {detail}|{detail}, {detail} and {detail}|5*{detail}|{detail}, {detail}",
        "detail": """
            6*a [2*{large} ]{centre} {middle}|2*a {middle} that is {centre}|{centre} in the {middle}
            |3*{stamens} (4*stamens|filaments)|2*[long ]stamens that are {stamens}
            |4*a {trumpet} (3*trumpet|tube|cup) in the {middle}|2*a {trumpet} trumpet-shaped {middle}
            |3*[{count} ]{shape} {petals}|2*{count} {petals}|2*{layered} {petals}
            |2*{petals} {marks}
            |3*{leaf} [2*green ]leaves|2*a {stem} stem|a {stem} stem and {leaf} leaves
        """,
        "state": """
            2*the {middle} is [{large} and ]{centre}|2*the stamens are {stamens}|the trumpet is {trumpet}
            |2*the leaves are {leaf}|2*the stem is {stem}|the tips are {tips}|the base is {throat}
            |the {petals} are {shape}|{guest} sits on top
        """,
        "scene": "7*{place}|2*{tilted2}|5*{guest2}",
    }
)

_COLOURS = {
    "purple": "5*purple|violet",
    "lilac": "3*lilac|2*lavender|light purple",
    "brown": "4*brown|dark brown",
}
_COUNTS = {"4": "four", "5": "five", "6": "six", "8": "eight", "many": "5*many|lots of|numerous"}
_SIZES = {"small": "4*small|2*little|tiny", "large": "3*large|2*big"}
_SHAPES = {
    "round": "3*rounded|round|oval",
    "pointed": "4*pointed|pointy|sharp",
    "narrow": "3*thin|2*narrow|slender",
    "heart": "3*heart shaped|notched",
    "ruffled": "3*ruffled|2*wavy|frilly",
}
_FORMS = {"cup": "2*cup shaped|2*tulip shaped|tulip like", "bell": "3*bell shaped|2*hanging|drooping"}
_LEAVES = {
    "narrow": "2*long thin|2*grass like|narrow",
    "broad": "3*broad|2*wide|big",
    "feathery": "2*feathery|2*fern like|fine",
}
_PLACES = {
    "leaves": "3*<background>in front of leaves|in the garden|<background>in front of green foliage",
    "sky": "2*against the sky|under a cloudy sky|in front of the sky",
    "evening": "2*in the evening|at dusk|at sunset",
    "meadow": "2*in the grass|2*in a (meadow|field)",
    "snow": "2*in the snow|in winter|on a snowy day",
    "dark": "3*on a (2*black|dark) background|2*in the dark|at night",
    "wall": "2*in front of a (3*|stone |brick )wall|2*by a wall",
    "vase": "2*in a [2*glass ]vase|in a vase on a table",
}
_CLUSTERS = {
    "cluster": "3*<arrangement>a cluster of|2*<arrangement>a bunch of|several|<arrangement>a group of",
    "spike": "2*<arrangement>a spike of|2*<arrangement>a tall stem of|2*<arrangement>a stalk of|many small",
    "2": "4*two|a pair of",
    "3": "three",
}
_VISITORS = {"bee": "2*a bee|a small bee", "butterfly": "a [orange ]butterfly"}


_MARKS = {"edged": "tips", "throat": "throat", "striped": "stripes"}  # facts of each pattern
_WORDS = {  # facts that one value of an attribute gives, in words of their own
    ("layers", "several"): {"layered": "3*layered|2*many layered|double"},
    ("view", "tilted"): {"tilted": "tilted", "tilted2": "2*seen from the side|seen at an angle"},
    ("blooms", "1"): {"flower": "7*flower|2*bloom|blossom"},
}
_ALONG = {"cluster": "in a cluster|close together", "spike": "along a tall stem"}


def _facts(attributes: Mapping[str, str]) -> dict[str, str]:
    """What can be said of an image."""
    facts = {
        "petals": "9*petals",
        "shape": telling("petal_shape", _SHAPES[attributes["petal_shape"]]),
        "leaf": telling("leaves", _LEAVES[attributes["leaves"]]),
        "place": _place(attributes),
    }
    for attribute, words in (("form", _FORMS), ("size", _SIZES)):
        if attributes[attribute] in words:
            facts[attribute] = telling(attribute, words[attributes[attribute]])
    for (attribute, value), phrases in _WORDS.items():
        if attributes[attribute] == value:
            facts |= {name: telling(attribute, words) for name, words in phrases.items()}
    easily_counted = attributes["arrangement"] != "spike" and attributes["layers"] == "single"
    if attributes["petals"] in _COUNTS and easily_counted:
        facts["count"] = telling("petals", _COUNTS[attributes["petals"]])
    if attributes["visitor"] != "none":
        guest = telling("visitor", _VISITORS[attributes["visitor"]])
        facts |= {"guest": guest, "guest2": f"with ({guest}) on top|visited by ({guest})"}
    return facts | _colours(attributes) | _centre(attributes) | _group(attributes)


def _colour(attributes: Mapping[str, str], attribute: str) -> str:
    value = attributes[attribute]
    return telling(attribute, _COLOURS.get(value, value))


def _colours(attributes: Mapping[str, str]) -> dict[str, str]:
    """The petals, their marks, and the stem."""
    facts = {"hue": _colour(attributes, "petal")}
    if attributes["pattern"] != "plain":
        facts[_MARKS[attributes["pattern"]]] = telling("pattern", _colour(attributes, "accent"))
    if attributes["stem"] != "hidden":
        facts["stem"] = _colour(attributes, "stem")
    return facts


def _centre(attributes: Mapping[str, str]) -> dict[str, str]:
    kind = attributes["centre_kind"]
    if kind == "hidden":
        return {}
    facts = {"middle": "4*center|centre|middle"}
    colour = _colour(attributes, "centre")
    if kind != "disc":
        return facts | {kind: telling("centre_kind", colour)}
    if attributes["centre_size"] == "large":
        facts["large"] = telling("centre_size", "3*large|2*big")
    return facts | {"centre": colour}


def _group(attributes: Mapping[str, str]) -> dict[str, str]:
    """Several blooms, and how they stand together."""
    blooms, arrangement = attributes["blooms"], attributes["arrangement"]
    if blooms == "1":
        return {}
    many = _CLUSTERS[arrangement if blooms == "many" else blooms]
    facts = {"group": telling("blooms", many), "flowers": "7*flowers|2*blooms|blossoms"}
    if blooms == "many":
        facts["group2"] = telling("blooms", telling("arrangement", _ALONG[arrangement]))
    return facts


def _place(attributes: Mapping[str, str]) -> str:
    pot, background = attributes["pot"], attributes["background"]
    if pot == "none":
        place = _PLACES[background]
        return place if background == "leaves" else telling("background", place)
    clay = telling("pot", {"orange": "3*orange|clay|terracotta"}.get(pot, pot))
    return telling("background", f"3*in a ({clay}) pot|2*in a pot|planted in a ({clay}) pot")


def captions(attributes: Mapping[str, str], rng: np.random.Generator) -> tuple[Sentence, ...]:
    """Ten distinct captions; all but the last name the petals' colour."""
    return _GRAMMAR.sentences(_STARTS, _facts(attributes), rng)

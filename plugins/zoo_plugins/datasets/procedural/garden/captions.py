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


def _facts(attributes: Mapping[str, str]) -> dict[str, str]:
    """What can be said of an image."""
    pattern, arrangement = attributes["pattern"], attributes["arrangement"]
    kind, background = attributes["centre_kind"], attributes["background"]
    colours = {"hue": "petal"}  # facts and their attributes
    if pattern != "plain":
        colours[{"edged": "tips", "throat": "throat", "striped": "stripes"}[pattern]] = "accent"
    if kind != "hidden":
        colours[{"disc": "centre"}.get(kind, kind)] = "centre"
    if attributes["stem"] != "hidden":
        colours["stem"] = "stem"
    facts = {}
    for name, attribute in colours.items():
        facts[name] = telling(attribute, _COLOURS.get(attributes[attribute], attributes[attribute]))
        if attribute == "accent":
            facts[name] = telling("pattern", facts[name])
        elif name in ("stamens", "trumpet"):
            facts[name] = telling("centre_kind", facts[name])
    facts |= {
        "petals": "9*petals",
        "shape": telling("petal_shape", _SHAPES[attributes["petal_shape"]]),
        "leaf": telling("leaves", _LEAVES[attributes["leaves"]]),
    }
    if kind != "hidden":
        facts["middle"] = "4*center|centre|middle"
    if kind == "disc" and attributes["centre_size"] == "large":
        facts["large"] = telling("centre_size", "3*large|2*big")
    if attributes["petals"] in _COUNTS and arrangement != "spike" and attributes["layers"] == "single":
        facts["count"] = telling("petals", _COUNTS[attributes["petals"]])
    if attributes["layers"] == "several":
        facts["layered"] = telling("layers", "3*layered|2*many layered|double")
    if attributes["form"] in _FORMS:
        facts["form"] = telling("form", _FORMS[attributes["form"]])
    if attributes["size"] in _SIZES:
        facts["size"] = telling("size", _SIZES[attributes["size"]])
    if attributes["view"] == "tilted":
        seen = "2*seen from the side|seen at an angle"
        facts |= {"tilted": telling("view", "tilted"), "tilted2": telling("view", seen)}
    if attributes["blooms"] == "1":
        facts["flower"] = telling("blooms", "7*flower|2*bloom|blossom")
    else:
        many = arrangement if attributes["blooms"] == "many" else attributes["blooms"]
        facts |= {"group": telling("blooms", _CLUSTERS[many]), "flowers": "7*flowers|2*blooms|blossoms"}
        if attributes["blooms"] == "many":
            place = {"cluster": "in a cluster|close together", "spike": "along a tall stem"}[arrangement]
            facts["group2"] = telling("blooms", telling("arrangement", place))
    pot = attributes["pot"]
    if pot == "none":
        facts["place"] = _PLACES[background]
        if background != "leaves":
            facts["place"] = telling("background", facts["place"])
    else:
        clay = telling("pot", {"orange": "3*orange|clay|terracotta"}.get(pot, pot))
        place = f"3*in a ({clay}) pot|2*in a pot|planted in a ({clay}) pot"
        facts["place"] = telling("background", place)
    if attributes["visitor"] != "none":
        guest = telling("visitor", _VISITORS[attributes["visitor"]])
        facts |= {"guest": guest, "guest2": f"with ({guest}) on top|visited by ({guest})"}
    return facts


def captions(attributes: Mapping[str, str], rng: np.random.Generator) -> tuple[Sentence, ...]:
    """Ten distinct captions; all but the last name the petals' colour."""
    return _GRAMMAR.sentences(_STARTS, _facts(attributes), rng)

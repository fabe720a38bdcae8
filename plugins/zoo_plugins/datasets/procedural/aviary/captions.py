"""What people might write below a bird of the aviary.

Left and right are never said: training mirrors images at random. Words tell an attribute (`telling`, and
<name> in a rule) where they go with its value and with no other.
What is said of the legs tells nothing: no attribute is theirs.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from zoo_plugins.datasets.procedural.grammar import Grammar, Sentence, telling

CAPTIONS = 10
_STARTS = ("caption",) * (CAPTIONS - 1) + ("glimpse",)  # the last one leaves the body's colour unsaid

_GRAMMAR = Grammar(
    {
        "caption": """
            6*a [2*{looks} ]{body} {bird} {has} {details}
            |3*a [2*{looks} ]{body} {bird} {doing} {has} {detail}
            |4*this [{looks} ]{body} {bird} has {details}[ and is {doing}]
            |4*this (2*{bird}|one) is {shade}(2* and has | with |, with ){details}
            |3*the ({bird}|{looks} bird) is {shade}(2* and has | with |, with ){details}
            |3*a [{looks} ]{bird} with (2*a {body} body|{body} feathers|{body} plumage){more}
            |2*this {bird} has (2*a {body} body|{body} feathers){more}
            |3*a [2*{looks} ]{body} {bird} (2*{doing} {place}|{doing}|{place})
            |2*a [{looks} ]{body} {bird} {doing}, {state}
            |3*[2*{looks} ]{body} {bird}(2* with |, ){details}[, {place}]
            |2*with {detail}, this {bird} is {shade}
            |2*the {bird} is covered in {body} feathers and has {details}
            |2*a {bird} {doing}[ {place}], {shade} with {detail}
            |2*{place}, a [{looks} ]{body} {bird}(2* is {doing}| with {details})
            |2*the [{looks} ]{body} {bird} has {details}
            |2*this [{looks} ]{bird} is {shade}, {state}
            |{state}, and its body is {body}
        """,
        "glimpse": """
            3*a {looks} {bird}[ {doing}] {has} {details}
            |3*this [{looks} ]{bird} has {details}[ and is {doing}]
            |2*a [{looks} ]{bird} {doing} {place}
            |2*the {bird} has {details}
            |a {bird} {place}, {state}
        """,
        "bird": "9*bird|songbird",
        "has": "4*with|that has|which has",
        "looks": "4*{size}|3*{build}|2*{size} {build}|pretty|cute|{crested}",
        "shade": "3*{body}|3*mostly {body}|{body} in color|mainly {body}|almost entirely {body}",
        "details": "4*{detail} and {detail}|2*{detail}, {detail} and {detail}|4*{detail}|{detail}, {detail}",
        "more": "2* and {detail}|, {detail} and {detail}",
        "detail": """
            4*a {beak} {bill}|3*a {shape} {bill}|3*a {shape} {beak} {bill}
            |2*a {bill} that is {shape} and {beak}
            |5*a {belly} {breast}|6*{wing} (4*wings|feathers on its wings|wing feathers)
            |2*a {bar} {stripe} on its (2*wings|wing)|{wing} wings with a {bar} {stripe}
            |4*a {crown} {cap}|{crown} on (top of its|the) head|3*a [2*{crest} ]{tuft}|3*a {tail} tail
            |2*a {ring} ring around (its|the) eye|{legs} (2*legs|feet)
        """,
        "state": """
            2*its {bill} is (2*{beak}|{shape}|{shape} and {beak})
            |2*its wings are {wing}|2*its {breast} is {belly}|its {cap} is {crown}|its tail is {tail}
        """,
    }
)

_PARTS = {  # facts, so that a caption speaks of each part once
    "bill": "3*beak|2*bill",
    "breast": "4*belly|2*breast|underside|chest",
    "cap": "3*crown|2*cap|head",
    "stripe": "2*bar|2*stripe|band",
}
_COLOURS = {"grey": "3*grey|2*gray", "purple": "5*purple|violet"}  # the others have one word
_SIZES = {"small": "4*small|2*little|tiny", "large": "3*large|2*big"}
_BUILDS = {"plump": "2*plump|2*round|chubby", "slender": "2*slender|slim"}
_BEAK_SHAPES = {
    "short": "3*short|stubby",
    "long": "3*long|pointed",
    "hooked": "2*hooked|curved",
    "thin": "3*thin|narrow",
}
_POSES = {
    "perched": "(2*sitting|2*perched|perching|resting)[2* on a (3*branch|twig)]",
    "singing": "(3*singing|calling)[ on a branch]",
    "standing": "2*standing[ on the ground]|walking",
    "pecking": "pecking[ at the ground]|looking for food|feeding on the ground",
    "flying": "3*flying|in flight|flapping its wings",
    "swimming": "2*swimming|floating",
}
_PLACES = {
    "leaves": "in front of leaves|near (some|the) trees|in the forest",
    "sky": "against the sky|under a cloudy sky|on a cloudy day",
    "evening": "2*in the evening|at dusk|at sunset",
    "meadow": "2*in the grass|in a (meadow|field)",
    "snow": "2*in the snow|in winter|on a snowy day",
    "water": "2*on the water|on a (lake|pond)",
}


def _facts(attributes: Mapping[str, str]) -> dict[str, str]:
    """What can be said of a bird: nothing of parts that look like the body, nor of what it does not have."""
    body, crown, crested = attributes["body"], attributes["crown"], attributes["crest"] == "yes"
    colours = {  # a fact, its attribute, its colour
        ("body", "body"): body,
        ("wing", "wing"): attributes["wing"],
        ("belly", "belly"): attributes["belly"] if attributes["belly"] != body else "none",
        ("crown", "crown"): crown if crown != body else "none",
        ("crest", "crown"): crown if crested else "none",
        ("beak", "beak"): attributes["beak"],
        ("ring", "eye_ring"): attributes["eye_ring"],
        ("bar", "wing_bar"): attributes["wing_bar"],
    }
    facts = {
        name: telling(attribute, _COLOURS.get(colour, colour))
        for (name, attribute), colour in colours.items()
        if colour != "none"
    }
    facts |= _PARTS | {
        "build": telling("build", _BUILDS[attributes["build"]]),
        "shape": telling("beak_shape", _BEAK_SHAPES[attributes["beak_shape"]]),
        "tail": telling("tail", attributes["tail"]),
        "doing": telling("pose", _POSES[attributes["pose"]]),
        "place": telling("background", _PLACES[attributes["background"]]),
    }
    if attributes["pose"] not in ("flying", "swimming"):
        facts["legs"] = _COLOURS.get(attributes["beak"], attributes["beak"])
    if attributes["size"] in _SIZES:
        facts["size"] = telling("size", _SIZES[attributes["size"]])
    if crested:
        tuft = "3*crest|tuft of feathers on its head"
        facts |= {"crested": telling("crest", "crested"), "tuft": telling("crest", tuft)}
    return facts


def captions(attributes: Mapping[str, str], rng: np.random.Generator) -> tuple[Sentence, ...]:
    """Ten distinct captions; all but the last name the body's colour."""
    return _GRAMMAR.sentences(_STARTS, _facts(attributes), rng)

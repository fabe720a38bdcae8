"""How people might describe a portrait, mostly in two clauses or more, as the descriptions of Face2Text are.

Left and right are never said: training mirrors pictures at random.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from zoo_plugins.datasets.grammar import Grammar
from zoo_plugins.datasets.portraits_people import LENGTHS

CAPTIONS = 10
_STARTS = ("caption",) * 7 + ("pair",) * 2 + ("glimpse",)  # the last one leaves the face's features unsaid

_RULES = {
    "caption": """
        5*{somebody} with {traits}, {doing}[ and {doing}]
        |4*{somebody} with {traits}[2* and {trait}], {wearing}
        |3*{somebody} {wearing}, with {traits}
        |4*(3*this|the) {noun} has {traits}(3* and {mood}|, {he} {wears}|2* and {wears})
        |3*{somebody}, {doing}, with {traits}
        |2*{somebody} who has {traits} and {mood}
        |2*this is {somebody} with {traits}[2*, {doing}]
        |3*[2*{looks} ]{noun} with {traits}, {doing}
        |2*the [{looks} ]{noun} {mood}, {he} has {traits}
        |2*with {his} {bare}, this {noun} {mood}
        |2*{somebody} with {traits} {place}
        |{place}, {somebody} with {traits}
        |2*a {noun} who {mood}, {wearing} and with {trait}
        |2*{his} {feature} and {he} {mood}
    """,
    "pair": """
        4*{somebody} with {traits}. {he} {mood}[ and {wears}]
        |3*(this|the) {noun} has {traits}. {he} {wears}[ and {mood}]
        |3*the {noun} has {traits}. {his} {feature}
        |2*{somebody} {wearing}. {he} has {traits}
        |2*a picture of {somebody} {place}. {he} has {traits}
        |2*{he} has {traits} and {mood}. {he} {wears}
        |2*a {noun}, {doing}. {his} {feature} and {he} has {trait}
    """,
    "glimpse": """
        3*{somebody} {wearing}[2*, {doing}][, {place}]
        |3*this {noun} {wears} and {mood}
        |2*{somebody}, {doing}, {wearing}
        |2*a {noun} {place}, {wearing}
    """,
    "somebody": "a [3*{looks} ]{noun}",
    "looks": "5*{age}|2*{skinned}|2*{moody}",
    "traits": "5*{trait} and {trait}|3*{trait}, {trait} and {trait}|3*{trait}",
    "trait": """
        8*{hair}|3*{fringe}|5*{beard}|5*{eyes} eyes|3*{spectacles}|3*{earrings}|2*{skin} skin|3*{freckles}
        |2*{wrinkles}|a {nose} nose|2*{brows} eyebrows|a {face} face|2*{lips} lips
    """,
    "bare": "5*{some_hair}|3*{eyes} eyes|{skin} skin",
    "feature": """
        3*eyes are {eyes}|4*hair is {hair_is}|2*skin is {skin}|face is {face}|nose is {nose}|lips are {lips}
        |2*{shirt} is {shirt_is}|2*{cap} is {cap_is}
    """,
    "doing": "6*{mood_ing}|2*{gaze_ing}|2*{tilt}|3*{wearing}",
    "mood": "5*{mood_is}|{gaze_is}|{wears}",
    "wearing": """
        5*(4*wearing|2*dressed in|in) {clothes}[ and {over}]|2*(2*wearing|with) {over}
        |2*wearing {over} and {clothes}
    """,
    "wears": """
        5*(4*is wearing|2*wears|is dressed in) {clothes}[ and {over}]|2*(is wearing|wears) {over}
        |wears {over} and {clothes}
    """,
    "over": "4*{hat}|3*{spectacles}|2*{lipstick}|{earrings}",
}
_GRAMMARS = {
    "woman": Grammar(_RULES | {"he": "she", "his": "her", "noun": "6*woman|2*lady|female"}),
    "man": Grammar(_RULES | {"he": "he", "his": "his", "noun": "6*man|2*guy|male"}),
}

_HAIRS = {"blonde": "3*blonde|blond", "red": "3*red|2*ginger", "grey": "2*grey|2*gray"}
_STYLES = {
    "short": "[4*short ]({c}) hair|({c}) short hair",
    "spiky": "[short ](2*spiky|spiked) ({c}) hair",
    "parted": "[short ]({c}) hair(2*| with a side parting| parted on one side)",
    "curly": "[2*short ]curly ({c}) hair|[short ]({c}) curls",
    "afro": "a [big ]({c}) afro|[big ]curly ({c}) hair",
    "bob": "a ({c}) bob|[2*chin length |medium length ]({c}) hair",
    "bun": "({c}) hair in a bun|a ({c}) bun|({c}) hair tied up",
    "ponytail": "({c}) hair in a ponytail|a [long ]({c}) ponytail",
    "braids": "({c}) (2*braids|braided hair)|long ({c}) braids|({c}) hair in two braids",
    "long": "[4*long ][straight ]({c}) hair|({c}) hair that is long",
    "wavy": "[3*long ]wavy ({c}) hair|long ({c}) hair",
}
_BEARDS = {
    "stubble": "3*stubble|a stubbly beard|some stubble",
    "moustache": "a [({c}) ](3*moustache|mustache)",
    "goatee": "a [({c}) ]goatee",
    "full": "a [full |thick |({c}) ]beard|a full ({c}) beard",
}
_MOODS = {  # before a noun, after a comma, after a pronoun
    "smiling": (
        "3*smiling|happy",
        "4*smiling|with a smile|looking happy",
        "3*is smiling|smiles|looks happy|has a smile",
    ),
    "laughing": (
        "3*laughing|happy",
        "3*laughing|2*showing ({his}|some) teeth|with a big smile",
        "3*is laughing|laughs|is showing (some|{his}) teeth|has a big smile",
    ),
    "serious": (
        "2*serious|serious looking",
        "3*looking serious|with a serious (look|expression)|not smiling",
        "2*looks serious|has a serious expression|is not smiling",
    ),
    "sad": (
        "2*sad|unhappy",
        "2*looking sad|frowning|with a sad look",
        "2*looks sad|is frowning|looks unhappy",
    ),
    "surprised": (
        "surprised",
        "3*looking surprised|with an open mouth|with a surprised look",
        "2*looks surprised|has an open mouth",
    ),
}
_GAZES = {
    "front": ("2*looking at the camera|looking straight ahead", "looks at the camera|is facing the camera"),
    "side": ("2*looking to the side|looking away", "looks to the side|is looking away"),
}
_PLACES = {
    "leaves": "2*in front of (some |)trees|outdoors|in a park",
    "sky": "2*in front of the sky|against a cloudy sky|under a cloudy sky",
    "books": "2*in front of (a bookshelf|bookshelves)|in a library",
    "bricks": "2*in front of a (brick|stone) wall|by a wall",
}
_CLOTHES = {  # with the noun that stands for them alone
    "t-shirt": ("a ({c}) (3*t-shirt|shirt|top)", "t-shirt|shirt|top"),
    "striped shirt": ("a striped ({c}) (2*shirt|t-shirt|top)|a ({c}) shirt with stripes", "striped shirt"),
    "shirt": ("3*a ({c}) shirt|a ({c}) (shirt with a collar|collared shirt)", "shirt"),
    "suit": ("3*a ({c}) (3*suit|jacket)", "suit|jacket"),
    "hoodie": ("a ({c}) (3*hoodie|sweatshirt)", "hoodie|sweatshirt"),
    "turtleneck": ("a ({c}) (2*turtleneck|sweater)", "turtleneck|sweater"),
}
_HATS = {
    "cap": ("a ({c}) (3*cap|baseball cap)", "cap"),
    "beanie": ("a ({c}) (3*beanie|woolly hat)", "beanie|hat"),
    "sun hat": ("a ({c}) (3*hat|sun hat)", "hat"),
}
_SKINS = {"pale": "3*pale|fair", "light": "2*light|fair", "tan": "2*tan|tanned"}
_SKINNED = {"pale": "pale|fair skinned", "light": "light skinned", "tan": "tanned|tan skinned"}
_AGES = {"young": "young", "middle": "middle aged", "old": "3*old|2*elderly|older"}


def _hair_facts(attributes: Mapping[str, str]) -> dict[str, str]:
    """Hair and beard."""
    colour, style = _HAIRS.get(attributes["hair"], attributes["hair"]), attributes["style"]
    facts = {}
    if attributes["beard"] != "none":
        facts["beard"] = _BEARDS[attributes["beard"]].format(c=colour)
    if style == "bald":
        return facts | {"hair": "3*a bald head|no hair", "some_hair": "bald head"}
    if style == "hidden":
        return facts
    length = LENGTHS[style] if LENGTHS[style] in ("short", "long") else ""
    facts |= {
        "hair": "{_hair}" + f"({_STYLES[style].format(c=colour)})",
        "hair_is": "{_hair}" + f"(2*({colour})" + (f"|{length} and ({colour})" if length else "") + ")",
        "some_hair": "{_hair}" + f"[{length} ]({colour}) hair",
    }
    if attributes["fringe"] == "yes":
        facts["fringe"] = "2*bangs|a fringe"
    return facts


def _worn_facts(attributes: Mapping[str, str]) -> dict[str, str]:
    """Clothes and what is worn with them."""
    colour = {"grey": "2*grey|gray"}.get(attributes["clothes_colour"], attributes["clothes_colour"])
    phrase, noun = (text.format(c=colour) for text in _CLOTHES[attributes["clothes"]])
    if attributes["tie"] != "none":
        phrase += f"|({phrase}) and a {attributes['tie']} tie"
    facts = {"clothes": "{_clothes}" + f"({phrase})", "shirt": "{_clothes}" + f"({noun})", "shirt_is": colour}
    if attributes["hat"] != "none":
        colour = {"grey": "2*grey|gray"}.get(attributes["hat_colour"], attributes["hat_colour"])
        phrase, noun = (text.format(c=colour) for text in _HATS[attributes["hat"]])
        facts |= {"hat": "{_hat}" + f"(3*{phrase}|a hat)", "cap": "{_hat}" + f"({noun})", "cap_is": colour}
    if attributes["glasses"] == "sunglasses":
        facts["spectacles"] = "3*sunglasses|dark glasses"
    elif attributes["glasses"] != "none":
        frame, form = attributes["frame"], attributes["glasses"]
        facts["spectacles"] = (
            f"3*glasses|{frame} glasses|glasses with {frame} frames|[{form} ][{frame} ]glasses"
        )
    if attributes["earrings"] != "none":
        metal = {"gold": "2*gold|golden"}.get(attributes["earrings"], attributes["earrings"])
        facts["earrings"] = f"2*earrings|2*({metal}) earrings|[({metal}) ]hoop earrings"
    if attributes["lipstick"] != "none":
        facts |= {"lipstick": f"{{_lips}}{attributes['lipstick']} lipstick"}
    return facts


def _facts(attributes: Mapping[str, str]) -> dict[str, str]:
    """What can be said of a picture.

    A fact whose text is empty is a topic. The phrasings of one topic name it, so that it comes up once.
    """
    before, comma, after = _MOODS[attributes["expression"]]
    gaze_ing, gaze_is = _GAZES[attributes["turn"]]
    skin = attributes["skin"]
    facts = dict.fromkeys(("_hair", "_clothes", "_hat", "_lips", "_mood", "_gaze", "_skin"), "")
    facts |= _hair_facts(attributes) | _worn_facts(attributes)
    facts |= {
        "age": _AGES[attributes["age"]],
        "skin": "{_skin}" + f"({_SKINS.get(skin, skin)})",
        "skinned": "{_skin}" + f"({_SKINNED.get(skin, skin + ' skinned')})",
        "moody": "{_mood}" + f"({before})",
        "mood_ing": "{_mood}" + f"({comma})",
        "mood_is": "{_mood}" + f"({after})",
        "gaze_ing": "{_gaze}" + f"({gaze_ing})",
        "gaze_is": "{_gaze}" + f"({gaze_is})",
        "nose": {"broad": "2*wide|broad"}.get(attributes["nose"], attributes["nose"]),
        "face": {"long": "2*long|narrow"}.get(attributes["face"], attributes["face"]),
    }
    background = attributes["background"]
    colour = {"grey": "2*grey|gray"}.get(background, background)
    wall = f"2*in front of a ({colour}) (wall|background)|against a ({colour}) (2*background|wall)"
    facts["place"] = _PLACES.get(background, wall)
    if attributes["eyes"] != "hidden":
        facts["eyes"] = {"grey": "grey|gray"}.get(attributes["eyes"], attributes["eyes"])
    if attributes["brows"] != "hidden":
        facts["brows"] = {"thick": "3*thick|bushy"}.get(attributes["brows"], attributes["brows"])
    if attributes["lipstick"] != "none":
        facts["lips"] = "{_lips}" + attributes["lipstick"]
    elif attributes["expression"] in ("smiling", "serious", "sad"):
        facts["lips"] = attributes["lips"]
    if attributes["freckles"] == "yes":
        facts["freckles"] = "2*freckles|a freckled face"
    if attributes["age"] == "old":
        facts["wrinkles"] = "3*wrinkles|a wrinkled face"
    if attributes["tilt"] == "tilted":
        facts["tilt"] = "with {his} head tilted|tilting {his} head"
    return facts


def captions(attributes: Mapping[str, str], rng: np.random.Generator) -> tuple[str, ...]:
    """Ten distinct descriptions; where the first sentence has a capital letter, the second one has it too."""
    found = _GRAMMARS[attributes["gender"]].sentences(_STARTS, _facts(attributes), rng)
    return tuple(
        re.sub(r"(?<=\. )\w", lambda first: first[0].upper(), caption) if caption[0].isupper() else caption
        for caption in found
    )

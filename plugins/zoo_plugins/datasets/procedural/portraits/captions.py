"""How people might describe a portrait, mostly in two clauses or more, as the descriptions of Face2Text are.

Left and right are never said: training mirrors images at random. Words tell an attribute (`telling`, and
<name> in a rule) where they go with its value and with no other.
So "short hair" tells no style, since many are short.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from zoo_plugins.datasets.procedural.grammar import Grammar, Sentence, telling
from zoo_plugins.datasets.procedural.portraits.people import LENGTHS

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
    "woman": Grammar(
        _RULES | {"he": "<gender>she", "his": "<gender>her", "noun": "<gender>(6*woman|2*lady|female)"}
    ),
    "man": Grammar(_RULES | {"he": "<gender>he", "his": "<gender>his", "noun": "<gender>(6*man|2*guy|male)"}),
}

_HAIRS = {"blonde": "3*blonde|blond", "red": "3*red|2*ginger", "grey": "2*grey|2*gray"}
_STYLES = {
    "short": "[4*short ]({c}) hair|({c}) short hair",
    "spiky": "<style>[short ](2*spiky|spiked) ({c}) hair",
    "parted": "[short ]({c}) hair(2*|<style> with a side parting|<style> parted on one side)",
    "curly": "[2*<style>short ]curly ({c}) hair|<style>[short ]({c}) curls",
    "afro": "<style>a [big ]({c}) afro|[<style>big ]curly ({c}) hair",
    "bob": "<style>a ({c}) bob|[2*<style>chin length |<style>medium length ]({c}) hair",
    "bun": "<style>({c}) hair in a bun|<style>a ({c}) bun|({c}) hair tied up",
    "ponytail": "<style>(({c}) hair in a ponytail|a [long ]({c}) ponytail)",
    "braids": "<style>(({c}) (2*braids|braided hair)|long ({c}) braids|({c}) hair in two braids)",
    "long": "[4*long ][<style>straight ]({c}) hair|({c}) hair that is long",
    "wavy": "<style>[3*long ]wavy ({c}) hair|long ({c}) hair",
}
_BEARDS = {
    "stubble": "3*<beard>stubble|<beard>a stubbly beard|<beard>some stubble",
    "moustache": "<beard>a [({c}) ](3*moustache|mustache)",
    "goatee": "<beard>a [({c}) ]goatee",
    "full": "a [<beard>full |<beard>thick |({c}) ]beard|<beard>a full ({c}) beard",
}
_MOODS = {  # before a noun, after a comma, after a pronoun
    "smiling": (
        "3*<expression>smiling|happy",
        "4*<expression>smiling|<expression>with a smile|looking happy",
        "3*<expression>is smiling|<expression>smiles|looks happy|<expression>has a smile",
    ),
    "laughing": (
        "3*<expression>laughing|happy",
        "<expression>(3*laughing|2*showing ({his}|some) teeth|with a big smile)",
        "<expression>(3*is laughing|laughs|is showing (some|{his}) teeth|has a big smile)",
    ),
    "serious": (
        "<expression>(2*serious|serious looking)",
        "3*<expression>looking serious|<expression>with a serious (look|expression)|not smiling",
        "2*<expression>looks serious|<expression>has a serious expression|is not smiling",
    ),
    "sad": (
        "<expression>(2*sad|unhappy)",
        "<expression>(2*looking sad|frowning|with a sad look)",
        "<expression>(2*looks sad|is frowning|looks unhappy)",
    ),
    "surprised": (
        "<expression>surprised",
        "3*<expression>looking surprised|with an open mouth|<expression>with a surprised look",
        "2*<expression>looks surprised|has an open mouth",
    ),
}
_GAZES = {
    "front": ("2*looking at the camera|looking straight ahead", "looks at the camera|is facing the camera"),
    "side": ("2*looking to the side|looking away", "looks to the side|is looking away"),
}
_PLACES = {
    "leaves": "2*<background>in front of (some |)trees|outdoors|<background>in a park",
    "sky": "<background>(2*in front of the sky|against a cloudy sky|under a cloudy sky)",
    "books": "<background>(2*in front of (a bookshelf|bookshelves)|in a library)",
    "bricks": "2*<background>in front of a (brick|stone) wall|by a wall",
}
_CLOTHES = {  # with the noun that stands for them alone
    "t-shirt": ("a ({c}) (3*<clothes>t-shirt|shirt|top)", "<clothes>t-shirt|shirt|top"),
    "striped shirt": (
        "<clothes>(a striped ({c}) (2*shirt|t-shirt|top)|a ({c}) shirt with stripes)",
        "<clothes>striped shirt",
    ),
    "shirt": ("3*a ({c}) shirt|<clothes>a ({c}) (shirt with a collar|collared shirt)", "shirt"),
    "suit": ("3*<clothes>a ({c}) (3*suit|jacket)", "<clothes>(suit|jacket)"),
    "hoodie": ("<clothes>a ({c}) (3*hoodie|sweatshirt)", "<clothes>(hoodie|sweatshirt)"),
    "turtleneck": ("<clothes>a ({c}) (2*turtleneck|sweater)", "<clothes>(turtleneck|sweater)"),
}
_HATS = {
    "cap": ("<hat>a ({c}) (3*cap|baseball cap)", "<hat>cap"),
    "beanie": ("<hat>a ({c}) (3*beanie|woolly hat)", "<hat>beanie|hat"),
    "sun hat": ("a ({c}) (3*hat|<hat>sun hat)", "hat"),
}
_SKINS = {"pale": "3*<skin>pale|fair", "light": "2*<skin>light|fair", "tan": "<skin>(2*tan|tanned)"}
_SKINNED = {
    "pale": "<skin>pale|fair skinned",
    "light": "<skin>light skinned",
    "tan": "<skin>(tanned|tan skinned)",
}
_AGES = {"young": "young", "middle": "middle aged", "old": "3*old|2*elderly|older"}


def _hair_facts(attributes: Mapping[str, str]) -> dict[str, str]:
    """Hair and beard."""
    colour = telling("hair", _HAIRS.get(attributes["hair"], attributes["hair"]))
    style = attributes["style"]
    facts = {}
    if attributes["beard"] != "none":
        facts["beard"] = _BEARDS[attributes["beard"]].format(c=colour)
    if style == "bald":
        bald = {"hair": "3*a bald head|no hair", "some_hair": "bald head"}
        return facts | {name: telling("style", text) for name, text in bald.items()}
    if style == "hidden":
        return facts
    length = LENGTHS[style] if LENGTHS[style] in ("short", "long") else ""
    facts |= {
        "hair": "{_hair}" + f"({_STYLES[style].format(c=colour)})",
        "hair_is": "{_hair}" + f"(2*({colour})" + (f"|{length} and ({colour})" if length else "") + ")",
        "some_hair": "{_hair}" + f"[{length} ]({colour}) hair",
    }
    if attributes["fringe"] == "yes":
        facts["fringe"] = telling("fringe", "2*bangs|a fringe")
    return facts


def _worn_facts(attributes: Mapping[str, str]) -> dict[str, str]:
    """Clothes and what is worn with them."""
    colour = telling("clothes_colour", _grey(attributes["clothes_colour"]))
    phrase, noun = (text.format(c=colour) for text in _CLOTHES[attributes["clothes"]])
    if attributes["tie"] != "none":
        phrase += f"|({phrase}) and a <tie>{attributes['tie']} tie"
    facts = {"clothes": "{_clothes}" + f"({phrase})", "shirt": "{_clothes}" + f"({noun})", "shirt_is": colour}
    if attributes["hat"] != "none":
        colour = telling("hat_colour", _grey(attributes["hat_colour"]))
        phrase, noun = (text.format(c=colour) for text in _HATS[attributes["hat"]])
        facts |= {"hat": "{_hat}" + f"(3*{phrase}|a hat)", "cap": "{_hat}" + f"({noun})", "cap_is": colour}
    if attributes["glasses"] == "sunglasses":
        facts["spectacles"] = telling("glasses", "3*sunglasses|dark glasses")
    elif attributes["glasses"] != "none":
        frame, form = telling("frame", attributes["frame"]), telling("glasses", attributes["glasses"])
        facts["spectacles"] = (
            f"3*glasses|{frame} glasses|glasses with {frame} frames|[{form} ][{frame} ]glasses"
        )
    if attributes["earrings"] != "none":
        metal = {"gold": "2*gold|golden"}.get(attributes["earrings"], attributes["earrings"])
        metal = telling("earrings", metal)
        facts["earrings"] = f"2*earrings|2*({metal}) earrings|[({metal}) ]hoop earrings"
    if attributes["lipstick"] != "none":
        facts |= {"lipstick": f"{{_lips}}<lipstick>{attributes['lipstick']} lipstick"}
    return facts


def _grey(colour: str) -> str:
    return {"grey": "2*grey|gray"}.get(colour, colour)


def _facts(attributes: Mapping[str, str]) -> dict[str, str]:
    """What can be said of an image.

    A fact whose text is empty is a topic. The phrasings of one topic name it, so that it comes up once.
    """
    before, comma, after = _MOODS[attributes["expression"]]
    gaze_ing, gaze_is = _GAZES[attributes["turn"]]
    skin = attributes["skin"]
    facts = dict.fromkeys(("_hair", "_clothes", "_hat", "_lips", "_mood", "_gaze", "_skin"), "")
    facts |= _hair_facts(attributes) | _worn_facts(attributes)
    facts |= {
        "age": telling("age", _AGES[attributes["age"]]),
        "skin": "{_skin}" + f"({_SKINS.get(skin, '<skin>' + skin)})",
        "skinned": "{_skin}" + f"({_SKINNED.get(skin, f'<skin>{skin} skinned')})",
        "moody": "{_mood}" + f"({before})",
        "mood_ing": "{_mood}" + f"({comma})",
        "mood_is": "{_mood}" + f"({after})",
        "gaze_ing": "{_gaze}" + telling("turn", gaze_ing),
        "gaze_is": "{_gaze}" + telling("turn", gaze_is),
        "nose": telling("nose", {"broad": "2*wide|broad"}.get(attributes["nose"], attributes["nose"])),
        "face": telling("face", {"long": "2*long|narrow"}.get(attributes["face"], attributes["face"])),
    }
    background = attributes["background"]
    colour = _grey(background)
    wall = f"2*in front of a ({colour}) (wall|background)|against a ({colour}) (2*background|wall)"
    facts["place"] = _PLACES.get(background, telling("background", wall))
    if attributes["eyes"] != "hidden":
        eyes = {"grey": "grey|gray"}.get(attributes["eyes"], attributes["eyes"])
        facts["eyes"] = telling("eyes", eyes)
    if attributes["brows"] != "hidden":
        brows = {"thick": "3*thick|bushy"}.get(attributes["brows"], attributes["brows"])
        facts["brows"] = telling("brows", brows)
    if attributes["lipstick"] != "none":
        facts["lips"] = "{_lips}<lipstick>" + attributes["lipstick"]
    elif attributes["expression"] in ("smiling", "serious", "sad"):
        facts["lips"] = telling("lips", attributes["lips"])
    if attributes["freckles"] == "yes":
        facts["freckles"] = telling("freckles", "2*freckles|a freckled face")
    if attributes["age"] == "old":
        facts["wrinkles"] = telling("age", "3*wrinkles|a wrinkled face")
    if attributes["tilt"] == "tilted":
        facts["tilt"] = telling("tilt", "with {his} head tilted|tilting {his} head")
    return facts


def captions(attributes: Mapping[str, str], rng: np.random.Generator) -> tuple[Sentence, ...]:
    """Ten distinct descriptions; where the first sentence has a capital letter, the second one has it too."""
    found = _GRAMMARS[attributes["gender"]].sentences(_STARTS, _facts(attributes), rng)
    return tuple(
        Sentence(re.sub(r"(?<=\. )\w", lambda first: first[0].upper(), text), tells)
        if text[0].isupper()
        else Sentence(text, tells)
        for text, tells in found
    )

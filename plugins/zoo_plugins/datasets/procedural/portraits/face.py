"""The face of a portrait: ears, cheeks, eyes, nose, mouth and beard."""

from __future__ import annotations

import numpy as np

from zoo_plugins.datasets.procedural.canvas import (
    Canvas,
    Shape,
    along,
    blade,
    darker,
    lighter,
    mirrored,
    mix,
    smooth,
)
from zoo_plugins.datasets.procedural.portraits.head import CHINS, MOUTH, Head, outline, shadow
from zoo_plugins.datasets.procedural.portraits.people import EYES


def paint_face(canvas: Canvas, head: Head) -> None:
    """Ears, face, cheeks, wrinkles and freckles."""
    person, skin = head.person, head.skin
    for side in (-1, 1):
        x = side * (head.width + 0.03) - head.turn * 0.35
        if side * head.turn > 0.05:
            x -= side * 0.1  # the ear that turns away
        ear = head.put([(x, 0.1)])[0]
        canvas.disc(ear, 0.17 * head.scale, shadow(skin), 1.0, 1.45)
        canvas.disc(ear, 0.13 * head.scale, darker(skin, 0.05), 1.0, 1.45)
    face = outline(person)
    canvas.fill(head.put(face), shadow(skin))
    inner = canvas.mask(Shape(head.put((face - (0, 0.1)) * (0.965, 0.975) + (head.turn * 0.12, 0.09))))
    canvas.shade(inner, lighter(skin, 0.1), darker(skin, 0.05))
    blush = mix(skin, (232, 92, 92), 0.5 if person.skin in ("pale", "light") else 0.3)
    for side in (-1, 1):
        cheek = head.put([(side * 0.56 * head.width + head.turn * 0.5, 0.3)])[0]
        for radius in (0.2, 0.13):
            canvas.disc(cheek, radius * head.scale, blush, 0.28, 0.75)
    if person.age != "young":
        _wrinkles(canvas, head)
    if person.freckles == "yes":
        for x, y in ((0.3, 0.22), (0.42, 0.3), (0.54, 0.22), (0.36, 0.38), (0.5, 0.4), (0.14, 0.2)):
            for side in (-1, 1):
                spot = head.put([(side * x * head.width * 1.2 + head.turn * 0.8, y + 0.02 * side)])[0]
                canvas.disc(spot, 0.035 * head.scale, mix(skin, (150, 74, 30), 0.75))


def _wrinkles(canvas: Canvas, head: Head) -> None:
    """Folds beside the mouth; the old have lines on the forehead and at the eyes besides."""
    tone, old = darker(shadow(head.skin), 0.2), head.person.age == "old"
    if head.person.skin in ("pale", "light"):
        tone = mix(tone, (120, 60, 50), 0.2)
    for side in (-1, 1):
        fold = [(side * 0.22, 0.28), (side * 0.38, 0.46), (side * 0.4, 0.62)]
        canvas.fill(head.face(blade(fold, 0.06, 0.04)), tone, 0.9 if old else 0.75)
        if old:
            mouth = [(side * 0.36, 0.68), (side * 0.4, 0.76), (side * 0.34, 0.88)]
            canvas.fill(head.face(blade(mouth, 0.06, 0.04)), tone)
            bag = [(side * 0.2, 0.12), (side * 0.36, 0.17), (side * 0.5, 0.1)]
            canvas.fill(head.face(blade(bag, 0.03, 0.03)), tone)
            for y in (-0.14, 0.02) if side * head.turn < 0.05 else ():  # not on the far temple
                crow = [(side * 0.76 * head.width, (y - 0.06) * 0.6), (side * 0.9 * head.width, y)]
                canvas.fill(head.put(blade(crow, 0.03, 0.02, 1)), tone)
    if old:
        for y in (-0.64, -0.52):
            line = [(-0.34, y + 0.03), (0.0, y), (0.34, y + 0.03)]
            canvas.fill(head.face(blade(line, 0.04, 0.04)), tone, 0.9)


# ---- features


def paint_features(canvas: Canvas, head: Head) -> None:
    """Nose, mouth, eyes and brows."""
    _nose(canvas, head)
    _mouth(canvas, head)
    for side in (-1, 1):
        if head.portrait.glasses != "sunglasses":
            _eye(canvas, head, side)
        _brow(canvas, head, side)


def _nose(canvas: Canvas, head: Head) -> None:
    skin = head.skin
    # Deep enough to tell the noses apart at 64 px, before dark skin too.
    shade, light = mix(shadow(skin), (72, 26, 18), 0.45), lighter(skin, 0.15)
    top, tip, half = {"small": (0.12, 0.22, 0.09), "long": (-0.22, 0.42, 0.12), "broad": (0.0, 0.34, 0.27)}[
        head.person.nose
    ]
    lean = head.turn * 0.35
    sides = [(0.06, top), (half * 0.5, (top + tip) / 2), (half, tip - 0.07), (half * 0.7, tip + 0.05)]
    wedge = smooth(mirrored([*sides, (0, tip + 0.07)]), 3)
    wedge[:, 0] += lean * np.clip((wedge[:, 1] - top) / (tip - top), 0, 1)
    canvas.fill(head.face(wedge), mix(skin, shade, 0.65))
    canvas.fill(head.face(blade([(0.0, top + 0.05), (lean, tip - 0.06)], 0.03, 0.1)), light)
    under = [(-half + lean, tip - 0.02), (lean, tip + 0.06), (half + lean, tip - 0.02)]
    canvas.fill(head.face(blade(under, 0.09, 0.09)), shade)


def _mouth(canvas: Canvas, head: Head) -> None:
    """The lips in the form of the expression."""
    person, portrait, skin = head.person, head.portrait, head.skin
    natural = mix(skin, (188, 66, 74), 0.45), mix(darker(skin, 0.16), (184, 52, 62), 0.5)
    lip = natural[person.gender == "man"]
    if portrait.lipstick != "none":
        lip = head.tone({"red": (206, 0, 18), "pink": (250, 84, 176)}[portrait.lipstick])
    full = 0.12 if person.lips == "full" else 0.03 if portrait.lipstick == "none" else 0.05
    dark = mix(darker(skin, 0.62), (90, 16, 20), 0.5)
    y = MOUTH + (0.04 if person.face == "long" else 0.0)
    if portrait.expression == "laughing":
        hole = mirrored([(0, y - 0.04), (0.34, y - 0.08), (0.22, y + 0.14), (0, y + 0.21)])
        teeth = mirrored([(0, y - 0.02), (0.3, y - 0.06), (0.22, y + 0.04), (0, y + 0.07)])
        middle = np.array([0.0, y])
        canvas.fill(head.face((smooth(hole, 4) - middle) * (1.1, 1.12 + full * 5) + middle), lip)
        canvas.fill(head.face(smooth(hole, 4)), (110, 26, 32))
        canvas.fill(head.face(smooth(teeth, 4)), (252, 252, 248))
        return
    if portrait.expression == "surprised":
        middle = head.face([(0.0, y + 0.04)])[0]
        canvas.disc(middle, (0.13 + full * 0.5) * head.scale, lip, 1.0, 1.25)
        canvas.disc(middle, 0.1 * head.scale, (96, 22, 28), 1.0, 1.25)
        return
    half, bow = {"smiling": (0.34, 0.15), "serious": (0.25, 0.0), "sad": (0.25, -0.13)}[portrait.expression]
    ends, low = y - bow * 0.6, y + bow * 0.4
    upper = [(0, low - full * 0.8), (half * 0.35, low - full * 1.3), (half, ends)]
    lower = [(half * 0.5, low + full * 1.1 - bow * 0.1), (0, low + full * 1.7)]
    canvas.fill(head.face(smooth(mirrored([*upper, *lower]), 4)), lip)
    right = np.array([(half * 0.5, low - bow * 0.18), (half + 0.02, ends)])
    canvas.fill(head.face(blade(np.vstack([right[::-1] * (-1, 1), [(0, low)], right]), 0.05, 0.05)), dark)


def _eye(canvas: Canvas, head: Head, side: int) -> None:
    person, portrait = head.person, head.portrait
    wide = portrait.expression == "surprised"
    grow = 1.1 if person.age == "young" else 0.94 if person.age == "old" else 1.0
    narrow = 0.84 if side * head.turn > 0.05 else 1.0
    x, y = side * (0.35 if narrow == 1.0 else 0.32), -0.06
    half, high = 0.205 * grow * narrow, (0.165 if wide else 0.125) * grow
    if portrait.expression == "laughing":
        high *= 0.85
    white = smooth([(x - half, y + 0.02), (x, y - high), (x + half, y + 0.02), (x, y + high * 0.9)], 4)
    canvas.fill(head.face((white - (x, y)) * (1.12, 1.2) + (x, y)), mix(head.skin, shadow(head.skin), 0.7))
    canvas.fill(head.face(white), (246, 247, 249))
    iris = head.face([(x + head.turn * 0.22, y - 0.005)])
    colour = head.tone(EYES[person.eyes])
    radius = min(0.118 * grow, 0.96 * high) * head.scale
    for share, tone in ((1.0, darker(colour, 0.25)), (0.84, lighter(colour, 0.1)), (0.44, (14, 12, 16))):
        canvas.disc(iris[0], radius * share, tone)
    canvas.disc(iris[0] + np.array([-0.25, -0.3]) * radius, 0.3 * radius, (255, 255, 255))
    lashes = 0.075 if person.gender == "woman" else 0.045
    corner = 1.18 if person.gender == "woman" else 1.0  # where the outer lashes end
    lid = [(-1.0, 0.02), (-0.5, -0.82 * high), (0.0, -high), (0.5, -0.82 * high), (corner, 0.02)]
    line = np.array(lid) * (side * half, 1) + (x, y)
    canvas.fill(head.face(blade(line, lashes, lashes)), (38, 26, 26))


def _brow(canvas: Canvas, head: Head, side: int) -> None:
    person, expression = head.person, head.portrait.expression
    hair = darker(head.hair, 0.25)
    if person.hair == "blonde":
        hair = mix(hair, (150, 104, 50), 0.6)
    inner, middle, outer = {
        "sad": (-0.42, -0.36, -0.24),
        "surprised": (-0.44, -0.52, -0.42),
        "serious": (-0.28, -0.35, -0.3),
    }.get(expression, (-0.32, -0.4, -0.3))
    line = [(side * 0.14, inner), (side * 0.36, middle), (side * 0.56, outer)]
    thick = (0.17, 0.1) if person.brows == "thick" else (0.05, 0.03)
    canvas.fill(head.face(blade(line, *thick)), hair)


# ---- beards


def _bearded(head: Head) -> Shape:
    """Everything below a line from ear to ear under the cheeks; the face cuts it."""
    w = head.width
    right = np.array([(w * 1.05, -0.06), (w * 0.92, 0.1), (w * 0.76, 0.34), (0.44, 0.44)])
    line = along(np.vstack([right, [(0.0, 0.4)], right[::-1] * (-1, 1)]), 4)
    line[:, 0] += head.turn * (1 - np.abs(line[:, 0]) / (1.05 * w))
    return Shape(head.put(np.vstack([line, [(-w * 1.2, 1.6), (w * 1.2, 1.6)]])))


def paint_beard(canvas: Canvas, head: Head) -> None:
    """What grows on the face, around the mouth."""
    kind, hair, y = head.person.beard, head.hair, MOUTH
    if kind == "none":
        return
    face = outline(head.person)
    if kind == "stubble":
        cast = mix(head.skin, darker(hair, 0.3), 0.85)
        mask = canvas.mask(_bearded(head), within=canvas.mask(Shape(head.put(face))), value=105)
        canvas.shade(mask, cast, cast)
    elif kind == "full":
        for grow, top, bottom in ((0.2, 0.3, 0.36), (0.14, -0.08, 0.14)):
            jaw = face * np.stack([np.ones(len(face)), 1 + grow * np.clip(face[:, 1], 0, 1)], 1)
            mask = canvas.mask(_bearded(head), within=canvas.mask(Shape(head.put(jaw))))
            canvas.shade(mask, darker(hair, top) if top > 0 else lighter(hair, -top), darker(hair, bottom))
    if kind == "goatee":
        low = CHINS[head.person.face]
        patch = smooth(mirrored([(0.0, y + 0.2), (0.3, y + 0.08), (0.24, low), (0, low + 0.16)]), 4)
        for edge, tone in ((1.0, darker(hair, 0.25)), (0.88, hair)):
            canvas.fill(head.face((patch - (0, low)) * edge + (0, low)), tone)
    if kind in ("moustache", "goatee", "full"):
        half = 0.44 if kind == "moustache" else 0.36
        top = y - 0.2
        right = [(0, top), (half * 0.55, top), (half, top + 0.2), (half * 0.5, top + 0.15), (0, top + 0.12)]
        whiskers = smooth(mirrored(right), 4)
        for grow, tone in ((1.08, darker(hair, 0.3)), (0.96, lighter(hair, 0.04))):
            canvas.fill(head.face((whiskers - (0, top + 0.1)) * grow + (0, top + 0.1)), tone)

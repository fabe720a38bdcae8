"""Text on figures: its type and inks, and lines of a width."""

from __future__ import annotations

from PIL import ImageFont

TYPE = 14
"""Pixels of a label's type."""
INK, FAINT, ACCENT = (24, 24, 27), (113, 113, 122), (15, 118, 110)

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def broken(text: str, font: Font, width: int) -> list[str]:
    """The text in lines of a width, broken at spaces; a longer word is cut short."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return [fitted(line, font, width) for line in lines]


def fitted(text: str, font: Font, width: int) -> str:
    """The text, cut short where it is too wide."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text}…") > width:
        text = text[:-1]
    return f"{text}…"

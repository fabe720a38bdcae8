"""A model that `zoo export MODEL --format onnx` wrote. Needs onnxruntime, numpy and pillow alone.

N images, L ids, Z noise width, C code width, R resolution of the image.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image

FORMAT = 1
"""Of `export.json`."""
_CHUNK = 16  # images per run


class CaptionError(ValueError):
    """A caption that a model cannot read."""


class OnnxPipeline:
    """An exported folder: captions in, images out, for one seed those of `zoo.Pipeline`."""

    def __init__(self, folder: str | Path) -> None:
        folder = Path(folder)
        self.config: dict[str, Any] = json.loads((folder / "export.json").read_text(encoding="utf-8"))
        self.tokens: dict[str, Any] = self.config["tokens"] or {"scheme": None}
        self.reads_text = self.tokens["scheme"] is not None
        if self.tokens["scheme"] == "pieces":
            from tokenizers import Tokenizer  # a model with such a text encoder needs this library too

            self.tokenizer = Tokenizer.from_file(str(folder / "text_encoder/tokenizer.json"))
            self.tokenizer.no_truncation()
        entries = self.tokens.get("symbols", ())
        if self.tokens["scheme"] == "words":
            entries = self.vocabulary(folder)
        self.index = {entry: place for place, entry in enumerate(entries)}
        self.session = onnxruntime.InferenceSession(
            str(folder / "model.onnx"), providers=["CPUExecutionProvider"]
        )

    @staticmethod
    def vocabulary(folder: Path) -> list[str]:
        """The words in the order of their ids."""
        words: list[str] = json.loads((folder / "vocabulary.json").read_text(encoding="utf-8"))["words"]
        return words

    def unknown(self, caption: str) -> tuple[str, ...]:
        """The words, or characters, of a caption that the model does not know, in order, each once."""
        if not self.reads_text:
            return ()
        if self.tokens["scheme"] == "pieces":
            words = dict.fromkeys(split_words(caption))
            return tuple(word for word in words if self.tokens["unknown"] in self._pieces(word))
        return tuple(dict.fromkeys(entry for entry in self._entries(caption) if entry not in self.index))

    def ids(self, caption: str) -> NDArray[np.int64]:
        """A caption as ids [L]. Raises CaptionError where the model knows none of it."""
        if self.tokens["scheme"] == "characters":
            length, padding = self.tokens["length"], self.tokens["padding"]
            read = [self.index.get(symbol, padding) for symbol in self._entries(caption)[:length]]
            ids = read + [padding] * (length - len(read))
            known = any(id != padding for id in read)
        else:
            ids = self._known(caption)[: self.tokens["max_words"]]
            known = bool(ids)
        if not known:
            raise CaptionError(f"no word of the caption {caption!r} is known to this model")
        return np.array(ids, np.int64)

    def left_out(self, caption: str) -> int:
        """How many known words, pieces or characters of a caption come after those that are read."""
        if not self.reads_text:
            return 0
        if self.tokens["scheme"] == "characters":
            return max(0, len(self._entries(caption)) - self.tokens["length"])
        return max(0, len(self._known(caption)) - self.tokens["max_words"])

    def _known(self, caption: str) -> list[int]:
        if self.tokens["scheme"] == "pieces":
            return [piece for piece in self._pieces(caption) if piece not in self.tokens["special"]]
        return [self.index[word] for word in self._entries(caption) if word in self.index]

    def generate(
        self, caption: str, noise: NDArray[np.float32], code_noise: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Pixels [N,3,R,R] in [-1,1] of a caption, for noise [N,Z] and the conditioning [N,C]."""
        given: dict[str, NDArray[Any]] = {"noise": noise, "code_noise": code_noise}
        if self.reads_text:
            ids = np.tile(self.ids(caption), (len(noise), 1))
            padded = self.tokens["scheme"] == "characters"  # only these are filled up to a length
            given |= {
                "ids": ids,
                "mask": ids != self.tokens["padding"] if padded else np.ones_like(ids, bool),
            }
        elif caption:
            raise CaptionError(f"this model reads no text; expected no caption, got {caption!r}")
        inputs = {entry.name: given[entry.name] for entry in self.session.get_inputs()}
        return np.asarray(self.session.run(["image"], inputs)[0])

    def __call__(self, captions: str | Sequence[str], seed: int = 0, images: int = 1) -> list[Image.Image]:
        """Generate `images` images of each caption, caption by caption."""
        widths = (self.config["noise_width"], self.config["code_width"])
        rows = [torch_normal(seed, image, widths) for image in range(images)]
        noise, code_noise = (np.stack(column) for column in zip(*rows, strict=True))
        generated = []
        for caption in [captions] if isinstance(captions, str) else captions:
            for at in range(0, images, _CHUNK):
                pixels = self.generate(caption, noise[at : at + _CHUNK], code_noise[at : at + _CHUNK])
                pixels = np.rint((pixels + 1) * 127.5).clip(0, 255).transpose(0, 2, 3, 1)
                generated += [Image.fromarray(array) for array in pixels.astype(np.uint8)]
        return generated

    def _entries(self, caption: str) -> Sequence[str]:
        caption = caption.lower()
        return split_words(caption) if self.tokens["scheme"] == "words" else caption

    def _pieces(self, text: str) -> list[int]:
        ids: list[int] = self.tokenizer.encode(text, add_special_tokens=False).ids
        return ids


def split_words(text: str) -> list[str]:
    """Runs of letters, marks, digits and connectors, as NLTK's `RegexpTokenizer` finds them by \\w.

    The standard library's `re` splits words at their marks.
    """
    parts = groupby(text, lambda c: unicodedata.category(c) in _WORD or c in "\u200c\u200d")
    return ["".join(run) for inside, run in parts if inside]


_WORD = frozenset(["Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "Pc"])


def torch_normal(seed: int, image: int, widths: Sequence[int]) -> list[NDArray[np.float32]]:
    """What `torch.randn` gives for image i of a seed, a row a width: by its Mersenne twister."""
    key = np.random.SeedSequence([seed, image]).generate_state(1, np.uint64)[0] >> np.uint64(1)
    twister = np.random.RandomState(int(key) & 0xFFFFFFFF)
    left: list[float] = []

    def bits(count: int) -> NDArray[np.uint64]:
        return twister.randint(0, 1 << 32, count, np.uint32).astype(np.uint64)

    def box_muller(radius: NDArray[Any], angle: NDArray[Any]) -> NDArray[Any]:
        turn = 2 * np.pi * angle
        return np.sqrt(-2 * np.log1p(-radius)) * np.stack([np.cos(turn), np.sin(turn)])

    def blocks(count: int) -> NDArray[Any]:  # of 16: eight radii and eight angles, of 24 bits each
        uniform = bits(count) % (1 << 24) / (1 << 24)
        whole = uniform[: count // 16 * 16].reshape(-1, 2, 8)
        return box_muller(whole[:, 0], whole[:, 1]).swapaxes(0, 1).ravel()

    def row(count: int) -> Any:
        if count >= 16:
            filled = blocks(count)
            return filled if count % 16 == 0 else np.concatenate([filled[: count - 16], blocks(16)])
        # a radius and an angle, of 53 bits each, make two; one may be left for the next row
        halves = bits(4 * ((count - len(left) + 1) // 2)).reshape(-1, 2, 2)
        uniform = (halves[..., 0] * (1 << 32) + halves[..., 1]) % (1 << 53) / (1 << 53)
        left.extend(box_muller(uniform[:, 1], uniform[:, 0]).T.ravel())
        taken = left[:count]
        del left[:count]
        return taken

    return [np.asarray(row(width), np.float32) for width in widths]

"""The word loss on 48 images and captions, forward and backward: `damsm` beside a loop over captions."""

from __future__ import annotations

import torch

from zoo import Recipe
from zoo.assemble import construct
from zoo.seeding import generator as seeded
from zoo_registry import catalogue
from zoo_registry.contracts import Generated, ImageFeatures, Round, Text

from .iteration import TOLERANCE, differences
from .plain import sentence_loss, words_loss
from .timing import PLAIN, Measurement, Setting, alternate, rows


def measure(setting: Setting) -> Measurement:
    """48 captions of 18 words at most, 48 images of 17x17 regions, width 256."""
    count, length, grid, width = (6, 5, 4, 16) if setting.quick else (48, 18, 17, 256)
    source = seeded(count, "words")
    lengths = torch.randint(length // 2, length + 1, (count,), generator=source)
    lengths[0] = length
    mask = torch.arange(length) < lengths[:, None]
    values = [
        torch.randn(*shape, generator=source).to(setting.device).requires_grad_()
        for shape in ((count, length, width), (count, width), (count, grid * grid, width), (count, width))
    ]
    words, sentence, regions, vector = values
    mask = mask.to(setting.device)
    recipe = Recipe.read("damsm-birds", catalogue())
    loss = construct(recipe.losses[0], {})
    gammas = recipe.locked()["losses"][0]["gammas"]

    def ours() -> dict[str, torch.Tensor]:
        features = ImageFeatures(vector, regions, (grid, grid))
        given = Round(Generated(()), Text(sentence, words, mask))
        given.image_features = features  # what the image encoder would have given
        return dict(loss.generator(given))

    def plain() -> dict[str, torch.Tensor]:
        maps = regions.transpose(1, 2).reshape(count, width, grid, grid)
        of_words = words_loss(maps, words.transpose(1, 2), lengths.tolist(), None, gammas)
        of_sentence = sentence_loss(vector, sentence, None, gammas[2])
        named = zip(("words0", "words1", "sentence0", "sentence1"), (*of_words, *of_sentence), strict=True)
        return {f"damsm/{name}": term for name, term in named}

    def both(terms: dict[str, torch.Tensor]) -> None:
        for value in values:
            value.grad = None
        torch.stack(list(terms.values())).sum().backward()

    mine, theirs = ours(), plain()
    worst = max(differences(mine, theirs).values())
    assert worst < TOLERANCE, f"ours {mine}, plain port {theirs}"
    seconds = alternate(
        {PLAIN: lambda: both(plain()), "zoo, float32": lambda: both(ours())}, setting, repeats=5
    )
    title = f"Word and sentence loss, {count} captions, forward and backward"
    return Measurement(title, rows(seconds), {"largest_term_difference": worst})

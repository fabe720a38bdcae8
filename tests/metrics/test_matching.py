"""R-precision, retrieval and CLIPScore: whether images show what their captions tell."""

import math
import shutil
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from scipy import stats
from tiny_clip import whole_clip

from zoo_plugins.metrics.clip_score import CLIPScore
from zoo_plugins.metrics.r_precision import RPrecision
from zoo_plugins.metrics.retrieval import Retrieval
from zoo_registry.errors import ZooError

from .fake_study import FakeStudy, draws, part, records


def study_of(split, see, tell, **more):
    """`see` and `tell` give the vectors of an image and of a caption, by record and number of caption."""
    chosen = more.pop("generated_of", [(record, 0) for record in split])
    told = {
        caption: tell(record, number) for record in split for number, caption in enumerate(record.captions)
    }
    seen = torch.stack([see(record, number) for record, number in chosen])
    return FakeStudy(split=split, generated_of=chosen, image_vectors=seen, caption_vectors=told, **more)


def by_chance(split, width=32, seed=0, **more):
    source = torch.Generator().manual_seed(seed)

    def vector(*_):
        return torch.randn(width, generator=source)

    return study_of(split, vector, vector, **more)


def own_vector(record, number=0):
    return draws(16, seed=int(record.name))


def r_precision(study, **settings):
    metric = RPrecision(**settings)
    metric.check(study)
    return metric.measure(study).scores["r-precision"]


@pytest.mark.parametrize("per_class", [5, None])
def test_a_perfect_matcher_scores_1(per_class):
    score = r_precision(study_of(records(150, per_class=per_class), own_vector, own_vector))
    assert (score.value, score.count, score.chance) == (1, 150, 0.01)
    wilson = stats.binomtest(150, 150).proportion_ci(method="wilson")
    assert score.interval == pytest.approx((wilson.low, 1), abs=1e-9)


def test_a_random_matcher_scores_as_guessing_does():
    split = records(1000, per_class=10)
    score = r_precision(by_chance(split, generated_of=[(split[i % 1000], 0) for i in range(5000)]))
    assert score.value == pytest.approx(0.01, abs=0.004)
    assert score.interval[0] < score.chance < score.interval[1]


def test_what_real_images_get_stands_beside():
    score = r_precision(by_chance(records(300, per_class=10)))
    assert score.real == 1, "here each real image lies where its caption does"
    assert score.value < 0.05


def test_r_precision_is_its_definition():
    """With as many candidates as there are captions of other classes, no chance is left."""
    split = records(24, per_class=6, captions=2)
    study = by_chance(split, generated_of=[(record, k) for record in split for k in (0, 1)])
    study.image_vectors = torch.stack(
        [study.caption_vectors[caption] for caption in study.captions]
    ) + 2 * draws(48, 32, seed=9)
    hits = []
    for vector, record, caption in zip(study.image_vectors, study.records, study.captions, strict=True):
        others = [c for other in split if other.label != record.label for c in other.captions]
        assert len(others) == 36
        own = F.cosine_similarity(vector, study.caption_vectors[caption], dim=0)
        hits.append(all(F.cosine_similarity(vector, study.caption_vectors[c], dim=0) < own for c in others))
    score = r_precision(study, candidates=37, folds=6)
    assert 0 < sum(hits) < 48
    assert score.value == pytest.approx(sum(hits) / 48, abs=1e-6)


def test_a_matcher_of_classes_alone_scores_1_since_rivals_are_of_other_classes():
    def class_of(record, number=0):
        return draws(16, seed=int(record.label.split()[1]))

    study = study_of(records(200, per_class=20), class_of, class_of)
    assert r_precision(study, candidates=50).value == 1
    without = [replace(record, label=None) for record in study.split]
    blind = study_of(without, own_vector, lambda *_: torch.ones(16))
    assert r_precision(blind, candidates=50).value == 0  # ties are missed


def test_a_caption_that_several_classes_have_is_not_its_own_rival():
    split = [replace(record, captions=("a bird", *record.captions)) for record in records(60, per_class=3)]
    told = {"a bird": torch.ones(16)} | {record.captions[1]: -torch.ones(16) for record in split}
    study = FakeStudy(split=split, image_vectors=torch.ones(60, 16), caption_vectors=told)
    assert r_precision(study, candidates=58).value == 1
    with pytest.raises(ZooError, match=r"has 57; candidates=58 is the maximum"):
        r_precision(study, candidates=59)


def test_rivals_are_generated_by_the_seed():
    split = records(300, per_class=3)
    scores = [r_precision(by_chance(split, width=2, seed=1), candidates=10) for _ in range(2)]
    assert scores[0] == scores[1]
    study = by_chance(split, width=2, seed=1)
    found = set()
    for seed in range(5):
        study.protocol = replace(study.protocol, seed=seed)
        found.add(r_precision(study, candidates=10).value)
    assert len(found) > 1


def test_folds_give_students_interval():
    split = records(100, per_class=10)
    score = r_precision(by_chance(split, width=4, generated_of=[(r, 0) for r in split] * 4), candidates=4)
    half = (score.interval[1] - score.interval[0]) / 2
    # about that of 400 images that are right or wrong by themselves
    assert half == pytest.approx(
        stats.t.ppf(0.975, 9) * math.sqrt(score.value * (1 - score.value) / 400), rel=0.6
    )


def test_r_precision_tells_what_is_lacking():
    def match(lack, split, **settings):
        with pytest.raises(ZooError, match=lack):
            r_precision(by_chance(split), **settings)

    match(
        r"99 captions of other classes than 'class 0', and the split 'test' has 60; candidates=61",
        records(80, per_class=20),
    )
    match(r"other classes than 'class 0', and the split 'test' has 0$", records(80, per_class=80))
    match(r"99 captions of other images than 0000, and the split 'test' has 49", records(50))
    match(r"3 images make no 10 folds; folds=3", records(3), candidates=2)


def test_retrieval_is_its_definition():
    study = by_chance(records(80), width=5)
    ranks = []
    for number, caption in enumerate(study.captions):
        near = [
            F.cosine_similarity(seen, study.caption_vectors[caption], dim=0).item()
            for seen in study.image_vectors
        ]
        ranks.append(sorted(near, reverse=True).index(near[number]) + 1)
    scores = Retrieval(k=(1, 5, 10, 40)).measure(study).scores
    for k in (1, 5, 10, 40):
        score = scores[f"r@{k}"]
        assert score.value == pytest.approx(sum(rank <= k for rank in ranks) / 80, abs=1e-6)
        assert (score.count, score.chance) == (80, k / 80)
        assert score.interval[0] <= score.value <= score.interval[1]


def test_retrieval_of_a_perfect_and_of_a_blind_matcher():
    split = records(60)
    assert Retrieval().measure(study_of(split, own_vector, own_vector)).scores["r@1"].value == 1
    blind = study_of(split, own_vector, lambda *_: torch.ones(16))
    assert Retrieval().measure(blind).scores["r@1"].value < 0.1
    collapsed = study_of(split, lambda *_: torch.ones(16), own_vector)
    assert Retrieval().measure(collapsed).scores["r@10"].value == 0  # ties are missed


def test_images_of_the_same_caption_do_not_compete():
    split = records(30)
    study = study_of(split, own_vector, own_vector, generated_of=[(r, 0) for r in split for _ in range(4)])
    assert Retrieval().measure(study).scores["r@1"].value == 1


def test_retrieval_among_too_few():
    with pytest.raises(ZooError, match=r"k=10 of 10 images"):
        Retrieval().check(by_chance(records(10)))


@pytest.mark.parametrize("metric", [RPrecision(candidates=5), Retrieval()], ids=lambda m: type(m).__name__)
def test_vectors_that_are_not_finite_and_models_without_text(metric):
    study = by_chance(records(40))
    study.image_vectors[3, 2] = math.nan
    with pytest.raises(ZooError, match=r"the features of 1 of 40 generated images are not finite"):
        metric.measure(study)
    with pytest.raises(ZooError, match=r"fake-recipe has no text"):
        metric.check(by_chance(records(40), text=False))


def clip_study(**more):
    split = [
        replace(record, captions=(text,))
        for record, text in zip(
            records(5), ("the red bird", "a bee", "the sea", "an ant", "blue"), strict=True
        )
    ]
    images = {"generated": draws(5, 3, 32, 32).tanh(), "real": draws(5, 3, 32, 32, seed=1).tanh()}
    return FakeStudy(split=split, images=images, **more)


@torch.no_grad()
def test_clip_score_is_what_transformers_computes():
    from transformers import CLIPImageProcessor, CLIPModel, CLIPTokenizer

    study = clip_study()
    clip, tokenizer = CLIPModel.from_pretrained(whole_clip()), CLIPTokenizer.from_pretrained(whole_clip())
    processor = CLIPImageProcessor(do_resize=False, do_center_crop=False, do_rescale=False)

    def by_hand(images):
        scores = []
        for image, caption in zip(images, study.captions, strict=True):
            pixels = processor([(image + 1) / 2], return_tensors="pt")["pixel_values"]
            found = clip(**tokenizer([caption], return_tensors="pt"), pixel_values=pixels)
            scores.append(100 * max((found.logits_per_image / clip.logit_scale.exp()).item(), 0))
        return torch.tensor(scores)

    score = CLIPScore(model=whole_clip()).measure(study).scores["clip-score"]
    each = by_hand(study.images["generated"])
    assert (each == 0).any()  # what is below 0 counts as 0
    assert (each > 1).any()
    assert score.value == pytest.approx(each.mean().item(), abs=1e-4)
    assert score.real == pytest.approx(by_hand(study.images["real"]).mean().item(), abs=1e-4)
    assert score.interval == pytest.approx(
        stats.t.interval(0.95, 4, each.mean(), each.std() / math.sqrt(5)), rel=2e-2
    )


@pytest.mark.parametrize(("kind", "name"), [("loss", "clip-similarity"), ("text_encoder", "clip-text")])
def test_the_clip_that_trained_is_refused(kind, name, tmp_path):
    study = clip_study()
    trainer = part(kind, name, model=whole_clip() + "/.")
    if kind == "loss":
        study.recipe.losses = (part("loss", "bce"), trainer)
    else:
        study.recipe.parts["text_encoder"] = trainer
    with pytest.raises(ZooError, match=rf"fake-recipe was trained with .*\({kind}/{name}\)"):
        CLIPScore(model=whole_clip()).check(study)
    other = shutil.copytree(whole_clip(), tmp_path / "other")
    assert CLIPScore(model=str(other)).measure(study).scores["clip-score"].count == 5


def test_clip_scores_bugs():
    study = clip_study()
    study.images["generated"][2] = math.nan
    with pytest.raises(ZooError, match=r"clip-score: some generated images are not finite"):
        CLIPScore(model=whole_clip()).measure(study)
    with pytest.raises(ZooError, match=r"has no text, this metric compares images with captions"):
        CLIPScore(model=whole_clip()).check(clip_study(text=False))


def test_a_clip_that_is_not_there_is_reported(tmp_path):
    with pytest.raises(ZooError, match=r"clip-score\.model: .* holds no transformers model"):
        CLIPScore(model=str(tmp_path)).check(clip_study())

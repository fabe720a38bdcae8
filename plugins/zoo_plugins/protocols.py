"""Named protocols: all that has to be equal for two numbers to be compared.

The first that is listed of a metric is its default. A value that is changed here needs a new version, since
results of different versions are not compared. Captions and real images are of the test split, and images
are cut as StackGAN and AttnGAN cut them.
"""

from __future__ import annotations

from zoo_registry import Component
from zoo_registry.contracts import EvaluationProtocol

# About 30,000 images in 10 parts: StackGAN (arXiv:1612.03242, section 4.1), AttnGAN (arXiv:1711.10485,
# section 4), DM-GAN (arXiv:1904.01310, section 4.1). For birds and flowers they tuned the network to the set,
# which this protocol does not: compare with their numbers of COCO alone.
IS_10X = EvaluationProtocol(
    name="is-10x", version=1, metric="inception-score", images=30_000, settings={"splits": 10}
)

# FID falls with the number of images: 5,000 and 30,000 are two protocols. 30,000 is DM-GAN's
# (arXiv:1904.01310, section 4.1); 5,000 compare models of one study with a sixth of the work.
FID_TEST_5K = EvaluationProtocol(name="fid-test-5k", version=1, metric="fid", images=5_000)
FID_TEST_30K = EvaluationProtocol(name="fid-test-30k", version=1, metric="fid", images=30_000)

# 100 subsets of 1,000, as the code of its authors (arXiv:1801.01401) and torch-fidelity have it.
KID_TEST_5K = EvaluationProtocol(
    name="kid-test-5k",
    version=1,
    metric="kid",
    images=5_000,
    settings={"subsets": 100, "subset_size": 1000},
)
# Without a download: a procedural data set's judge sees. A subset fits in the 400 test images of
# `aviary:2000`.
KID_JUDGE_2K = EvaluationProtocol(
    name="kid-judge-2k",
    version=2,
    metric="kid",
    images=2_000,
    settings={"features": "judge", "subsets": 100, "subset_size": 200},
)

# The third neighbour: arXiv:1904.06991, section 2.1, which generates 50,000.
PRC_TEST_5K = EvaluationProtocol(
    name="prc-test-5k", version=1, metric="precision-recall", images=5_000, settings={"neighbourhood": 3}
)

# 30,000 images, 99 captions that do not match, 10 folds: arXiv:1711.10485, section 4.
ATTNGAN_R_PRECISION = EvaluationProtocol(
    name="attngan-r-precision",
    version=1,
    metric="r-precision",
    images=30_000,
    settings={"matcher": "own", "candidates": 100, "folds": 10},
)
# The same of a tenth of the images. With an independent matcher: --set r-precision-3k.matcher=FOLDER.
R_PRECISION_3K = EvaluationProtocol(
    name="r-precision-3k",
    version=1,
    metric="r-precision",
    images=3_000,
    settings={"matcher": "own", "candidates": 100, "folds": 10},
)

# Recall among 1,000 images, as image search on COCO is reported: arXiv:1412.2306, section 4.1.
RETRIEVAL_1K = EvaluationProtocol(
    name="retrieval-1k",
    version=1,
    metric="retrieval",
    images=1_000,
    settings={"matcher": "own", "k": (1, 5, 10)},
)

# The CLIP of the paper: ViT-B/32, arXiv:2104.08718, section 3.
CLIP_SCORE_5K = EvaluationProtocol(
    name="clip-score-5k",
    version=1,
    metric="clip-score",
    images=5_000,
    settings={"model": "openai/clip-vit-base-patch32"},
)

# Ten images of each of 100 captions, compared in pairs as in MSGAN (arXiv:1903.05628, section 4.1).
DIVERSITY_10X100 = EvaluationProtocol(
    name="diversity-10x100", version=1, metric="diversity", images=1_000, per_caption=10
)

NEIGHBOURS_1K = EvaluationProtocol(name="neighbours-1k", version=1, metric="neighbours", images=1_000)

ATTRIBUTES_2K = EvaluationProtocol(name="attributes-2k", version=2, metric="attributes", images=2_000)


def _listed(constant: str, summary: str, paper: str = "") -> Component:
    protocol: EvaluationProtocol = globals()[constant]
    return Component(
        kind="protocol", name=protocol.name, target=f"{__name__}:{constant}", summary=summary, paper=paper
    )


COMPONENTS: tuple[Component, ...] = (
    _listed("IS_10X", "Inception score of 30,000 images in 10 parts", "arXiv:1612.03242"),
    _listed("FID_TEST_5K", "FID of 5,000 images against the test split", "arXiv:1706.08500"),
    _listed("FID_TEST_30K", "FID of 30,000 images against the test split", "arXiv:1904.01310"),
    _listed("KID_TEST_5K", "KID of 5,000 images, 100 subsets of 1,000", "arXiv:1801.01401"),
    _listed(
        "KID_JUDGE_2K",
        "KID of 2,000 images in the features of a procedural data set's judge",
        "arXiv:1801.01401",
    ),
    _listed("PRC_TEST_5K", "Precision and recall of 5,000 images by the third neighbour", "arXiv:1904.06991"),
    _listed(
        "ATTNGAN_R_PRECISION",
        "1 of 100 captions, 30,000 images, 10 folds, own encoders",
        "arXiv:1711.10485",
    ),
    _listed("R_PRECISION_3K", "1 of 100 captions, 3,000 images, 10 folds, own encoders", "arXiv:1711.10485"),
    _listed("RETRIEVAL_1K", "Recall at 1, 5 and 10 among 1,000 images, own encoders", "arXiv:1412.2306"),
    _listed("CLIP_SCORE_5K", "CLIPScore of 5,000 images by ViT-B/32", "arXiv:2104.08718"),
    _listed("DIVERSITY_10X100", "Distance between 10 images per caption, 100 captions", "arXiv:1903.05628"),
    _listed("NEIGHBOURS_1K", "Nearest training images of 1,000 images", "arXiv:2004.05675"),
    _listed("ATTRIBUTES_2K", "Attributes that a procedural data set's judge reads from 2,000 images"),
)

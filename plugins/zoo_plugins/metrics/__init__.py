"""Parts of kind `metric`, one per file; listed here."""

from __future__ import annotations

from zoo_registry import Component

COMPONENTS: tuple[Component, ...] = (
    Component(
        kind="metric",
        name="inception-score",
        target="zoo_plugins.metrics.inception_score:InceptionScore",
        summary="How certain a classifier is of each generated image, and how varied of all",
        paper="arXiv:1606.03498",
    ),
    Component(
        kind="metric",
        name="fid",
        target="zoo_plugins.metrics.fid:FID",
        summary="Fréchet distance between the features of generated and real images",
        paper="arXiv:1706.08500",
    ),
    Component(
        kind="metric",
        name="kid",
        target="zoo_plugins.metrics.kid:KID",
        summary="Squared maximum mean discrepancy of generated and real features, without FID's bias",
        paper="arXiv:1801.01401",
    ),
    Component(
        kind="metric",
        name="precision-recall",
        target="zoo_plugins.metrics.precision_recall:PrecisionRecall",
        summary="Shares of generated images among the real ones, and of real ones among the generated",
        paper="arXiv:1904.06991",
    ),
    Component(
        kind="metric",
        name="r-precision",
        target="zoo_plugins.metrics.r_precision:RPrecision",
        summary="Share of generated images nearer to their caption than to 99 of other classes",
        paper="arXiv:1711.10485",
    ),
    Component(
        kind="metric",
        name="retrieval",
        target="zoo_plugins.metrics.retrieval:Retrieval",
        summary="Share of captions whose image is among the K nearest of all generated ones",
        paper="arXiv:1412.2306",
    ),
    Component(
        kind="metric",
        name="clip-score",
        target="zoo_plugins.metrics.clip_score:CLIPScore",
        summary="Cosine of generated images and their captions to a CLIP that did not train them",
        paper="arXiv:2104.08718",
    ),
    Component(
        kind="metric",
        name="diversity",
        target="zoo_plugins.metrics.diversity:Diversity",
        summary="Feature distance between images of the same caption",
        paper="arXiv:1903.05628",
    ),
    Component(
        kind="metric",
        name="neighbours",
        target="zoo_plugins.metrics.neighbours:Neighbours",
        summary="Distance of generated images to the training images, in that of unseen real ones",
        paper="arXiv:2004.05675",
    ),
    Component(
        kind="metric",
        name="attributes",
        target="zoo_plugins.metrics.attributes:Attributes",
        summary="Share of what captions tell that a judge reads back from the generated images",
    ),
)

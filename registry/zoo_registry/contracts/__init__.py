"""What parts promise each other and the engine, by idea: the contract of every kind is here.

Shape letters used everywhere in the zoo:
B batch, L words, D text width, C condition width, Z noise width, R image resolution (pixels), N image
regions.

Images are float tensors in [-1, 1], channels first, RGB. Masks are bool, True where there is a real word.

Imports no torch: tensors are annotations only, so that catalogues can be listed without it.
"""

from __future__ import annotations

from .data import Dataset, DataSource, Problem, Record
from .evaluation import Better, EvaluationProtocol, ImageSource, Measured, Metric, Score, Study
from .extractors import (
    AttributeReader,
    CutImages,
    Encoders,
    Extractor,
    ExtractorChoice,
    ExtractorSetup,
    JointExtractor,
    Layer,
    extractor_settings,
)
from .importing import Converted, Importer
from .losses import Loss, Round
from .networks import (
    Augmentation,
    Conditioning,
    Discriminator,
    Generator,
    ImageEncoder,
    JointEmbedding,
    Redescription,
    TextEncoder,
)
from .tasks import Batch, HeldOut, Phase, Plan, Sampler, Segment, Setup, Task
from .values import Condition, Generated, Growth, ImageFeatures, Text, Tokens
from .wires import ConditionSpec, GeneratorSpec, TextSource, TextSpec

__all__ = [
    "AttributeReader",
    "Augmentation",
    "Batch",
    "Better",
    "Condition",
    "ConditionSpec",
    "Conditioning",
    "Converted",
    "CutImages",
    "DataSource",
    "Dataset",
    "Discriminator",
    "Encoders",
    "EvaluationProtocol",
    "Extractor",
    "ExtractorChoice",
    "ExtractorSetup",
    "Generated",
    "Generator",
    "GeneratorSpec",
    "Growth",
    "HeldOut",
    "ImageEncoder",
    "ImageFeatures",
    "ImageSource",
    "Importer",
    "JointEmbedding",
    "JointExtractor",
    "Layer",
    "Loss",
    "Measured",
    "Metric",
    "Phase",
    "Plan",
    "Problem",
    "Record",
    "Redescription",
    "Round",
    "Sampler",
    "Score",
    "Segment",
    "Setup",
    "Study",
    "Task",
    "Text",
    "TextEncoder",
    "TextSource",
    "TextSpec",
    "Tokens",
    "extractor_settings",
]

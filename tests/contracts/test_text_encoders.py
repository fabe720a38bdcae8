"""What `check_component` says of text encoders whose words' ids are not what they promise."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tiny_parts import tiny

from zoo_plugins.text_encoders.bilstm import BiLSTM
from zoo_registry import catalogue
from zoo_registry.contracts import Text
from zoo_registry.testing import check_component


class BeyondItsVocabulary(BiLSTM):
    """Gives ids that its spec has no entries for."""

    def forward(self, *given: Any) -> Text:
        text: Text = super().forward(*given)
        assert text.ids is not None
        return text._replace(ids=text.ids + self.spec.entries)


class WithoutIds(BiLSTM):
    """Has entries and gives no ids."""

    def forward(self, *given: Any) -> Text:
        text: Text = super().forward(*given)
        return text._replace(ids=None)


@pytest.mark.parametrize(
    ("encoder", "gives", "message"),
    [
        (BiLSTM, {"text", "words"}, "gives 'vocabulary' for ids"),
        (WithoutIds, {"text", "words", "vocabulary"}, "ids come where the spec has entries"),
        (BeyondItsVocabulary, {"text", "words", "vocabulary"}, "ids below entries"),
    ],
)
def test_ids_are_what_the_encoder_promises(encoder: type, gives: set[str], message: str) -> None:
    target = f"{encoder.__module__}:{encoder.__qualname__}"
    component = replace(catalogue().get("text_encoder", "bilstm"), target=target, gives=gives)
    with pytest.raises(AssertionError, match=message):
        check_component(component, **tiny("text_encoder/bilstm"))

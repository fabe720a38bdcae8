"""Parts of kind `text_encoder`, one per file; listed here."""

from __future__ import annotations

from zoo_registry import Component

COMPONENTS: tuple[Component, ...] = (
    Component(
        kind="text_encoder",
        name="bilstm",
        target="zoo_plugins.text_encoders.bilstm:BiLSTM",
        summary="Bidirectional LSTM or GRU over words: a sentence and a vector per word",
        paper="arXiv:1711.10485",
        gives={"text", "words", "vocabulary"},
    ),
    Component(
        kind="text_encoder",
        name="lstm",
        target="zoo_plugins.text_encoders.lstm:LSTMEncoder",
        summary="Stacked LSTM or GRU over words, read once: T2F's",
        paper="github.com/akanimax/T2F",
        gives={"text", "words", "vocabulary"},
    ),
    Component(
        kind="text_encoder",
        name="char-cnn-rnn",
        target="zoo_plugins.text_encoders.char_cnn_rnn:CharCNNRNN",
        summary="Characters by convolutions and a recurrent network; its steps may be words",
        paper="arXiv:1605.05395",
        gives={"text", "words"},
        given_if={"words": "steps_as_words"},
    ),
    Component(
        kind="text_encoder",
        name="transformer",
        target="zoo_plugins.text_encoders.transformer:TransformerEncoder",
        summary="Any Hugging Face encoder, or a small fresh one: a sentence and a vector a piece of a word",
        paper="arXiv:1810.04805",
        gives={"text", "words"},
    ),
    Component(
        kind="text_encoder",
        name="clip-text",
        target="zoo_plugins.text_encoders.clip_text:CLIPText",
        summary="The text encoder of a CLIP model",
        paper="arXiv:2103.00020",
        gives={"text", "words"},
    ),
)

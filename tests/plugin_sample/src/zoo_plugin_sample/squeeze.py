from torch import nn

from zoo_registry.contracts import Condition, Conditioning, TextSpec


class Squeeze(nn.Module, Conditioning):
    """One linear layer.

    width: of the code [B,width] that it makes of the sentence [B,D].
    """

    def __init__(self, text: TextSpec, /, *, width: int = 32) -> None:
        super().__init__()
        self.width, self.linear = width, nn.Linear(text.width, width)

    def forward(self, sentence, *, noise=None):
        return Condition(self.linear(sentence))

"""Parts of kind `importer`, one per file; listed here."""

from __future__ import annotations

from zoo_registry import Component

COMPONENTS: tuple[Component, ...] = (
    Component(
        kind="importer",
        name="attngan",
        target="zoo_plugins.importers.attngan:AttnGANImporter",
        summary="Weights of the authors' AttnGAN",
        paper="arXiv:1711.10485",
    ),
    Component(
        kind="importer",
        name="attndcgan",
        target="zoo_plugins.importers.attndcgan:AttnDCGANImporter",
        summary="Weights of the authors' AttnDCGAN: AttnGAN with one image",
        paper="arXiv:1711.10485",
    ),
    Component(
        kind="importer",
        name="stackgan2",
        target="zoo_plugins.importers.stackgan2:StackGAN2Importer",
        summary="Weights of the authors' StackGAN++",
        paper="arXiv:1710.10916",
    ),
    Component(
        kind="importer",
        name="gan-cls",
        target="zoo_plugins.importers.gan_cls:GANCLSImporter",
        summary="Weights of the PyTorch port of GAN-CLS",
        paper="arXiv:1605.05396",
    ),
    Component(
        kind="importer",
        name="dm-gan",
        target="zoo_plugins.importers.dm_gan:DMGANImporter",
        summary="Weights of the authors' DM-GAN",
        paper="arXiv:1904.01310",
    ),
    Component(
        kind="importer",
        name="df-gan",
        target="zoo_plugins.importers.df_gan:DFGANImporter",
        summary="Weights of the authors' DF-GAN",
        paper="arXiv:2008.05865",
    ),
    Component(
        kind="importer",
        name="t2f",
        target="zoo_plugins.importers.t2f:T2FImporter",
        summary="Weights of T2F: LSTM, conditioning augmentation and the growing networks",
        paper="github.com/akanimax/T2F",
    ),
    Component(
        kind="importer",
        name="progan",
        target="zoo_plugins.importers.progan:ProGANImporter",
        summary="Weights of pro_gan_pytorch 3.x",
        paper="arXiv:1710.10196",
    ),
    Component(
        kind="importer",
        name="char-cnn-rnn",
        target="zoo_plugins.importers.char_cnn_rnn:CharCNNRNNImporter",
        summary="Weights of the PyTorch ports of Reed's text encoder",
        paper="arXiv:1605.05395",
    ),
)

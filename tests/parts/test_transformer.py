"""Text encoders of Hugging Face transformers, from folders written here, and the fresh one: no network."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_transformer import tiny_bert, tiny_clip, tiny_t5
from transformers import AutoModel, AutoTokenizer, CLIPTextModelWithProjection

from zoo_plugins.text_encoders import hub
from zoo_plugins.text_encoders.clip_text import CLIPText
from zoo_plugins.text_encoders.transformer import TransformerEncoder
from zoo_registry.contracts import TextSource
from zoo_registry.errors import ZooError

CAPTIONS = ["A small red bird, with a yellow beak", "the bird is blue", "red birds"]
SOURCE = TextSource(captions=CAPTIONS)
FRESH = {"width": 16, "layers": 1, "heads": 2}


@pytest.fixture(autouse=True)
def _offline(monkeypatch):
    """The Hub gives nothing, and nothing that was fetched earlier is here."""

    def unreachable(*_, **__):
        raise OSError("no network\nand a second line")

    monkeypatch.setattr(hub, "snapshot_download", unreachable)


@pytest.fixture(params=["bert", "t5", "clip", "fresh"])
def encoder(request):
    torch.manual_seed(0)
    if request.param == "clip":
        return CLIPText(SOURCE, model=tiny_clip()).eval()
    if request.param == "fresh":
        return TransformerEncoder(SOURCE, **FRESH).eval()
    return TransformerEncoder(SOURCE, model={"bert": tiny_bert, "t5": tiny_t5}[request.param]()).eval()


def batch_of(folder):
    """The captions as the tokenizer of a folder gives them."""
    return AutoTokenizer.from_pretrained(folder)(CAPTIONS, padding=True, return_tensors="pt")


@torch.no_grad()
def test_bert_gives_the_hidden_states_that_transformers_gives():
    batch, model = batch_of(tiny_bert()), AutoModel.from_pretrained(tiny_bert()).eval()
    hidden = model(**batch).last_hidden_state  # [CLS] a small … [SEP]
    encoder = TransformerEncoder(SOURCE, model=tiny_bert()).eval()
    sentence, words, mask, _ = encoder(encoder.tokenize(CAPTIONS))
    mean = (hidden * batch.attention_mask[:, :, None]).sum(1) / batch.attention_mask.sum(1, keepdim=True)
    assert torch.allclose(sentence, mean, atol=1e-5)
    for row, labels in enumerate(map(encoder.split, CAPTIONS)):
        assert mask[row].sum() == len(labels)
        assert torch.allclose(words[row, : len(labels)], hidden[row, 1 : len(labels) + 1], atol=1e-5)
        assert not words[row, len(labels) :].any()
    first = TransformerEncoder(SOURCE, model=tiny_bert(), pooling="first").eval()
    assert torch.allclose(first(first.tokenize(CAPTIONS)).sentence, hidden[:, 0], atol=1e-5)


@torch.no_grad()
def test_of_an_encoder_decoder_the_encoder_is_taken():
    captions = [caption.lower() for caption in ("a small red bird", "the is")]
    batch = AutoTokenizer.from_pretrained(tiny_t5())(captions, padding=True, return_tensors="pt")
    model = AutoModel.from_pretrained(tiny_t5()).get_encoder().eval()
    hidden = model(input_ids=batch.input_ids, attention_mask=batch.attention_mask).last_hidden_state
    encoder = TransformerEncoder(SOURCE, model=tiny_t5()).eval()
    words = encoder(encoder.tokenize(captions)).words
    assert torch.allclose(words[0], hidden[0, :4], atol=1e-5)
    assert torch.allclose(words[1, :2], hidden[1, :2], atol=1e-5)


@torch.no_grad()
def test_clip_gives_the_text_embedding_that_transformers_gives():
    batch = batch_of(tiny_clip())
    model = CLIPTextModelWithProjection.from_pretrained(tiny_clip()).eval()
    answer = model(**batch)
    encoder = CLIPText(SOURCE, model=tiny_clip()).eval()
    sentence, words, mask, _ = encoder(encoder.tokenize(CAPTIONS))
    assert encoder.spec.width == 16
    assert torch.allclose(sentence, answer.text_embeds, atol=1e-5)
    projected = model.text_projection(answer.last_hidden_state)[:, 1:-1]
    assert torch.allclose(words, projected * mask[:, :, None], atol=1e-5)


def test_split_names_the_pieces_without_the_special_ones():
    bert, clip = TransformerEncoder(SOURCE, model=tiny_bert()), CLIPText(SOURCE, model=tiny_clip())
    assert bert.split("Red birds [SEP]") == ("red", "bird", "##s")
    assert clip.split("Red bird") == ("red", "b", "i", "r", "d")
    assert TransformerEncoder(SOURCE, **FRESH).split("A red-bird.") == ("a", "red", "bird")


def test_unknown_words_are_named_once_and_left_out():
    caption = "a ßß bird, Zebra and ßß bird"
    fresh, bert = TransformerEncoder(SOURCE, **FRESH), TransformerEncoder(SOURCE, model=tiny_bert())
    assert fresh.unknown(caption) == ("ßß", "Zebra", "and")
    assert fresh.split(caption) == ("a", "bird", "bird")
    assert bert.unknown(caption) == ("ßß",)  # it spells the zebra
    assert bert.split(caption)[:4] == ("a", "bird", ",", "z")


@torch.no_grad()
def test_a_caption_reads_the_same_alone_and_among_others(encoder):
    captions = [*CAPTIONS, "", "ßß"]
    together = encoder(encoder.tokenize(captions))
    for row, caption in enumerate(captions):
        alone = encoder(encoder.tokenize([caption]))
        length = max(1, len(encoder.split(caption)))
        assert alone.words.shape[1] == together.mask[row].sum() == length
        assert torch.allclose(together.sentence[row], alone.sentence[0], atol=1e-5)
        assert torch.allclose(together.words[row, :length], alone.words[0], atol=1e-5)


@torch.no_grad()
def test_a_model_folder_holds_all_that_the_encoder_needs(encoder, tmp_path):
    encoder.save_tokenizer(tmp_path)
    # `model` cannot be had any more, nor is it wanted
    again = type(encoder)(TextSource(folder=tmp_path), model="gone/away", pretrained=False)
    again.load_state_dict(encoder.state_dict())
    own, theirs = (m.eval()(m.tokenize(CAPTIONS)) for m in (encoder, again))
    assert torch.equal(own.sentence, theirs.sentence)
    assert torch.equal(own.words, theirs.words)
    assert again.split(CAPTIONS[0]) == encoder.split(CAPTIONS[0])


def test_a_width_projects_sentence_and_words():
    for encoder in (
        TransformerEncoder(SOURCE, model=tiny_bert(), width=10),
        CLIPText(SOURCE, model=tiny_clip(), width=10),
    ):
        sentence, words, *_ = encoder(encoder.tokenize(CAPTIONS))
        assert encoder.spec.width == sentence.shape[1] == words.shape[2] == 10
        assert encoder.projection.weight.shape[0] == 10


def test_every_weight_learns_and_there_is_no_pooler(encoder):
    text = encoder.train()(encoder.tokenize(CAPTIONS))
    (text.sentence.square().sum() + text.words.square().sum()).backward()
    assert [name for name, p in encoder.named_parameters() if p.grad is None] == []
    assert not any("pooler" in name for name in encoder.state_dict())


def test_pretrained_decides_whether_the_folders_weights_are_taken():
    torch.manual_seed(1)
    held, random = (TransformerEncoder(SOURCE, model=tiny_bert(), pretrained=p) for p in (True, False))
    published = AutoModel.from_pretrained(tiny_bert()).embeddings.word_embeddings.weight
    assert torch.equal(held.network.embeddings.word_embeddings.weight, published)
    assert not torch.equal(random.network.embeddings.word_embeddings.weight, published)


def test_a_fresh_encoder_has_the_sizes_that_were_asked_for():
    config = TransformerEncoder(SOURCE, width=24, layers=3, heads=4).config
    assert (config.hidden_size, config.num_hidden_layers, config.num_attention_heads) == (24, 3, 4)
    with pytest.raises(ZooError, match=r"text_encoder\.heads: 5 heads cannot share a width of 24"):
        TransformerEncoder(SOURCE, width=24, heads=5)


def test_the_first_pieces_of_a_long_caption_are_read(encoder):
    settings = {"model": tiny_clip()} if isinstance(encoder, CLIPText) else FRESH
    short = type(encoder)(SOURCE, **settings, max_words=3).eval()
    assert len(short.split(CAPTIONS[0])) == 3
    assert short(short.tokenize(CAPTIONS)).words.shape[1] == 3


def test_more_words_than_a_model_reads_are_refused():
    for build in (CLIPText, TransformerEncoder):
        model, longest = (tiny_clip(), 75) if build is CLIPText else (tiny_bert(), 62)
        build(SOURCE, model=model, max_words=longest)
        with pytest.raises(
            ZooError, match=rf"max_words: {longest + 1}, but this model reads at most {longest}"
        ):
            build(SOURCE, model=model, max_words=longest + 1)


@pytest.mark.parametrize("build", [TransformerEncoder, CLIPText])
def test_a_model_out_of_reach_is_reported_with_what_would_serve(build):
    with pytest.raises(ZooError) as told:
        build(SOURCE, model="someone/some-model")
    assert "text_encoder.model: 'someone/some-model' is no folder here" in str(told.value)
    assert "no network" in str(told.value)
    assert "second line" not in str(told.value)
    assert "the folder of a model saved with transformers serves" in str(told.value)


def test_the_hub_is_asked_for_weights_only_where_they_are_wanted(monkeypatch):
    asked = []

    def give(name, allow_patterns, ignore_patterns):
        asked.append((name, "*.safetensors" in allow_patterns, ignore_patterns))
        return tiny_bert()

    monkeypatch.setattr(hub, "snapshot_download", give)
    for pretrained in (True, False):
        TransformerEncoder(SOURCE, model="someone/some-model", pretrained=pretrained)
    assert asked == [("someone/some-model", True, ["*/*"]), ("someone/some-model", False, ["*/*"])]


def test_misfits_are_reported(tmp_path):
    with pytest.raises(ZooError, match=r"'layers' and 'heads' are a fresh model's"):
        TransformerEncoder(SOURCE, model=tiny_bert(), layers=2)
    with pytest.raises(ZooError, match="no CLIP; other text encoders are read by 'transformer'"):
        CLIPText(SOURCE, model=tiny_bert())
    with pytest.raises(ZooError, match=r"no transformers model: .*config\.json is not there"):
        TransformerEncoder(SOURCE, model=str(tmp_path))
    with pytest.raises(ZooError, match=r"holds no transformers model: .*text_encoder.config\.json"):
        TransformerEncoder(TextSource(folder=tmp_path))


def test_weights_for_another_task_are_left_aside(tmp_path, capfd):
    folder = Path(shutil.copytree(tiny_bert(), tmp_path / "head"))
    state = load_file(folder / "model.safetensors")
    changed = {name: tensor for name, tensor in state.items() if not name.startswith("pooler.")}
    save_file(changed | {"cls.weight": torch.ones(2)}, folder / "model.safetensors", {"format": "pt"})
    encoder, own = (TransformerEncoder(SOURCE, model=m).eval() for m in (str(folder), tiny_bert()))
    tokens = own.tokenize(CAPTIONS)
    assert torch.equal(encoder(tokens).sentence, own(tokens).sentence)
    assert capfd.readouterr().err == ""


@torch.no_grad()
def test_weights_in_several_files(tmp_path):
    folder = Path(shutil.copytree(tiny_bert(), tmp_path / "parts"))
    (folder / "model.safetensors").unlink()
    AutoModel.from_pretrained(tiny_bert()).save_pretrained(folder, max_shard_size="4KB")
    assert len([*folder.glob("*.safetensors")]) > 1
    encoder, own = (TransformerEncoder(SOURCE, model=m).eval() for m in (str(folder), tiny_bert()))
    tokens = own.tokenize(CAPTIONS)
    assert torch.equal(encoder(tokens).sentence, own(tokens).sentence)
    for index in ("[]", "{}", '{"weight_map": {"a": 5}}'):
        (folder / "model.safetensors.index.json").write_text(index)
        with pytest.raises(ZooError, match=r"weights of .*parts cannot be read \(model.safetensors.index"):
            TransformerEncoder(SOURCE, model=str(folder))


def test_damaged_folders_are_reported(tmp_path):
    folder = Path(shutil.copytree(tiny_bert(), tmp_path / "cut"))
    (folder / "model.safetensors").unlink()
    with pytest.raises(ZooError, match=r"the weights of .*cut cannot be read .*model\.safetensors"):
        TransformerEncoder(SOURCE, model=str(folder))
    shutil.copy(Path(tiny_clip()) / "model.safetensors", folder)
    with pytest.raises(ZooError, match="other weights than its configuration asks for"):
        TransformerEncoder(SOURCE, model=str(folder))
    config = json.loads((folder / "config.json").read_text()) | {"model_type": "nonsense"}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ZooError, match=r"configuration or the tokenizer of .*cut cannot be read"):
        TransformerEncoder(SOURCE, model=str(folder))


def test_a_whole_clip_is_no_encoder_of_text_alone_but_its_text_resolution_is(tmp_path):
    folder = Path(shutil.copytree(tiny_clip(), tmp_path / "clip"))
    text = json.loads((folder / "config.json").read_text())
    whole = {"model_type": "clip", "projection_dim": 16, "text_config": text}
    (folder / "config.json").write_text(json.dumps(whole))
    with pytest.raises(ZooError, match=r"of type 'clip'.*that of a CLIP model is read by 'clip-text'"):
        TransformerEncoder(SOURCE, model=str(folder))
    encoder = CLIPText(SOURCE, model=str(folder)).eval()
    own = CLIPText(SOURCE, model=tiny_clip()).eval()
    tokens = own.tokenize(CAPTIONS)
    assert torch.equal(encoder(tokens).sentence, own(tokens).sentence)

"""`zoo import` of pickles that are no state dicts and no vocabularies: told, without a hang."""

from __future__ import annotations

import pickle

import pytest
import torch

from zoo.importing.convert import import_model
from zoo.importing.old_files import read_checkpoint, read_vocabulary
from zoo_registry import ZooError


def itself():
    found: dict[str, object] = {}
    found["state_dict"] = found
    return found


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (itself(), "holds state dicts inside of one another"),
        ({1: torch.ones(2)}, "one of its names is no text but int"),
        ([torch.ones(2)], "holds no state dict but list"),
        ({"model": {"state_dict": {(1, 2): torch.ones(2)}}}, "one of its names is no text but tuple"),
    ],
)
def test_odd_checkpoints(tmp_path, data, told):
    torch.save(data, tmp_path / "x.pth")
    with pytest.raises(ZooError, match=told):
        read_checkpoint(tmp_path / "x.pth")


@pytest.mark.parametrize("rank", [0, 1, 5])
@pytest.mark.parametrize("system", ["attngan", "df-gan"])
def test_tensors_of_other_ranks(tmp_path, system, rank):
    names = ["h_net1.fc.0.weight", "ca_net.fc.weight", "fc.weight", "conv_img.1.weight"]
    torch.save({name: torch.ones([2] * rank) for name in names}, tmp_path / "x.pth")
    with pytest.raises(ZooError, match=r"x\.pth"):
        import_model(system, {"generator": [tmp_path / "x.pth"]}, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def list_of_itself():
    found: list[object] = []
    found.append(found)
    return found


ODD = [{10**10: "a"}, {"a": 10**10}, {-1: "a"}, {1.5: "a"}, list_of_itself(), itself()]


@pytest.mark.parametrize("data", ODD)
def test_odd_vocabularies(tmp_path, data):
    (tmp_path / "words.pickle").write_bytes(pickle.dumps(data))
    with pytest.raises(ZooError, match="holds no vocabulary"):
        read_vocabulary(tmp_path / "words.pickle")


def test_files_that_were_saved_on_a_card_need_none(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.serialization, "location_tag", lambda storage: "cuda:1")
    torch.save({"fc.weight": torch.ones(2)}, tmp_path / "x.pth")
    assert read_checkpoint(tmp_path / "x.pth")["fc.weight"].device == torch.device("cpu")

"""Code from elsewhere: names and captions of anybody's model are text on its card, and nothing else."""

from __future__ import annotations

import json
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from zoo.models.card import card
from zoo_registry import catalogue
from zoo_registry.errors import first_line, printable

HOSTILE = (
    "a\n\n# b <script>alert(1)</script> ![x](http://x.org/y.png) [l](javascript:x) ```\n</details> | `c` &lt;"
)


@pytest.fixture
def hostile(tmp_path):
    """A shipped model in whose configuration somebody wrote."""
    folder = Path(shutil.copytree(catalogue().pretrained("garden"), tmp_path / "model"))
    config = json.loads((folder / "config.json").read_text())
    config["recipe"] |= {"name": HOSTILE, "paper": HOSTILE}
    config["made_with"]["plugins"] = {HOSTILE: HOSTILE}
    config["about"] = {"data": HOSTILE, "stages": {HOSTILE: 5}, "captions": [HOSTILE] * 2, "hours": 1.0}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


class Tags(HTMLParser):
    """What a page holds: the names of its elements, their addresses, and its headings."""

    def __init__(self, page):
        super().__init__()
        self.names, self.addresses, self.titles = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.names.append(tag)
        self.addresses += [value for name, value in attributes if name in ("href", "src")]

    def handle_data(self, data):
        if self.names[-1:] == ["h1"]:
            self.titles.append(data)


def rendered(folder, **settings):
    _, _, text = card(folder, **settings).removeprefix("---").partition("\n---\n")
    return Tags(MarkdownIt("commonmark").enable("table").render(text))


def test_nothing_that_somebody_wrote_is_markup(hostile):
    own = rendered(catalogue().pretrained("garden"))
    page = rendered(hostile, name=HOSTILE)
    assert set(page.names) <= set(own.names) | {"img", "ol", "li"}
    assert page.names.count("h1") == 1
    assert page.names.count("details") == 1
    assert set(page.addresses) <= {*own.addresses, "samples.png"}
    assert "".join(page.titles).strip() == " ".join(HOSTILE.split())


def test_foreign_texts_hold_no_codes_of_the_terminal():
    assert printable("\x1b[31mred\x1b[0m \x1b]0;title\x07and\x1b[2J\r\n\u202eright") == "red and right"
    assert printable("naïve café 一只鸟 🐦") == "naïve café 一只鸟 🐦"
    assert first_line(ValueError("\x1b[2Jone\ntwo")) == "one"

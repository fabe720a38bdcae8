"""Commands that share models through the Hugging Face Hub: push, pull, card."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zoo_registry import ZooError

Model = Annotated[
    str, typer.Argument(help="A model's folder, a run's, or a Hub id: org/name, org/name@revision.")
]
License = Annotated[
    str | None,
    typer.Option(
        "--license",
        help="As the Hub spells it: mit, cc-by-4.0, …; when left out, mit for procedural data, else unknown.",
    ),
]


def push(
    model: Model,
    repo: Annotated[
        str, typer.Argument(metavar="ORG/NAME", help="The repository; made where there is none.")
    ],
    private: Annotated[bool, typer.Option("--private", help="Make a new repository private.")] = False,
    license: License = None,
) -> None:
    """Upload a model and its card to the Hugging Face Hub, in one commit.

    Example: zoo push runs/birds ada/birds --private
    """
    from zoo_registry.recipe import SINGLE

    from ..models.locate import locate
    from ..models.publish import push as upload
    from ..models.publish import repository

    repository(repo)  # before a model is looked for, or fetched
    print(upload(locate(model, parts=SINGLE), repo, private=private, license=license))


def pull(
    repo: Annotated[str, typer.Argument(metavar="REPO", help="org/name or org/name@revision on the Hub.")],
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="[DIR]", help="A new folder; the Hub's cache alone when left out."),
    ] = None,
    training: Annotated[
        bool, typer.Option("--training", help="With the parts that only training needs.")
    ] = False,
) -> None:
    """Fetch a model from the Hugging Face Hub, so that it serves without a network.

    Example: zoo pull ada/birds@v1 birds
    """
    from ..models.hub import HubId
    from ..models.hub import pull as fetch

    place = HubId.parse(repo)
    if place is None:
        raise ZooError(f"{repo!r} is no repository on the Hub: expected org/name or org/name@revision")
    print(fetch(place, folder, training=training))


def card(
    model: Model,
    license: License = None,
    repo: Annotated[
        str | None,
        typer.Option("--repo", metavar="ORG/NAME", help="The repository that it will be pushed to."),
    ] = None,
) -> None:
    """Print the model card that zoo push writes.

    Example: zoo card runs/birds --repo ada/birds
    """
    from ..models.card import card as write
    from ..models.locate import locate

    print(write(locate(model), name=repo or model, license=license), end="")

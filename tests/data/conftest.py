from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

Write = Callable[[str, str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file below the test's folder."""

    def write(file: str, content: str | bytes) -> Path:
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.fixture
def image(tmp_path: Path) -> Callable[..., Path]:
    """Save an image of one colour below the test's folder."""

    def image(file: str, colour: str = "red", size: tuple[int, int] = (20, 16)) -> Path:
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, colour).save(path)
        return path

    return image


@pytest.fixture
def cub(tmp_path: Path, write: Write, image: Callable[..., Path]) -> Path:
    """CUB-200-2011 as published, Reed's captions: two classes to train, one to test, two images each."""
    names = [
        f"{label}/{label.partition('.')[2]}_{number:04}_{number}"
        for label in ("001.Black_footed_Albatross", "002.Laysan_Albatross", "003.Sooty_Albatross")
        for number in (1, 2)
    ]
    for name in names:
        image(f"images/{name}.jpg")
        write(f"text/{name}.txt", f"a bird called {name[4:9]}\nit has  wings. \n")
    labels = sorted({name.partition("/")[0] for name in names})
    write("classes.txt", "".join(f"{n} {label}\n" for n, label in enumerate(labels, 1)))
    write("images.txt", "".join(f"{n} {name}.jpg\n" for n, name in enumerate(names, 1)))
    write("image_class_labels.txt", "".join(f"{n} {(n + 1) // 2}\n" for n in range(1, 7)))
    write("bounding_boxes.txt", "".join(f"{n} {n}.0 2.0 8.0 6.0\n" for n in range(1, 7)))
    write("train_test_split.txt", "".join(f"{n} {n % 2}\n" for n in range(1, 7)))
    write("trainvalclasses.txt", f"{labels[0]}\n{labels[1]}\n")
    write("testclasses.txt", f"{labels[2]}\n")
    return tmp_path

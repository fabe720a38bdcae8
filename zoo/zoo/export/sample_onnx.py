"""Generate captions, one row per caption, with the model beside this file.

python sample.py "a small red bird with a yellow beak" --images 4 --seed 3 --out red.png

Needs onnxruntime, numpy and pillow alone. A model that reads pieces of words needs tokenizers too.
"""

import argparse
import sys
from pathlib import Path

from onnx_pipeline import CaptionError, OnnxPipeline  # type: ignore[import-not-found]  # beside this file
from PIL import Image


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("captions", nargs="*", help="one sentence per row; none for a model without text")
    parser.add_argument("--images", type=int, default=1, help="images per caption")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other images")
    parser.add_argument("--out", default="out.png", help="the image's file")
    given = parser.parse_args()

    pipe = OnnxPipeline(Path(__file__).parent)
    captions = given.captions or [""]
    for caption in captions:
        if unknown := pipe.unknown(caption):
            print(f"not in the vocabulary, left out of {caption!r}: {', '.join(unknown)}", file=sys.stderr)
    try:
        images = pipe(captions, given.seed, given.images)
    except CaptionError as error:
        sys.exit(f"error: {error}")

    resolution = images[0].width
    grid = Image.new("RGB", (resolution * given.images, resolution * len(captions)))
    for place, image in enumerate(images):
        row, column = divmod(place, given.images)
        grid.paste(image, (column * resolution, row * resolution))
    grid.save(given.out)
    print(given.out)


if __name__ == "__main__":
    main()

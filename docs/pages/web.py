"""The page that generates in the browser, on the site's first page, with the models that we ship."""

from __future__ import annotations

import atexit
import os
import shutil
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from zoo.export.engine import EXPORTING, need
from zoo.export.web.write import write_web
from zoo_registry import ZooError, catalogue

MARK = "<!-- The page that generates stands here: docs/pages/web.py -->"
FOLDER = "try"
"""Where the site has it."""
# The script gives the frame the height of what it shows, and the colours that the site's switch is at.
BLOCK = f"""\
<iframe class="try" id="try" src="{FOLDER}/index.html?embed" title="Type a caption, see images"></iframe>
<script>
  (() => {{
    const frame = document.getElementById("try");
    const fit = () => {{ frame.style.height = `${{frame.contentDocument.body.offsetHeight}}px`; }};
    const colour = () => {{
      const scheme = document.body.dataset.mdColorScheme === "slate" ? "dark" : "light";
      frame.style.colorScheme = frame.contentDocument.documentElement.style.colorScheme = scheme;
    }};
    frame.addEventListener("load", () => {{
      new ResizeObserver(fit).observe(frame.contentDocument.body);
      new MutationObserver(colour).observe(document.body, {{ attributeFilter: ["data-md-color-scheme"] }});
      colour();
    }});
  }})();
</script>
"""
LEFT_OUT = """\
!!! note "Left out of this build"

    Here stands a page that generates in your browser, where the site is built with what it needs: {reason}.
    The [same page](web.md) is written by `zoo export aviary garden portraits --format web --out DIR`.
"""


@cache
def exported() -> Path | str:
    """A folder with the page, made once a process; or why there is none.

    The runtime is taken from the folder that the variable WEB_RUNTIME names, else npm is asked for it.
    """
    folder = Path(mkdtemp(prefix="zoo-site-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    runtime = os.environ.get("WEB_RUNTIME")
    try:
        need(EXPORTING)
        return write_web(
            catalogue().pretrained_names(), folder / FOLDER, runtime=Path(runtime) if runtime else None
        )
    except ZooError as error:
        return str(error)


def embedded(markdown: str) -> str:
    """The first page's text with the page in it, or a note where it cannot be had."""
    found = exported()
    return markdown.replace(MARK, BLOCK if isinstance(found, Path) else LEFT_OUT.format(reason=found))


def copy(site: Path) -> None:
    """Copy the page into the built site."""
    found = exported()
    if isinstance(found, Path):
        shutil.copytree(found, site / FOLDER, dirs_exist_ok=True)

"""Generated parts of a page: what stands between `<!-- generated: name -->` and `<!-- end -->`."""

import re
from collections.abc import Mapping
from typing import Final

BLOCK: Final = re.compile(r"(<!-- generated: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def names(page: str) -> list[str]:
    """Names of the blocks of a page."""
    return [found[2] for found in BLOCK.finditer(page)]


def block(page: str, name: str) -> str:
    """The text of one block.

    Raises:
        LookupError: when the page has none of that name.
    """
    for found in BLOCK.finditer(page):
        if found[2] == name:
            return found[0][len(found[1]) : -len(found[3])]
    raise LookupError(f"the page has no block {name!r}: there are {', '.join(names(page))}")


def fill(page: str, texts: Mapping[str, str]) -> str:
    """The page with the blocks that `texts` names replaced.

    Raises:
        LookupError: when the page lacks one of them.
    """
    for name in texts:
        block(page, name)
    return BLOCK.sub(
        lambda found: found[1] + texts[found[2]].strip("\n") + "\n" + found[3] if found[2] in texts else found[0], page
    )

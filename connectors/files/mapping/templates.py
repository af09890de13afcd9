"""Templates: text with columns in braces, `{case:concept:name}/received`.

All that stands between two braces is a column's name, whatever it holds (colons, spaces, dots);
`{{` and `}}` are braces themselves. A column whose name has braces is reached with `column:` only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_PART = re.compile(r"(\{\{|\}\})|\{([^{}]+)\}|([^{}]+)|(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Template:
    """`texts[0] columns[0] texts[1] … columns[-1] texts[-1]`."""

    texts: tuple[str, ...]
    columns: tuple[str, ...]


def parse_template(text: str) -> Template:
    """Take a template apart.

    Raises: ValueError for a brace without its partner.
    """
    texts, columns = [""], []
    for brace, column, plain, stray in _PART.findall(text):
        if stray:
            raise ValueError(
                f"has a single {stray} in {text!r}: columns stand as {{name}}, a brace itself is"
                " written twice"
            )
        if column:
            columns.append(column)
            texts.append("")
        else:
            texts[-1] += brace[:1] or plain
    return Template(tuple(texts), tuple(columns))

"""Pictures for the editors' pages: a terminal's screen as SVG."""

from __future__ import annotations

import html
import io
import re

from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text


def as_svg(screen: str, title: str, columns: int) -> str:
    """The screen, with its escape sequences, in a window with a title. No font is fetched from anywhere."""
    console = Console(record=True, width=columns, file=io.StringIO(), color_system="truecolor")
    for line in screen.rstrip("\n").split("\n"):
        console.print(Text.from_ansi(line), no_wrap=True, overflow="crop")
    svg = console.export_svg(title=title, theme=DIMMED_MONOKAI, unique_id="infill")
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)


def text_of(svg: str) -> str:
    """The text that a picture shows, without what separates its pieces."""
    pieces = re.findall(r"<text [^>]*>(.*?)</text>", svg)
    return html.unescape("".join(pieces)).replace("\xa0", " ")

"""Golden cases: text files with what goes in and what must come out.

A file begins with a line or more that say what the case is about, among them `key: value` options. Then come
sections, each under a line `=== name`. A section's text ends before the line break that precedes the next section
or ends the file, so an empty line at its end is a line break of the text. `‸` is the cursor; `␠` is a space that
would else be invisible at the end of a line.

`pytest FILE --update-golden` rewrites the sections that say what must come out. `tests/golden/README.md` has more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

GOLDEN = Path(__file__).parent / "golden"
_OPTION = re.compile(r"^([a-z_]+): (.+)$", re.MULTILINE)
_SECTION = re.compile(r"^=== (.+)\n", re.MULTILINE)
_SPACE_AT_END = re.compile(r" $", re.MULTILINE)


@dataclass(frozen=True)
class GoldenCase:
    """One file, read."""

    path: Path
    head: str
    sections: dict[str, str]

    @property
    def options(self) -> dict[str, str]:
        return dict(_OPTION.findall(self.head))

    def expect(self, actual: dict[str, str], *, update: bool) -> None:
        """Compare with the sections of these names, or rewrite them."""
        expected = {name: self.sections.get(name) for name in actual}
        if update and expected != actual:
            write_case(self.path, self.head, self.sections | actual)
        elif not update:
            assert actual == expected, self.head


def read_case(path: Path) -> GoldenCase:
    """Read one file."""
    head, *rest = _SECTION.split(path.read_text(encoding="utf-8"))
    texts = (text.removesuffix("\n").replace("␠", " ") for text in rest[1::2])
    return GoldenCase(path, head, dict(zip(rest[::2], texts, strict=True)))


def write_case(path: Path, head: str, sections: dict[str, str]) -> None:
    """Write one file."""
    rendered = [f"=== {name}\n{_SPACE_AT_END.sub('␠', text)}\n" for name, text in sections.items()]
    path.write_text(head + "".join(rendered), encoding="utf-8")


def read_cases(folder: str) -> list[GoldenCase]:
    """All cases of one kind."""
    return [read_case(path) for path in sorted((GOLDEN / folder).glob("*.txt"))]

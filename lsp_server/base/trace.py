"""A trace: what each stage did with one request, for `infill complete --explain` and `infill.explainLast`."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TraceLine:
    """One stage's line. `text` is the user's or the model's and is shown only when asked for."""

    stage: str
    summary: str
    text: str | None = None


@dataclass(slots=True)
class Trace:
    """The lines of one request, in order."""

    lines: list[TraceLine] = field(default_factory=list)

    def add(self, stage: str, summary: str, text: str | None = None) -> None:
        """Add a stage's line."""
        self.lines.append(TraceLine(stage, summary, text))

    def render(self, *, with_text: bool) -> str:
        """The trace as text, with source text only where asked for."""
        width = max((len(line.stage) for line in self.lines), default=0)
        rendered = []
        for line in self.lines:
            rendered.append(f"{line.stage:<{width}}  {line.summary}")
            if with_text and line.text is not None:
                rendered += [f"{'':<{width}}  │ {row}" for row in line.text.split("\n")]
        return "\n".join(rendered)

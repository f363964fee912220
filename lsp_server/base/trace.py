"""A trace of one request, one line a stage: `infill complete --explain` and `infill.explainLast` show it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TraceLine:
    """The line of one stage. `text` is source text or the model's output; it is shown only on demand."""

    stage: str
    summary: str
    text: str | None = None


@dataclass(slots=True)
class Trace:
    """The trace lines of one request, in order."""

    lines: list[TraceLine] = field(default_factory=list)

    def add(self, stage: str, summary: str, text: str | None = None) -> None:
        """Add the line of a stage."""
        self.lines.append(TraceLine(stage, summary, text))

    def render(self, *, with_text: bool) -> str:
        """The trace as text. `with_text` includes source text."""
        width = max((len(line.stage) for line in self.lines), default=0)
        rendered = []
        for line in self.lines:
            rendered.append(f"{line.stage:<{width}}  {line.summary}")
            if with_text and line.text is not None:
                rendered += [f"{'':<{width}}  │ {row}" for row in line.text.split("\n")]
        return "\n".join(rendered)

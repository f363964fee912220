"""Models that know the answer, to measure what post-processing makes of it."""

from __future__ import annotations

import ast
import random
import re
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import suppress
from typing import Literal

import msgspec

from lsp_server.engine.client.interface import EngineState
from lsp_server.evaluation.tasks import Task
from lsp_server.ipc.model_info import ModelInfo
from lsp_server.ipc.requests import Chunk, Done, Event, Generate, Prefilled, Timings
from lsp_server.postprocess.statements import LEAVES
from lsp_server.prompt.families import family_named

# exact: the true middle, and stops. runs-on: goes on with what stands below. perturbed: goes on with other code.
Oracle = Literal["exact", "runs-on", "perturbed"]

SEED = 20261124
WINDOW_TOKENS = 16384
NUM_OTHER_LINES = 60
_LONGEST_PIECE = 6  # characters of a word
_PIECE = re.compile(rf"\n| +(?= \w)| ?\w{{1,{_LONGEST_PIECE}}}| ?[^\w\s]{{1,2}}| +|\s")

_MARKERS = {"begin": "<｜begin▁of▁sentence｜>", **family_named("deepseek").markers}
_MODEL = msgspec.structs.replace(
    ModelInfo.remote("oracle", "oracle", "knows the answer", _MARKERS, WINDOW_TOKENS, "oracle"),
    isolates_line_breaks=True,
)


class OracleEngine:
    """An `EngineClient` that writes `text`, whatever it is asked, in pieces as a model does.

    Its model is prompted as DeepSeek-Coder is.
    """

    def __init__(self) -> None:
        self.text = ""

    @property
    def state(self) -> EngineState:
        """Always ready."""
        return EngineState.READY

    @property
    def model(self) -> ModelInfo | None:
        """What stands for the model."""
        return _MODEL

    def start(self) -> None:
        """There is nothing to start."""

    async def ready(self) -> ModelInfo:
        """What stands for the model, at once."""
        return _MODEL

    async def generate(self, request: Generate) -> AsyncGenerator[Event, None]:
        """Write the text."""
        timings = Timings()
        yield Prefilled(timings)
        for piece in pieces(self.text):
            if timings.decoded_tokens == request.max_tokens:
                yield Done("length", timings)
                return
            timings.decoded_tokens += 1
            yield Chunk(piece)
        yield Done("end", timings)


def pieces(text: str) -> Iterator[str]:
    """A text cut as a vocabulary might: words with the space before them, in parts where they are long; line breaks."""
    return (match[0] for match in _PIECE.finditer(text))


class OracleTexts:
    """What an oracle writes for each task."""

    def __init__(self, oracle: Oracle, tasks: Sequence[Task]) -> None:
        self._oracle = oracle
        self._statements = list(_statements(tasks))

    def of(self, task: Task) -> str:
        """All that it writes, if nobody stops it."""
        if self._oracle == "exact":
            return task.truth
        if self._oracle == "runs-on":
            return task.truth + task.after
        rest_of_line = task.after.partition("\n")[0]
        return f"{task.truth}{rest_of_line}\n{''.join(self._other_lines(task))}"

    def may_go_on(self, task: Task) -> bool:
        """Whether the truth with the next line of what it runs on into would be as right, for all that can be told: the
        program parses, and the line could be reached."""
        last = task.truth.rstrip().rpartition("\n")[2].strip()
        if self._oracle != "perturbed" or LEAVES.match(last):
            return False
        rest_of_line = task.after.partition("\n")[0]
        extra = next(self._other_lines(task)).rstrip("\n")
        return _parses(f"{task.before}{task.truth}{rest_of_line}\n{extra}{task.after}")

    def _other_lines(self, task: Task) -> Iterator[str]:
        """Statements of other programs, indented as the line that the truth ends on, or as what it heads."""
        chooser = random.Random(f"{SEED} {task.name}")  # noqa: S311  (any lines will do)
        indentation = _indentation_after(task)
        text = task.before + task.truth + task.after
        others = [each for each in self._statements if each not in text]
        for _ in range(NUM_OTHER_LINES):
            yield f"{indentation}{chooser.choice(others)}\n"


def _indentation_after(task: Task) -> str:
    last = (task.before + task.truth).rstrip().rpartition("\n")[2]
    last_indentation = last[: len(last) - len(last.lstrip())]
    below = next((line for line in task.after.partition("\n")[2].split("\n") if line.strip()), "")
    below_indentation = below[: len(below) - len(below.lstrip())]
    return max(last_indentation, below_indentation, key=len) if last.endswith(":") else last_indentation


def _statements(tasks: Sequence[Task]) -> Iterator[str]:
    """Lines of the tasks' programs that are statements by themselves, each once, in their order."""
    programs = dict.fromkeys(task.before + task.truth + task.after for task in tasks)
    lines = dict.fromkeys(line.strip() for program in programs for line in program.split("\n") if line[:1] == " ")
    return (line for line in lines if line and not line.startswith(("#", '"')) and _parses(line))


def _parses(text: str) -> bool:
    with suppress(SyntaxError, ValueError):
        ast.parse(text)
        return True
    return False

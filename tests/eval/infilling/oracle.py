"""Simulated models that know the expected text, to measure what post-processing makes of it."""

from __future__ import annotations

import ast
import random
import re
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import suppress
from typing import Literal

import msgspec

from lsp_server.engine.client.interface import EngineState
from lsp_server.ipc.model_info import ModelInfo
from lsp_server.ipc.requests import Chunk, Done, Event, Generate, Prefilled, Timings
from lsp_server.postprocess.statements import LEAVES
from lsp_server.prompt.families import family_named
from tests.eval.infilling.tasks import Task

# exact: writes the expected text and stops. runs-on: goes on with the text below. perturbed: goes on with other code.
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
    """Satisfies `EngineClient`: writes `text` for every prompt, in pieces as a model does.

    Its model is prompted like DeepSeek-Coder.
    """

    def __init__(self) -> None:
        self.text = ""

    @property
    def state(self) -> EngineState:
        """Always ready."""
        return EngineState.READY

    @property
    def model(self) -> ModelInfo | None:
        """The simulated model."""
        return _MODEL

    def start(self) -> None:
        """Do nothing: it is always ready."""

    async def ready(self) -> ModelInfo:
        """The simulated model, at once."""
        return _MODEL

    async def generate(self, request: Generate) -> AsyncGenerator[Event, None]:
        """Write the text."""
        yield Prefilled(Timings())
        for number, piece in enumerate(pieces(self.text)):
            if number == request.max_tokens:
                yield Done("length", Timings(decoded_tokens=number))
                return
            yield Chunk(piece)
        yield Done("end", Timings())


def pieces(text: str) -> Iterator[str]:
    """A text cut as by a vocabulary: words with the space before them, long words in parts, line breaks alone."""
    return (match[0] for match in _PIECE.finditer(text))


class OracleTexts:
    """The texts of an oracle for each task."""

    def __init__(self, oracle: Oracle, tasks: Sequence[Task]) -> None:
        self._oracle = oracle
        self._statements = list(_statements(tasks))

    def of(self, task: Task) -> str:
        """All that the oracle writes for a task, if nothing stops it."""
        if self._oracle == "exact":
            return task.expected
        if self._oracle == "runs-on":
            return task.expected + task.after
        rest_of_line = task.after.partition("\n")[0]
        return f"{task.expected}{rest_of_line}\n{''.join(self._other_lines(task))}"

    def may_go_on(self, task: Task) -> bool:
        """Whether a text that goes on by one line would be as right as the expected one.

        That is so if the program parses with the line, and the line can be reached.
        """
        last = task.expected.rstrip().rpartition("\n")[2].strip()
        if self._oracle != "perturbed" or LEAVES.match(last):
            return False
        rest_of_line = task.after.partition("\n")[0]
        extra = next(self._other_lines(task)).rstrip("\n")
        return _parses(f"{task.before}{task.expected}{rest_of_line}\n{extra}{task.after}")

    def _other_lines(self, task: Task) -> Iterator[str]:
        """Statements of other programs, indented as the last expected line, or as the block that this line heads."""
        chooser = random.Random(f"{SEED} {task.name}")
        indentation = _indentation_after(task)
        text = task.before + task.expected + task.after
        others = [each for each in self._statements if each not in text]
        for _ in range(NUM_OTHER_LINES):
            yield f"{indentation}{chooser.choice(others)}\n"


def _indentation_after(task: Task) -> str:
    last = (task.before + task.expected).rstrip().rpartition("\n")[2]
    last_indentation = last[: len(last) - len(last.lstrip())]
    below = next((line for line in task.after.partition("\n")[2].split("\n") if line.strip()), "")
    below_indentation = below[: len(below) - len(below.lstrip())]
    return max(last_indentation, below_indentation, key=len) if last.endswith(":") else last_indentation


def _statements(tasks: Sequence[Task]) -> Iterator[str]:
    """Lines of the tasks' programs that are statements by themselves. Each comes once, in order."""
    programs = dict.fromkeys(task.before + task.expected + task.after for task in tasks)
    lines = dict.fromkeys(line.strip() for program in programs for line in program.split("\n") if line[:1] == " ")
    return (line for line in lines if line and not line.startswith(("#", '"')) and _parses(line))


def _parses(text: str) -> bool:
    with suppress(SyntaxError, ValueError):
        ast.parse(text)
        return True
    return False

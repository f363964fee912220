"""Whether the lines of a text stand at levels of indentation that they can have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from lsp_server.languages.balance import begins_branch, begins_close, has_no_indentation
from lsp_server.languages.indentation import IndentedLine
from lsp_server.languages.line_patterns import BLOCK_START, CONTINUES
from lsp_server.languages.syntax import language

_MEMBER = re.compile(r"[\"'\w$.-]+\s*[:=]|[\"'\d\[{]")


class Levels:
    """The levels above a line, against which the lines below it are checked.

    `step` is one level in columns; a tab counts as much. `above` are the lines before, the nearest last.
    """

    def __init__(self, above: Sequence[IndentedLine], own: str, step: int, language_id: str) -> None:
        self._step, self._language = step, language_id
        self._has_python_blocks = language(language_id).has_python_blocks
        self._stack = [self._columns(own)]
        for line in reversed(above):
            if line.begins_statement and self._columns(line.indentation) < self._stack[0]:
                self._stack.insert(0, self._columns(line.indentation))

    def misfits(self, first: str, lines: Iterable[tuple[str, IndentedLine]], *, exactly: bool) -> int:
        """How many lines stand where no line can, behind a first line of that code.

        `exactly`: a block is one level deeper than its header, and not only deeper.
        """
        stack, code, found = list(self._stack), first, 0
        for indentation, line in lines:
            if not line.begins_statement:
                code = line.code or code
                continue
            at = self._columns(indentation)
            is_free = (
                CONTINUES.match(line.code)
                or begins_branch(line.code, self._language)
                or has_no_indentation(line.code, self._language)
            )
            found += not is_free and not self._may_stand(at, line.code, code, stack, exactly=exactly)
            code = line.code
            stack = [each for each in stack if each < at] + [at]
        return found

    def _may_stand(self, at: int, code: str, above: str, stack: list[int], *, exactly: bool) -> bool:
        """Whether a line of some code may stand at a column, below a line of other code at the last of the levels."""
        last = stack[-1]
        if at < last:
            return at in stack
        if self._opens(above) and not begins_close(code, self._language):
            if at == last:
                return not self._has_python_blocks
            return not exactly or at == last + self._step
        return at == last or not self._is_finished(above)

    def _opens(self, code: str) -> bool:
        if self._has_python_blocks:
            return code.endswith((":", "(", "[", "{"))
        return BLOCK_START.search(code) is not None

    def _is_finished(self, code: str) -> bool:
        """Whether a line of code ends a statement or a member, so that the next line is no deeper."""
        return self._has_python_blocks or code.endswith((";", "}")) or bool(code.endswith(",") and _MEMBER.match(code))

    def _columns(self, indentation: str) -> int:
        return len(indentation.expandtabs(self._step))

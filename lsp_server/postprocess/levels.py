"""Whether the lines of a text stand at levels of indentation that they can have."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lsp_server.languages.balance import begins_branch, begins_close, has_no_indentation
from lsp_server.languages.forms import Kind
from lsp_server.languages.indentation import IndentedLine
from lsp_server.languages.line_patterns import BLOCK_START, CONTINUES
from lsp_server.languages.syntax import language

_MEMBER = re.compile(r"[\"'\w$.-]+\s*[:=]|[\"'\d\[{]")


class Levels:
    """The levels of the lines above a text, against which its lines are checked.

    `step` is one level in columns; a tab counts as much.
    """

    def __init__(self, above: Sequence[IndentedLine], step: int, language_id: str) -> None:
        self._step, self._language = step, language_id
        self._has_python_blocks = language(language_id).has_python_blocks
        self._above = above

    def misfits(self, lines: Sequence[IndentedLine], *, exactly: bool) -> int:
        """How many lines stand where no line can. The first one is the cursor's, and stands where it stands.

        `exactly`: a block is one level deeper than its header, and not only deeper.
        """
        found, code = 0, ""
        stack: list[int] = []  # the columns of statements
        others: list[int] = []  # those of what goes on with a statement: a bracket may be closed there
        for number, line in enumerate([*self._above, *lines], start=-len(self._above)):
            if not line.code or line.kind is not Kind.CODE:
                continue
            at = len(line.indentation.expandtabs(self._step))
            if line.is_aligned or self._continues(line.code):
                others = [each for each in others if each < at] + [at]
            else:
                is_free = number <= 0 or (at in others and not self._has_python_blocks) or self._is_free(line.code)
                found += not is_free and not self._may_stand(at, line.code, code, stack, exactly=exactly)
                others = [each for each in others if each <= at]
                stack = [each for each in stack if each < at] + [at]
            code = line.code
        return found

    def _continues(self, code: str) -> bool:
        is_unpacking = self._has_python_blocks and code.startswith("*")  # `*some, last = all`
        return not is_unpacking and CONTINUES.match(code) is not None

    def _is_free(self, code: str) -> bool:
        return begins_branch(code, self._language) or has_no_indentation(code, self._language)

    def _may_stand(self, at: int, code: str, above: str, stack: list[int], *, exactly: bool) -> bool:
        """Whether a line of some code may stand at a column, below a line of other code at the last of the levels."""
        last = stack[-1] if stack else 0
        if at < last:
            return at in stack or (at < stack[0] and not at % self._step)
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

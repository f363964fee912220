"""Takes the code out of an instruct model's reply, and refuses what would put no code in the place of code.

A reply with a fenced block is that block. Without a fence, only a language with a grammar can tell code from prose.
"""

from __future__ import annotations

import re

from lsp_server.actions.selection import text_between
from lsp_server.actions.source import Source
from lsp_server.base.errors import ActionError
from lsp_server.languages.grammars import count_errors
from lsp_server.languages.syntax import language
from lsp_server.text.document import Position

NOTHING = "The model wrote nothing for this place."
NO_CODE = "The model replied with no code that fits here, so nothing was changed."

# A fence that is four blanks deeper than the one before is text of the block, as in a docstring. Possessive: a model
# that repeats itself writes long lines of backquotes.
_FENCED = re.compile(
    r"^(?P<deep>[ \t]*)(?P<fence>```++|~~~++)[ \t]*(?P<name>[\w+#.-]*)[^\n]*+\n(?P<text>.*?)"
    r"(?:^(?:(?P=deep))?[ ]{0,3}(?P=fence)[ \t]*$|\Z)",
    re.DOTALL | re.MULTILINE,
)
_THOUGHTS = re.compile(r"\s*<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL)
_DIFFS = ("diff", "patch")
_WORD_ALONE = re.compile(r"\s*[A-Z][A-Za-z]*\s*")  # as "OK", which is a name in most languages
_FENCE = re.compile(r"```|~~~")
_WORD = r"[A-Za-z][a-z]*(?:['’-][a-z]+)*"
_NEXT_WORD = rf"[,!:.]*\s+{_WORD}[,.!?:]*"
# A line that begins as a sentence does: three words, or fewer with a mark at the end. It does not end as code.
_SENTENCE = re.compile(
    rf"(?!.*[;{{}}=]\s*$)\s*(?:[-*]\s|\d+\.\s)?[A-Z]['’a-z]*"
    rf"(?:(?:{_NEXT_WORD}){{2,}}|(?:{_NEXT_WORD})*(?<=[.!?])\s*$|[!.](?=\s|$))"
)
_APOLOGY = re.compile(
    r"\s*(?:(?:I['’]m|I am|we are|we['’]re)\s+(?:\w+\s+)?(?:sorry|unable|afraid|not able)|sorry\b(?!\w|\s*[=(.:])"
    r"|apologies\b(?=[,.! ])|(?:my|our) apologies|I apologi[sz]e|unfortunately,|as an ai\b"
    r"|I (?:cannot|can['’]t|can not|won['’]t|could not|couldn['’]t)\b)",
    re.IGNORECASE,
)
_MAX_FIRST_LINE = 500
_MAX_PARSED_CHARACTERS = 1_000_000


def code_of(reply: str, source: Source, start: Position, end: Position) -> str:
    """The code of a reply that replaces a range, as deep as what stands there.

    Raises `ActionError` if the reply holds no code, or prose where code stands.
    """
    standing = text_between(source, start, end)
    reply = reply.replace("\r\n", "\n")
    if thoughts := _THOUGHTS.match(reply):
        reply = reply[thoughts.end() :]
    name, block = _fenced(reply, source.language_id)
    code = reply.strip("\n") if block is None else block
    if not code.strip():
        raise ActionError(NOTHING)
    code = indented_like(code.rstrip(), standing)
    refuse_prose(source, start, end, code)
    if block is None:
        is_prose = _is_prose(code) and not _is_prose(standing)
        if is_prose or _FENCE.search(reply) or _adds_errors(source, start, end, code):
            raise ActionError(NO_CODE)
    elif name in _DIFFS or (_is_foreign(name, source) and _adds_errors(source, start, end, code)):
        raise ActionError(NO_CODE)
    return code


def refuse_prose(source: Source, start: Position, end: Position, text: str) -> None:
    """Raise `ActionError` if a text that replaces a range is prose instead of code. Prose may replace prose."""
    if language(source.language_id).has_fences or _is_sentence(text_between(source, start, end)):
        return
    has_grammar = bool(language(source.language_id).grammar)
    breaks = has_grammar and _is_sentence(text) and _adds_errors(source, start, end, text)
    if breaks or _APOLOGY.match(text):
        raise ActionError(NO_CODE)


def fenced_block(reply: str, language_id: str = "") -> str | None:
    """The fenced block of a reply that is not blank, without line breaks at both ends.

    Of several it is the first that says the language, else the first that says none, else the first. Empty if all
    blocks are blank. None if there is no block.
    """
    return _fenced(reply, language_id)[1]


def indented_like(code: str, original: str) -> str:
    """Code, indented as deep as the lines that it replaces. Models often leave that indentation out."""
    wanted, found = _least_indentation(original), _least_indentation(code)
    if found == wanted or not (wanted.startswith(found) or found.startswith(wanted)):
        return code
    lines = code.split("\n")
    if len(wanted) > len(found):
        added = wanted[len(found) :]
        return "\n".join(added + line if line.strip() else line for line in lines)
    return "\n".join(line[len(found) - len(wanted) :] if line.strip() else line for line in lines)


def _fenced(reply: str, language_id: str) -> tuple[str, str | None]:
    """The fenced block of a reply, behind the language that it says."""
    blocks = [(match["name"].lower(), match["text"].strip("\n")) for match in _FENCED.finditer(reply)]
    if not blocks:
        return "", None
    filled = [each for each in blocks if each[1].strip()]
    same = [each for each in filled if each[0] and language(each[0]) is language(language_id)]
    unnamed = [each for each in filled if not each[0]]
    return next(iter([*same, *unnamed, *filled]), ("", ""))


def _is_foreign(name: str, source: Source) -> bool:
    """Whether a block says another language than the source's, whose grammar can tell whether it fits."""
    wanted = language(source.language_id)
    return bool(name and wanted.grammar and language(name).id not in ("plaintext", wanted.id))


def _is_prose(text: str) -> bool:
    return _is_sentence(text) or _WORD_ALONE.fullmatch(text) is not None


def _is_sentence(text: str) -> bool:
    """Whether the first line that is not blank reads as prose."""
    first = text.lstrip().partition("\n")[0][:_MAX_FIRST_LINE]
    return bool(_SENTENCE.match(first) or _APOLOGY.match(first))


def _adds_errors(source: Source, start: Position, end: Position, code: str) -> bool:
    """Whether the document would have more syntax errors with the code than it has now. Without a grammar it may."""
    grammar = language(source.language_id).grammar
    if not grammar:
        return True
    last = Position(len(source.lines) - 1, len(source.lines[-1]))
    before, after = text_between(source, Position(0, 0), start), text_between(source, end, last)
    standing = text_between(source, start, end)
    if len(before) + len(after) > _MAX_PARSED_CHARACTERS:
        before = after = ""
    return count_errors(grammar, before + code + after) > count_errors(grammar, before + standing + after)


def _least_indentation(text: str) -> str:
    found = [line[: len(line) - len(line.lstrip())] for line in text.split("\n") if line.strip()]
    return min(found, key=len, default="")

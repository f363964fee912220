"""Which brackets, blocks and tags a text leaves open or closes, and what the first token of a line says. Pure."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from lsp_server.languages.blocks import VOID_TAGS, WordBlock
from lsp_server.languages.lexer import START, State, blanked
from lsp_server.languages.record import Language
from lsp_server.languages.syntax import language

_OPENERS = {")": "(", "]": "[", "}": "{"}
_NEAR = 200  # characters before an opener that `WordBlock.after` looks at
_TAG_NAME = r"(?:[A-Za-z][\w:.-]*|(?=>))"
# What stands on its own, besides the words of a language: an opener's pattern, a closer's, and what their kinds begin
# with. The name is their group `n…`.
# A tag is open from its name on. What looks like one in TypeScript may be a parameter of a type.
_TAGS = (rf"<(?P<NAME>{_TAG_NAME})(?=[\s/>])", rf"</(?P<NAME>{_TAG_NAME})\s*>", "<")
_TAGS_IN_CODE = (rf"(?<![\w)\]])<(?P<NAME>{_TAG_NAME})(?=[\s/>])(?!>\(|\s+extends\b|\s*=)", _TAGS[1], "<")
_REST_OF_TAG = re.compile(r"(?:=>|[^<>])*+>")  # none: it is still written, or has another tag in it
_ENVIRONMENTS = (r"\\begin\{(?P<NAME>[^{}\n]*)\}", r"\\end\{(?P<NAME>[^{}\n]*)\}", "\\")
_TEMPLATES = (
    r"\{%[-+]?\s*(?P<NAME>if|for|block|macro|filter|with|call|autoescape|unless|case|capture|comment|raw|while|embed|trans)\b[^%\n]*%\}",
    r"\{%[-+]?\s*end_?(?P<NAME>\w*)[^%\n]*%\}", "%",
)  # fmt: skip
_SVELTE = (r"\{\#(?P<NAME>\w+)[^{}\n]*\}", r"\{/(?P<NAME>\w+)\}", "{#")
_HANDLEBARS = (r"\{\{[#^](?P<NAME>\w+)[^{}\n]*\}\}", r"\{\{/(?P<NAME>\w+)\}\}", "{{#")
_PREPROCESSOR = (r"^[ \t]*\#[ \t]*(?P<NAME>if|region)(?:n?def)?\b", r"^[ \t]*\#[ \t]*end(?P<NAME>if|region)\b", "#")


@dataclass(frozen=True, slots=True)
class Delimiter:
    """What opens or closes. `kind` says what pairs: a bracket, the words of a block, the name of a tag."""

    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Balance:
    """The closers whose opener is not in the text, and the openers left open at its end, outermost first.

    `void` is where the last tag without an end began.
    """

    closes: tuple[Delimiter, ...] = ()
    opens: tuple[Delimiter, ...] = ()
    void: int = -1


@dataclass(frozen=True, slots=True)
class _Group:
    """What a group of the pattern of delimiters means. Without a kind: nothing, it is only read over."""

    kind: str
    opens: bool
    named: str = ""
    block: WordBlock | None = None
    void: frozenset[str] = frozenset()
    counts_in_brackets: bool = True
    ends_tag: bool = False

    def kind_of(self, match: re.Match[str]) -> str:
        """The kind with the name of a tag or an environment."""
        return self.kind + (match[self.named] or "") if self.named else self.kind


def balance(text: str, language_id: str, state: State = START, start: int = 0) -> Balance:
    """What a text from `start` on opens and closes. `state` is what is open at `start` for the lexer."""
    return balance_behind(Balance(), text, blanked(text, language_id, state, start), language_id, start)


def balance_behind(above: Balance, text: str, code: str, language_id: str, start: int) -> Balance:
    """The balance of a text whose part before `start` has one already. `code` is the code behind `start`."""
    line_start = text.rfind("\n", 0, start) + 1
    code = text[line_start:start] + code
    void = above.void
    closes = list(above.closes)
    opens: dict[str, list[Delimiter]] = {}
    for each in above.opens:
        opens.setdefault(each.kind, []).append(each)
    pattern, groups = _delimiters(language_id)
    for match in pattern.finditer(code, start - line_start):
        group = groups[match.lastgroup or ""]
        if group.ends_tag:
            _end_tag(opens, void)
            continue
        if not _counts(match, group, opens, text, line_start):
            void = match.start() + line_start if group.void else void
            continue
        kind = group.kind_of(match)
        rest = _REST_OF_TAG.match(code, match.end()) if kind.startswith("<") and group.opens else None
        end = (rest or match).end()
        found = Delimiter(kind, code[match.start() : end], match.start() + line_start, end + line_start)
        if group.opens:
            opens.setdefault(kind, []).append(found)
        elif opens.get(kind):
            opens[kind].pop()
        else:
            closes.append(found)
    left = (each for kind in opens.values() for each in kind)
    return Balance(tuple(closes), tuple(sorted(left, key=lambda each: each.start)), void)


def _counts(match: re.Match[str], group: _Group, opens: dict[str, list[Delimiter]], text: str, offset: int) -> bool:
    """Whether what looks like a delimiter is one. What stands before it is looked for in the text: a string counts."""
    if not group.kind:
        return False
    if group.named and (match[group.named] or "").lower() in group.void:
        return False
    if not group.block:
        return True
    if not group.counts_in_brackets and _is_in_brackets(opens):
        return False
    after = group.block.after if group.opens else group.block.closes_after
    at = match.start() + offset
    return not after or bool(_compiled(after).search(text, max(0, at - _NEAR), at))


def _end_tag(opens: dict[str, list[Delimiter]], void: int) -> None:
    """`/>` closes the innermost tag, if it is none without an end."""
    tags = (each for kind, each in opens.items() if each and kind.startswith("<"))
    innermost = max(tags, key=lambda each: each[-1].start, default=None)
    if innermost and innermost[-1].start > void:
        innermost.pop()


def _is_in_brackets(opens: dict[str, list[Delimiter]]) -> bool:
    """Whether a bracket is open that began behind the last word."""
    last = max((each[-1].start for kind, each in opens.items() if each and kind not in "([{"), default=-1)
    return any(opens.get(kind) and opens[kind][-1].start > last for kind in "([")


def begins_close(line: str, language_id: str) -> bool:
    """Whether the first token of a line of code closes something."""
    return bool(_close_pattern(language_id).match(line))


def begins_branch(line: str, language_id: str) -> bool:
    """Whether a line begins another branch or another case of a statement."""
    return bool(_branch_pattern(language_id).match(line))


def has_no_indentation(line: str, language_id: str) -> bool:
    """Whether a line stands at the margin, whatever block it is in, as a label or a preprocessor's line may."""
    flush = language(language_id).blocks.flush
    return bool(flush and _compiled(flush).match(line))


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.MULTILINE)


def _flags(record: Language) -> int:
    return re.MULTILINE | (re.IGNORECASE if record.blocks.ignores_case else 0)


def _pairs(record: Language) -> list[tuple[str, str, str, WordBlock | None]]:
    """The patterns of openers and closers of a language, besides brackets, and their kinds."""
    blocks = record.blocks
    marks = (
        (blocks.has_preprocessor, _PREPROCESSOR),
        (blocks.has_templates, _TEMPLATES),
        (blocks.has_templates, _HANDLEBARS),
        (blocks.has_templates, _SVELTE),
        (blocks.has_tags, _TAGS_IN_CODE if blocks.has_tags_in_code else _TAGS),
        (blocks.has_environments, _ENVIRONMENTS),
    )
    found: list[tuple[str, str, str, WordBlock | None]] = [(*mark, None) for has_it, mark in marks if has_it]
    return found + [(each.begin, each.end, each.name, each) for each in blocks.words]


@functools.cache
def _delimiters(language_id: str) -> tuple[re.Pattern[str], dict[str, _Group]]:
    """One pattern for all delimiters of a language, and what its groups mean."""
    record = language(language_id)
    groups = {f"bracket{number}": _Group(sign, True) for number, sign in enumerate("([{")}
    groups |= {f"closer{number}": _Group(sign, False) for number, sign in enumerate("([{")}
    parts = [f"{re.escape(sign)}(?P<bracket{number}>)" for number, sign in enumerate("([{")]
    parts += [f"{re.escape(sign)}(?P<closer{number}>)" for number, sign in enumerate(")]}")]
    if record.blocks.ignored:
        groups["ignored"] = _Group("", True)
        parts.insert(0, f"(?:{record.blocks.ignored})(?P<ignored>)")
    if record.blocks.has_tags:
        groups["end_of_tag"] = _Group("<", False, ends_tag=True)
        parts.append("/>(?P<end_of_tag>)")
    words = []
    for number, (begin, end, kind, block) in enumerate(_pairs(record)):
        for letter, pattern, opens in (("c", end, False), ("o", begin, True)):
            name = f"{letter}{number}"
            named = f"n{name}" if "NAME" in pattern else ""
            words.append(f"(?:{pattern.replace('NAME', named)})(?P<{name}>)")
            void = VOID_TAGS if named and record.blocks.has_tags else frozenset()
            groups[name] = _Group(kind, opens, named, block, void, record.blocks.ends_in_brackets)
    return re.compile("|".join([*words, *parts]), _flags(record)), groups


@functools.cache
def _close_pattern(language_id: str) -> re.Pattern[str]:
    record = language(language_id)
    ends = [re.sub(r"\(\?P<NAME>", "(?:", end) for _, end, _, _ in _pairs(record)]
    return re.compile(
        r"\s*(?:[)\]}]|" + "|".join([*ends, *(["</"] if record.blocks.has_tags else []), "(?!)"]) + ")", _flags(record)
    )


@functools.cache
def _branch_pattern(language_id: str) -> re.Pattern[str]:
    record = language(language_id)
    any_word = "|".join(map(re.escape, (*record.branch_words, *record.case_words))) or "(?!)"
    preprocessor = r"|#\s*(?:else|elif)\b" if record.blocks.has_preprocessor else ""
    more = f"|{record.blocks.branches}" if record.blocks.branches else ""
    return re.compile(rf"\s*\}}?\s*(?:(?:{any_word})\b(?!\s*[=(.]?=(?!=)){preprocessor}{more})", _flags(record))

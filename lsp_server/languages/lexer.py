"""The lexer: spans of code, comment and string in a text of any language of the table. Pure.

It knows no grammar. The forms of a language's comments and strings (`table.py`, `forms.py`) say what begins a span and
what ends it. So it reads half-written text too, and goes on from any line. Each character is read once or twice.
"""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from lsp_server.languages.forms import Form, Kind
from lsp_server.languages.syntax import language

_FLAGS = re.MULTILINE | re.DOTALL
_NEAR = 80  # characters before a form that `Form.after` looks at
_MAX_LEAD = 20  # characters
_CLOSERS = {"{": "}", "(": ")", "[": "]", "<": ">"}
_NO_FORM = Form(Kind.CODE, "")
_Forms = tuple[tuple[Form, re.Pattern[str]], ...]
_IN_LINE = re.compile(r"[^\r\n]+")


class Span(NamedTuple):
    """A piece of text of one kind, by offsets. The marks of a comment or a string belong to it."""

    kind: Kind
    start: int
    end: int


class _Frame(NamedTuple):
    """A form that is open.

    `tag` is that of its beginning, `language` that of the code around or in it. With a `bracket`, it is code inside the
    form, and `depth` counts the brackets of this kind that are open.
    """

    form: Form
    tag: str
    language: str
    bracket: str = ""
    depth: int = 0

    @property
    def is_code(self) -> bool:
        return bool(self.bracket or self.form.language)


@dataclass(frozen=True, slots=True)
class State:
    """What is open at the end of a text, outermost first, and here-documents that begin with the next line."""

    frames: tuple[_Frame, ...] = ()
    pending: tuple[_Frame, ...] = ()

    @property
    def kind(self) -> Kind:
        """The kind of the text that follows."""
        return self.frames[-1].form.kind if self.frames and not self.frames[-1].is_code else Kind.CODE


START = State()


def lex(text: str, language_id: str, state: State = START, start: int = 0) -> tuple[list[Span], State]:
    """The spans of a text from `start` on, and what is open at its end. `state` is what is open at `start`."""
    reader = _Reader(text, language_id, state, start)
    spans = reader.read()
    return spans, State(tuple(reader.frames), tuple(reader.pending))


def blanked(text: str, language_id: str, state: State = START, start: int = 0) -> str:
    """The code of a text from `start` on. Other characters are spaces; line breaks stay. The length is the same."""
    return code_in(text, lex(text, language_id, state, start)[0])


def code_in(text: str, spans: Iterable[Span], kinds: Collection[Kind] = (Kind.CODE,)) -> str:
    """The text of the spans that are of some kinds, and spaces for the others."""
    pieces = ((span, text[span.start : span.end]) for span in spans)
    return "".join(piece if span.kind in kinds else _IN_LINE.sub(_spaces, piece) for span, piece in pieces)


def _spaces(match: re.Match[str]) -> str:
    return " " * len(match[0])


class _Reader:
    """One pass over a text."""

    def __init__(self, text: str, language_id: str, state: State, start: int) -> None:
        self._text = text
        self._language = language_id
        self._at = start
        self._spans: list[Span] = []
        self._open_until: dict[tuple[Form, str], int] = {}
        self.frames = list(state.frames)
        self.pending = list(state.pending)

    def read(self) -> list[Span]:
        """All spans from the start on."""
        while self._at < len(self._text):
            if not self.frames or self.frames[-1].is_code:
                self._read_code()
            else:
                self._read_inside(self.frames[-1])
        return self._spans

    def _emit(self, kind: Kind, end: int) -> None:
        """The text up to `end` is of a kind."""
        if end > self._at:
            last = self._spans[-1] if self._spans else None
            if last and last.kind is kind:
                self._spans[-1] = Span(kind, last.start, end)
            else:
                self._spans.append(Span(kind, self._at, end))
        self._at = end

    def _read_code(self) -> None:
        """Code up to where another frame is on top."""
        frame = self.frames[-1] if self.frames else _Frame(_NO_FORM, "", self._language)
        table = _code_table(frame.form, frame.tag, frame.language, frame.bracket, bool(self.pending))
        at = self._at
        while match := table.stops.search(self._text, at):
            at = match.start()
            sign = match[0]
            if sign == "\n":
                self._emit(Kind.CODE, match.end())
                return self._end_line()
            if frame.bracket and sign in (frame.bracket, _CLOSERS[frame.bracket]):
                frame = frame._replace(depth=frame.depth + (1 if sign == frame.bracket else -1))
                self.frames[-1] = frame
                if not frame.depth:
                    self._emit(Kind.CODE, at)
                    self.frames.pop()
                    return self._emit(frame.form.kind, match.end())
            elif table.end and (end := table.end.match(self._text, at)):
                self._emit(Kind.CODE, end.end())
                self.frames.pop()
                return None
            elif found := self._form_at(table.forms, at):
                form, begin, end_at = found
                if form.kind is not Kind.CODE or form.end:
                    return self._begin(form, begin, end_at)
                at = end_at
                continue
            at += 1
        return self._emit(Kind.CODE, len(self._text))

    def _form_at(self, forms: Mapping[str, _Forms], at: int) -> tuple[Form, re.Match[str], int] | None:
        """The first form that begins at an offset, and where it ends. -1: that is still to be read."""
        for form, pattern in forms.get(self._text[at], ()):
            begin = pattern.match(self._text, at)
            if not begin or (form.after and not _compiled(form.after).search(self._text, max(0, at - _NEAR), at)):
                continue
            if not form.one_line:
                return form, begin, -1 if form.end else begin.end()
            if rest := self._rest_of_line(form, begin):
                return form, begin, rest.end() if rest["end"] and not form.code else -1
        return None

    def _rest_of_line(self, form: Form, begin: re.Match[str]) -> re.Match[str] | None:
        """The rest of a form that ends on its line, or whose line goes on or may still be written."""
        key = form, _tag(begin)
        if begin.end() < self._open_until.get(key, -1):
            return None
        rest = _rest(*key).match(self._text, begin.end())
        if not rest:
            self._open_until[key] = self._text.find("\n", begin.end())
        return rest

    def _begin(self, form: Form, begin: re.Match[str], end_at: int) -> None:
        start = begin.start()
        if form.lead and (lead := _compiled(form.lead).search(self._text, max(self._at, start - _MAX_LEAD), start)):
            start = lead.start()
        self._emit(Kind.CODE, start)
        self._emit(form.kind, begin.end() if end_at < 0 else end_at)
        around = self.frames[-1].language if self.frames else self._language
        frame = _Frame(form, _tag(begin), form.language or around)
        if form.next_line:
            self.pending.append(frame)
        elif end_at < 0:
            self.frames.append(frame)

    def _read_inside(self, frame: _Frame) -> None:
        """A comment or a string, up to where another frame is on top."""
        form, at = frame.form, self._at
        end, stops = _end(form, frame.tag), _inner_stops(form, frame.tag)
        while match := stops.search(self._text, at):
            if closing := end.match(self._text, match.start()):
                self._emit(form.kind, closing.end())
                self.frames.pop()
                return None
            if match[0] == "\n":
                self._emit(form.kind, match.start())
                return self._end_line()
            if form.escape and (escaped := _compiled(form.escape).match(self._text, match.start())):
                at = escaped.end()
                continue
            self._emit(form.kind, match.end())
            self.frames.append(frame._replace(bracket=match[0][-1], depth=1) if _is_code(form, match) else frame)
            return None
        return self._emit(form.kind, len(self._text))

    def _end_line(self) -> None:
        """What ends with a line is closed, and here-documents begin."""
        first = next((i for i, frame in enumerate(self.frames) if frame.form.one_line), len(self.frames))
        del self.frames[first:]
        self.frames += reversed(self.pending)
        self.pending.clear()


def _tag(begin: re.Match[str]) -> str:
    return (begin["tag"] or "") if "tag" in begin.re.groupindex else ""


def _is_code(form: Form, match: re.Match[str]) -> bool:
    return bool(form.code and _compiled(form.code).match(match.string, match.start()))


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, _FLAGS)


@functools.lru_cache(maxsize=1024)
def _filled(pattern: str, tag: str) -> str:
    """A pattern in which `TAG` and `CLOSE` stand for the tag and for the bracket that closes it."""
    return pattern.replace("TAG", re.escape(tag)).replace("CLOSE", re.escape(_CLOSERS.get(tag, tag)))


@functools.lru_cache(maxsize=1024)
def _end(form: Form, tag: str) -> re.Pattern[str]:
    return re.compile(_filled(form.end, tag), _FLAGS)


@functools.lru_cache(maxsize=1024)
def _inner_stops(form: Form, tag: str) -> re.Pattern[str]:
    """What a reader inside a form has to look at."""
    parts = (_filled(form.end, tag), form.escape, form.code, _filled(form.nest, tag), r"\n" if form.one_line else "")
    return re.compile("|".join(filter(None, parts)), _FLAGS)


@functools.lru_cache(maxsize=1024)
def _rest(form: Form, tag: str) -> re.Pattern[str]:
    """The rest of a form on one line: up to its end, to the end of a line that goes on, or to that of the text."""
    end = _filled(form.end, tag)
    escape = f"{form.escape}|" if form.escape else ""
    return re.compile(rf"(?:[\w ]++|(?!{end})(?:{escape}[^\n]))*+(?:(?P<end>{end})|(?<=\\\n)|\Z)", _FLAGS)


class _CodeTable(NamedTuple):
    """What a reader of code has to look at: stops, forms by their first characters, and the end of embedded code."""

    stops: re.Pattern[str]
    forms: Mapping[str, _Forms]
    end: re.Pattern[str] | None


@functools.lru_cache(maxsize=1024)
def _code_table(form: Form, tag: str, language_id: str, bracket: str, has_pending: bool) -> _CodeTable:
    forms: dict[str, _Forms] = defaultdict(tuple)
    parts = []
    for each in language(language_id).forms:
        first = each.begin[1] if each.begin[0] == "\\" else each.begin[0]
        forms[first] += ((each, _compiled(each.begin)),)
        parts.append(each.begin.replace("(?P<tag>", "(?:"))
    end = _end(form, tag) if form.language and not bracket else None
    if bracket:
        parts += [re.escape(bracket), re.escape(_CLOSERS[bracket])]
    elif end:
        parts.append(end.pattern)
    if has_pending or bracket:
        parts.append(r"\n")
    return _CodeTable(re.compile("|".join(parts) or r"(?!)", _FLAGS), forms, end)

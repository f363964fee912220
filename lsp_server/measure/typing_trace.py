"""Traces of edits that a user makes: endless series of steps, each a preparation and a measured request."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lsp_server.measure.corpus import Corpus, View, keystrokes

MAX_DELETED_LINES = 3


@dataclass(frozen=True, slots=True)
class Step:
    """One measured request.

    The views of `preparation` are asked for first, in order. Their answers have `preparation_tokens` each and are not
    measured. `measured` makes the measured view from the last of these answers.
    """

    preparation: tuple[View, ...]
    measured: Callable[[str], View]
    preparation_tokens: int = 1


def letters(corpus: Corpus) -> Iterator[Step]:
    """One more letter on the same line. Line breaks between letters are not measured."""
    while True:
        page = corpus.page()
        typed, preparation = "", [page.view()]
        for key in keystrokes(page.to_type):
            typed += key
            view = page.view(typed)
            if len(key) > 1 or key.isspace():
                preparation.append(view)
            else:
                yield Step(tuple(preparation), _always(view))
                preparation = []


def new_lines(corpus: Corpus) -> Iterator[Step]:
    """Enter at the end of a line, with the indentation that an editor adds."""
    while True:
        page = corpus.page()
        typed, preparation = "", [page.view()]
        for key in keystrokes(page.to_type):
            if key.startswith("\n"):
                preparation.append(page.view(typed))
                yield Step(tuple(preparation), _always(page.view(typed + key)))
                preparation = []
            typed += key


def acceptances(corpus: Corpus, answer_tokens: int) -> Iterator[Step]:
    """The answer is accepted and a letter is typed after it. Each target accepts its own answer."""
    for base, key, view_of, opening in _letters_of_pages(corpus):

        def accepted(answer: str, typed: str = base + key, view_of: Callable[[str], View] = view_of) -> View:
            return view_of(typed + answer + "s")

        yield Step((*opening, view_of(base + key)), accepted, answer_tokens)


def backspaces(corpus: Corpus) -> Iterator[Step]:
    """The last letter is deleted."""
    for base, key, view_of, opening in _letters_of_pages(corpus):
        yield Step((*opening, view_of(base + key)), _always(view_of(base)))


def undos(corpus: Corpus) -> Iterator[Step]:
    """Some lines above the cursor were deleted, and come back."""
    while True:
        page = corpus.page()
        lines = page.to_type.split("\n")
        here = page.view("\n".join(lines[:2]))
        opening: tuple[View, ...] = (here,)
        for number in range(len(lines)):
            kept = page.before.split("\n")[: -2 - number % MAX_DELETED_LINES]
            deleted = View(page.uri, "\n".join(kept) + "\n" + lines[0], page.after)
            yield Step((*opening, deleted), _always(here))
            opening = ()


def jumps(corpus: Corpus) -> Iterator[Step]:
    """The cursor goes a hundred lines down, to text that no prompt had yet."""
    while True:
        first, *others = corpus.places()
        opening: tuple[View, ...] = (first.view(),)
        for place in others:
            yield Step(opening, _always(place.view()))
            opening = ()


def brackets(corpus: Corpus) -> Iterator[Step]:
    """A bracket is opened, and the editor closes it."""
    for base, _, view_of, opening in _letters_of_pages(corpus):
        view = view_of(base + "(")
        closed = View(view.uri, view.prefix, ")" + view.suffix)
        yield Step((*opening, view_of(base)), _always(closed))


def cold(corpus: Corpus) -> Iterator[Step]:
    """The first request in a document."""
    while True:
        yield Step((), _always(corpus.page().view()))


Trace = Callable[[Corpus], Iterator[Step]]


def traces(answer_tokens: int) -> dict[str, Trace]:
    """Every trace by name."""
    return {
        "letter": letters,
        "new line": new_lines,
        "accept": lambda corpus: acceptances(corpus, answer_tokens),
        "backspace": backspaces,
        "undo": undos,
        "jump": jumps,
        "bracket": brackets,
        "cold": cold,
    }


def _always(view: View) -> Callable[[str], View]:
    return lambda _: view


def _letters_of_pages(corpus: Corpus) -> Iterator[tuple[str, str, Callable[[str], View], tuple[View, ...]]]:
    """For each letter: the text typed before it, the letter, a view of the page by typed text, and the page's opening.

    The opening is empty after the first letter of a page.
    """
    while True:
        page = corpus.page()
        opening: tuple[View, ...] = (page.view(),)
        keys = keystrokes(page.to_type)
        for index, (previous, key) in enumerate(itertools.pairwise(keys)):
            if len(previous) == len(key) == 1 and not (previous + key).isspace():
                yield "".join(keys[: index + 1]), key, page.view, opening
                opening = ()

"""Every word that a record names reaches the rules."""

import pytest

from lsp_server.languages.line_patterns import (
    BLOCK_END,
    BLOCK_START,
    BRANCH,
    CASE,
    COMMENT_MARK,
    DEFINITION,
    DOCUMENTED,
    FUNCTION,
)
from lsp_server.languages.syntax import LANGUAGES

RECORDS = list(LANGUAGES.values())
every_language = pytest.mark.parametrize("record", RECORDS, ids=[each.id for each in RECORDS])


@every_language
def test_words_begin_their_lines(record):
    for word in record.branch_words:
        assert BRANCH.match(f"{word} x")
        assert BRANCH.match(f"}} {word} {{")
        assert not BRANCH.match(f"{word}x")
    for word in record.case_words:
        assert CASE.match(f"{word} x")
    for word in record.function_words:
        assert FUNCTION.match(f"pub async {word} f(x)")
        assert DEFINITION.match(f"{word} f(x)")
        assert DOCUMENTED.match(f"private static {word} f(x)")
    for word in set(record.type_words) - {"macro_rules!"}:
        assert DOCUMENTED.match(f"export {word} X")


@every_language
def test_words_end_a_block_or_the_line_above_one(record):
    for word in record.end_words:
        assert BLOCK_END.fullmatch(word)
        assert not BLOCK_END.fullmatch(f"{word}x")
    for word in record.opening_words:
        assert BLOCK_START.search(f"x {word}")
        assert BLOCK_START.search(f"x {word}  # why")
        assert not BLOCK_START.search(f"x {word} y")


@every_language
def test_a_path_in_a_comment_is_known_by_its_mark(record):
    assert record.line_comment in COMMENT_MARK.replace("\\", "").split("|")


def test_classes_are_definitions_but_no_functions():
    assert DEFINITION.match("export default class X {")
    assert not FUNCTION.match("export default class X {")
    assert not DEFINITION.match("struct X {")

"""Loops end a text; tables, lists and blocks that close do not."""

import pytest

from lsp_server.postprocess.finish import finish
from lsp_server.postprocess.loops import endless_phrase, repetition
from lsp_server.postprocess.stop import StopRules, rules_for
from tests.builders import snapshot_at


def kept(rule, text: str) -> str:
    """What a rule leaves of a text, which must not depend on the pieces in which it arrives."""
    results = set()
    for chunk in (1, 3, len(text)):
        rules = StopRules({"rule": rule()})
        ends = (*range(chunk, len(text), chunk), len(text))
        cut = next((cut for end in ends if (cut := rules.check(text[:end]))), None)
        results.add(text if cut is None else text[: cut.length])
    assert len(results) == 1
    return results.pop()


@pytest.mark.parametrize(
    ("language", "text"),
    [
        pytest.param(
            "ruby", "a.each do |b|\n    b.each do |c|\n      puts c\n    end\n    end\n    end\n    end\n", id="ruby"
        ),
        pytest.param("lua", "  end\n  end\n  end\n" * 8, id="lua"),
        pytest.param("elixir", "    end\n" * 30, id="elixir"),
        pytest.param("shellscript", "done\n" * 20, id="shell"),
        pytest.param("shellscript", "fi\n" * 40, id="shell, fi"),
        pytest.param("html", "</div>\n" * 20, id="closing tags"),
        pytest.param("typescriptreact", "      </section>\n" * 10, id="closing tags of JSX"),
        pytest.param("javascript", "  });\n" * 30, id="closing brackets"),
        pytest.param("cmake", "endif()\n" * 20, id="cmake"),
        pytest.param("latex", "\\end{itemize}\n" * 9, id="environments"),
        pytest.param("python", "[0, 0, 0],\n" * 12, id="rows of numbers"),
        pytest.param("c", "0,\n" * 40, id="numbers"),
        pytest.param("c", "NULL,\n" * 40, id="rows of names"),
        pytest.param("c", "    0xffffffff, 0xffffffff,\n" * 12, id="rows of hexadecimal numbers"),
        pytest.param("html", "<td></td>\n" * 12, id="empty cells"),
        pytest.param("html", '<td class="empty wide"></td>\n' * 5, id="empty cells with attributes"),
        pytest.param("javascriptreact", '<Skeleton className="row wide" />\n' * 5, id="placeholders"),
        pytest.param("python", "next(it)\n" * 4, id="short calls"),
        pytest.param("markdown", "- [ ] todo\n" * 12, id="items"),
        pytest.param("markdown", "| a | b |\n" * 12, id="rows of a table"),
        pytest.param("python", "str | None,\n" * 6, id="parameters of a type"),
        pytest.param("python", "self.items = []\n    self.items = []\n", id="two"),
        pytest.param(
            "python",
            "if a:\n    f(long_name)\nif b:\n        f(long_name)\nif c:\n            f(long_name)\n",
            id="other lines",
        ),
        pytest.param(
            "python", "x = long_name\n  x = long_name\n      x = long_name\n    x = long_name\n", id="other indentation"
        ),
    ],
)
def test_what_repeats_in_good_code(language, text):
    assert kept(lambda: repetition(snapshot_at("‸", language)), text) == text


@pytest.mark.parametrize(
    ("file", "text", "first"),
    [
        pytest.param("    ‸", "self.items = []\n" + "    self.items = []\n" * 3, None, id="the cursor's own line"),
        pytest.param("‸", "print(the_first)\n" * 4, "print(the_first)", id="a line"),
        pytest.param("‸", "x += 1\n" * 11, "x += 1", id="a short line, long enough"),
        pytest.param(
            "‸",
            "a = 1\n" + "b = compute(a)\nreturn_value(b)\n" * 3,
            "a = 1\nb = compute(a)\nreturn_value(b)",
            id="a group of lines",
        ),
        pytest.param("‸", "a = compute(b)\n\n\n" * 5, "a = compute(b)", id="with blank lines"),
        pytest.param("‸", "NULL,\n" * 250, "NULL,", id="a table without end"),
    ],
)
def test_a_loop_of_lines_ends_behind_the_first(file, text, first):
    expected = "self.items = []" if first is None else first
    assert kept(lambda: repetition(snapshot_at(file)), text) == expected


GOOD_LINES = [
    '"INSERT INTO t VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",\n    row,',
    'b"\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00"',
    "(1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
    "ASS, ASS, ASS, ASS, ASS, ASS, ASS, ASS, ASS, ASS, ASS,\n    ASS, ACV",
    "[" + "0, " * 30 + "0]",
    "# " + "=" * 70,
    "# " + "x" * 70,
    "\\t" * 20 + '"',
    "| --- " * 12 + "|",
    "x\n" * 9,
]


@pytest.mark.parametrize("text", GOOD_LINES)
def test_a_list_that_ends_is_no_loop(text):
    assert kept(endless_phrase, text) == text
    snapshot = snapshot_at("x = (\n    ‸\n)\n", "python")
    assert finish(text, "end", snapshot, rules_for(snapshot, "auto", 12)).text == text.rstrip()


@pytest.mark.parametrize(
    ("text", "first"),
    [
        pytest.param("y = " + "x + " * 200, "y = x +", id="operands"),
        pytest.param("a = 1\nf(b, b" + ", d" * 200, "a = 1\nf(b, b, d", id="arguments"),
        pytest.param("x = '" + "ab " * 300, "x = 'ab ", id="a string"),
    ],
)
def test_a_phrase_without_end_ends_the_stream(text, first):
    assert kept(endless_phrase, text) == first


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("x = 1\ny = " + "x + " * 20, "x = 1", id="operands"),
        pytest.param("y = " + "x + " * 20, "y = x", id="one line"),
        pytest.param("f(b, b" + ", d" * 8, "f", id="arguments"),
        pytest.param("x = 1\nf(b, b" + ", d" * 8, "x = 1", id="arguments behind a line"),
        pytest.param("x = 'ab" + " ab" * 30, "x", id="a string"),
    ],
)
def test_a_phrase_that_goes_on_to_the_token_limit_is_a_loop(text, shown):
    snapshot = snapshot_at("x = 0\n‸", "python")
    assert finish(text, "length", snapshot, rules_for(snapshot, "auto", 12)).text == shown

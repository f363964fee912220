"""The lexer: code, comments and strings of every language of the table, and what looks like them."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.languages.lexer import START, Kind, blanked, lex
from lsp_server.languages.reading import state_after
from lsp_server.languages.syntax import LANGUAGES

MARKS = [
    *"'\"`/\\#$%{}()[]<>-*=~!?;:, \n",
    "x",
    "q",
    "r",
    "R",
    "EOF",
    "<<",
    "<<-'A'",
    "${",
    "#{",
    '"""',
    "'''",
    "/*",
    "*/",
    "--",
]
texts = st.lists(st.sampled_from(MARKS), max_size=40).map("".join)
languages = st.sampled_from(sorted(LANGUAGES))


def code(text, language_id):
    """The words that are left of a text without comments and strings."""
    return blanked(text, language_id).split()


@given(text=texts, language_id=languages)
def test_spans_cover_the_text_without_gaps(text, language_id):
    spans, state = lex(text, language_id)
    assert "".join(text[span.start : span.end] for span in spans) == text
    assert all(one.end == two.start and one.kind is not two.kind for one, two in itertools.pairwise(spans))
    assert hash(state) is not None
    assert [len(line) for line in blanked(text, language_id).split("\n")] == [len(line) for line in text.split("\n")]


@given(head=texts, tail=texts, language_id=languages)
def test_it_goes_on_at_the_end_of_any_line(head, tail, language_id):
    head += "\n"
    whole, at_end = lex(head + tail, language_id)
    first, state = lex(head, language_id)
    second, at_same_end = lex(head + tail, language_id, state, len(head))
    kinds = [kind for spans in (first, second) for span in spans for kind in [span.kind] * (span.end - span.start)]
    assert kinds == [kind for span in whole for kind in [span.kind] * (span.end - span.start)]
    assert at_same_end == at_end


HIDDEN = [
    # An apostrophe that begins nothing.
    ("rust", "fn f(x: &'static str, y: &'a u8) {", "fn f(x: &'static str, y: &'a u8) {"),
    ("haskell", "let x' = f x' (y)", "let x' = f x' (y)"),
    ("javascriptreact", "<p>don't (x)</p>\nf()", "<p>don't (x)</p>\nf()"),
    ("cpp", "a = 1'000 + f(x);", "a = 1'000 + f(x);"),
    ("ocaml", "type 'a t = ('a, 'b) u", "type 'a t = ('a, 'b) u"),
    ("lisp", "'(a b)", "'(a b)"),
    ("matlab", "y = x' * (a');", "y = x' * (a');"),
    ("vhdl", "if clk'event and (x)", "if clk'event and (x)"),
    ("markdown", "I don't (know)\n", "I don't (know)\n"),
    ("python", "# don't (\nx", "         \nx"),
    # Regular expressions and divisions.
    ("javascript", "a = b / c; d = /[/'\"]x/.test(e)", "a = b / c; d =         .test(e)"),
    ("typescriptreact", "<A a={b} /> <B c={d} />", "<A a={b} /> <B c={d} />"),
    ("typescriptreact", "x.replace(/>/g, y)", "x.replace(    , y)"),
    # Here-documents.
    ("ruby", "@out << x\nend", "@out << x\nend"),
    ("shellscript", "cat <<< x\ncat <<A <<'B'\na\nA\nb\nB\ny", "cat <<< x\ncat          \n \n \n \n \ny"),
    ("terraform", "x = <<-EOT\n a\n EOT\ny", "x =       \n  \n    \ny"),
    # Code in strings.
    ("javascript", "`a${f(`b${c}`)}d`", "    f(    c  )   "),
    ("ruby", 'x = "a#{b("c")}d"', "x =     b(   )   "),
    ("swift", '"a\\(f("b"))c"', "    f(   )   "),
    # Ends that depend on the beginning.
    ("rust", 'r#"a"b"# c', "         c"),
    ("cpp", 'R"x(a)"b)x" c', "            c"),
    ("lua", "[==[a]]b]==] c", "             c"),
    ("sql", "select $f$ a ' $$ $f$ b", "select                b"),
    ("sql", "as $f$ if 'a' $f$ b", "as $f$ if     $f$ b"),
    ("csharp", 'f(@"a""b", $"c{d}e");', "f(       ,     d   );"),
    ("python", "x = rb'a' + f\"b\" + crf", "x =       +      + crf"),
    ("cpp", "x = u8\"a\" + L'b';", "x =       +     ;"),
    ("julia", 'r"a(" * b', "      * b"),
    ("objective-c", 'f(@"a");', "f(    );"),
    ("perl", "@a{qw(b c)}; $h{q}; s/a(/b/; y => 1", "@a{       }; $h{q};        ; y => 1"),
    ("elixir", 'f ?" g ~w(a b) h', "f    g         h"),
    ("clojure", "[\\( \\a]", "[     ]"),
    ("shellscript", "find . \\( -x \\)", "find .    -x   "),
    ("elisp", "(f ?\\( ?a)", "(f     ?a)"),
    # Nested comments.
    ("kotlin", "/* a /* b */ c */ d", "                  d"),
    ("haskell", "{- a {- b -} c -} d", "                  d"),
    # Finding 19's kinds: a quote in a comment or in a regular expression.
    ("go", "// `\nx", "    \nx"),
    ("typescript", "x = /`/;\ny", "x =    ;\ny"),
    ("python", '# """\nx', "     \nx"),
    ("html", "<script>a = '<b>'</script><p>don't</p>", "<script>a =      </script><p>don't</p>"),
]


@pytest.mark.parametrize(("language_id", "text", "expected"), HIDDEN)
def test_only_code_is_left(language_id, text, expected):
    assert blanked(text, language_id) == expected


@pytest.mark.parametrize("language_id", sorted(LANGUAGES))
def test_a_line_comment_and_a_block_comment_are_comments(language_id):
    record = LANGUAGES[language_id]
    if record.forms == () or language_id in {"markdown", "mdx", "restructuredtext", "quarto", "rmd"}:
        pytest.skip("text")
    if record.line_comment and language_id not in {"ocaml", "css", "html", "vue", "svelte", "xml", "tcl"}:
        assert code(f"a\n{record.line_comment} ( b '\nc\n", language_id) == ["a", "c"]


def test_the_state_says_what_follows():
    assert state_after("x = 1\n", "python") == START
    assert state_after('x = """\n', "python").kind is Kind.STRING
    assert state_after("/*\n", "c").kind is Kind.COMMENT
    assert state_after("x // why", "c").kind is Kind.COMMENT
    assert state_after("x  # why", "python").kind is Kind.COMMENT
    assert state_after("cat <<A\n", "shellscript").kind is Kind.STRING
    assert state_after("x = `${\n", "javascript").kind is Kind.CODE


@pytest.mark.parametrize("language_id", sorted(LANGUAGES))
@pytest.mark.parametrize("text", ["'", '"', "(", '"${', "/*", "<<A ", "'\\"])
def test_a_long_line_is_read(language_id, text):
    spans, _ = lex(text * 5_000, language_id)
    assert spans[-1].end == len(text) * 5_000


def test_a_run_of_hashes_is_looked_at_once():
    forms = [form for form in LANGUAGES["swift"].forms if form.begin.startswith("#")]
    assert forms
    for form in forms:
        begins = [at for at in range(3) if re.compile(form.begin).match('###"""', at)]
        assert begins == [0]
    assert blanked('##"a"# ("## + (1)', "swift") == "            + (1)"

"""Text that belongs in no file: control strings, fences and headers of other files."""

import pytest

from lsp_server.postprocess.filters import clean
from lsp_server.postprocess.stop import rules_for
from tests.builders import snapshot_at

STRINGS = [
    *("</s>", "<EOT>", "▁<EOT>", " <EOT>", "<MID>", "▁<MID>", "<PRE>", "<SUF>", "<reponame>", "<filename>"),
    *("<end_of_turn>", "<start_of_turn>", "<eos>", "<bos>", "<pad>", "</fim_middle>", "<fim-suffix>", "<fim-middle>"),
    *("<repo_name>", "<fim_prefix>", "<file_sep>", "[/INST]", "[INST]", "[SUFFIX]", "[PREFIX]", "[MIDDLE]", "<<SYS>>"),
    *("<|im_end|>", "<|im_start|>", "<|eot_id|>", "<|end_of_text|>", "<|begin_of_text|>", "<|endoftext|>", "<|EOT|>"),
    *("<|fim_pad|>", "<|fim_middle|>", "<|file_sep|>", "<|repo_name|>", "<|file_separator|>", "<|end|>", "<|user|>"),
    *("<|assistant|>", "<|python_tag|>", "<|start_header_id|>", "<|eom_id|>", "<|code_middle|>"),
    *("<｜end▁of▁sentence｜>", "<｜fim▁hole｜>", "<|fim▁hole|>", "<[end▁of▁sentence]>", "<[fim-middle]>"),
    "<|end▁of▁sentence|>",
]  # fmt: skip


def shown(file: str, writes: str, language: str = "python", multi_line: str = "auto") -> str:
    """What is shown of a text. It is the same whatever the pieces it arrives in."""
    snapshot = snapshot_at(file, language)
    results = set()
    for size in (1, 3, len(writes)):
        rules = rules_for(snapshot, multi_line, 12)
        text = ""
        for start in range(0, len(writes), size):
            text += writes[start : start + size]
            if cut := rules.check(text):
                text = text[: cut.length]
                break
        results.add(clean(text, snapshot)[0])
    (result,) = results
    return result


@pytest.mark.parametrize("string", STRINGS)
@pytest.mark.parametrize("behind", ["", "\n", "\nimport os\n", " \n\nUser: thanks"])
def test_a_control_string_ends_a_text(string, behind):
    assert shown("x = ‸", f"a + b{string}{behind}") == "a + b"
    assert shown("def f():\n    ‸\n", f"y = 1\n{string}{behind}") == "y = 1"
    assert shown("def f():\n    ‸\n", f"{string}{behind}") == ""


@pytest.mark.parametrize("string", STRINGS)
def test_a_control_string_that_the_file_has_passes(string):
    assert shown(f'END = "{string}"\nALSO = ‸', f'"{string}"') == f'"{string}"'


@pytest.mark.parametrize(
    ("language", "file", "writes"),
    [
        ("fsharp", "let y = ‸", "a <|b|> c"),
        ("haskell", "y = ‸", "xs <|x_y|> ys"),
        ("elm", "view = ‸", "f <|x|>\n    g"),
        ("rust", "let x: ‸ = y;", "Box<[u8]>"),
        ("rust", "fn f(x: ‸) {}", "Cow<[T]>"),
        ("python", "OPERATORS = re.compile(‸)", 'r"(=|<|ge|>|!=)"'),
        ("html", "<p>\n  ‸\n</p>", "<s>old</s>\n  <b>new</b>"),
        ("html", "<p>\n  ‸\n</p>", "<s>\n    old\n  </s>\n  <b>new</b>"),
        ("html", "<p><s>old‸</p>", " price</s>"),
        ("typescriptreact", "return (\n  ‸\n);", "<s>\n    {old}\n  </s>"),
        ("xml", "<a>\n  ‸\n</a>", "<filename>x.py</filename>\n  <filename>\n    y.py\n  </filename>"),
        ("python", 'print("usage: tool ‸")', "<filename>"),
        ("python", '"""Use it.\n\n‸\n"""', "<filename>\n    the file\n<pad>\n    the padding"),
        ("shellscript", "usage() {\n  cat <<END\n‸\nEND\n}", "tool <filename>\n<filename>  the file"),
        ("python", "# Usage: tool ‸\n", "<filename> <reponame>"),
        ("java", "enum K { MID }\nList<K> x = new ‸();", "Only<MID>"),
        ("python", "SUFFIX = 1\nx = names‸\n", "[SUFFIX]"),
        ("typescript", "const a: ‸ = b;", "Array<EOS>"),
    ],
)
def test_what_only_looks_like_a_control_string_passes(language, file, writes):
    assert shown(file, writes, language) == writes


@pytest.mark.parametrize("language", ["python", "typescript", "rust", "go", "ruby", "lua", "json", "yaml"])
@pytest.mark.parametrize(
    ("file", "writes", "kept"),
    [
        pytest.param("f(a)\n    ‸\n", "```LANG\n    g(a)\n```", "g(a)", id="around it"),
        pytest.param("f(a)\n    ‸\n", "```LANG\ng(a)\n```\n", "g(a)", id="around it, flush left"),
        pytest.param("f(a)\n    ‸\n", "```\n    g(a)\n    h(a)\n    ```\nBoth.", "g(a)\n    h(a)", id="prose"),
        pytest.param("x(‸)\n", "```LANG\na\n```", "a", id="in a line"),
        pytest.param("f(a)\n    ‸\n", "g(a)\n```", "g(a)", id="a closing one, last"),
        pytest.param("f(a)\n    ‸\n", "g(a)\n    ```", "g(a)", id="indented"),
        pytest.param("f(a)\n    ‸\n", "g(a)\n```py", "g(a)", id="unfinished"),
        pytest.param("f(a)\n    ‸\n", "g(a)\n\n  ```\n  explanation", "g(a)", id="a blank line before it"),
        pytest.param("f(a)\n    ‸\n", "```LANG\n```", "", id="empty"),
        pytest.param("f(a)\n    ‸\n", "```LANG", "", id="nothing but a fence"),
        pytest.param("f(a)\n    ‸\n", "``", "", id="nothing but the beginning of a fence"),
    ],
)
def test_fences_are_taken_away(file, writes, kept, language):
    assert shown(file, writes.replace("LANG", language), language) == kept


@pytest.mark.parametrize(
    ("language", "file", "writes"),
    [
        ("markdown", "# Use\n\n‸\n", "```sh\nmake\n```\n\nThen run it."),
        ("markdown", "# Use\n\n```sh\n‸\n", "make\n```\n\nThen run it."),
        ("mdx", "‸", "```js\na()\n```"),
        ("python", 'def f():\n    """Add.\n\n    ‸\n    """\n', "```python\n    f()\n    ```"),
        ("python", "def f():\n    ‸\n    return 1\n", '"""Add.\n\n    ```\n    f()\n    ```\n    """'),
        ("rust", "‸\nmod a;\n", "//! Add.\n//!\n//! ```\n//! f();\n//! ```"),
        ("typescript", "‸\nf();\n", "/**\n * ```ts\n * f();\n * ```\n */"),
        ("rust", "/*!\n‸\n*/\n", "```\nf();\n```"),
        ("plaintext", "```\na\n```\n\n‸", "```\nb\n```"),
        ("yaml", "body: |\n  ```\n  a\n  ```\n\n  ‸", "```\n  b\n  ```"),
        ("javascript", "const a = ‸;", "`b`"),
        ("go", "var a = ‸\n", "`\nb\n`"),
    ],
)
def test_fences_that_belong_to_the_file_pass(language, file, writes):
    assert shown(file, writes, language, "always") == writes


@pytest.mark.parametrize(
    ("language", "writes", "kept"),
    [
        ("python", "a = 1\n\n# src/b.py\nimport os\n", "a = 1"),
        ("python", "a = 1\n\n# b.py\nimport os\n", "a = 1"),
        ("python", "a = 1\n# src/lib.py\nimport os\n", "a = 1"),
        ("typescript", "a();\n\n// src/api/client.ts\nimport b;\n", "a();"),
        ("lua", "a()\n\n-- lib/foo.lua\nlocal b\n", "a()"),
        ("go", "a()\n\n// cmd/main.go\npackage main\n", "a()"),
        ("c", "a();\n\n// util.h\n#define A\n", "a();"),
        ("rust", "a();\n+++++ src/b.rs\nuse c;\n", "a();"),
        ("python", "a = 1\ndiff --git a/b.py b/b.py\nindex\n", "a = 1"),
    ],
)
def test_a_path_where_a_file_can_begin_ends_the_text(language, writes, kept):
    assert shown("‸", writes, language) == kept


@pytest.mark.parametrize(
    ("language", "writes"),
    [
        ("markdown", "Text.\n\n# package.json\n\nMore.\n\n# docs/index.md\n\nEnd."),
        ("python", "a = 1\n\n# v1.2\nb = 2"),
        ("dockerfile", "RUN make\n\n# build.sh\nRUN ./build.sh"),
        ("lua", "a()\n\n-- foo.bar\nb()"),
        ("yaml", "a: 1\n\n# config.ru\nb: 2"),
        ("shellscript", "# Usage:\n#\n#         ./validate-tvos.sh\n#\nexit 1"),
        ("shellscript", "a\n\n# /etc/hosts.conf\nb\n\n# ./run.sh\nc\n\n# ../lib/run.sh\nd"),
        ("python", "a = 1\n# See:\n# docs/index.md\nb = 2"),
        ("python", "def f():\n    a = 1\n\n    # src/b.py\n    b = 2"),
        ("python", 'A = """\n\n# src/b.py\n"""'),
        ("javascript", "a();\n\n// e.g.\nb();\n\n// www.example.com\nc();"),
    ],
)
def test_a_comment_that_is_one_name_passes(language, writes):
    assert shown("‸", writes, language) == writes

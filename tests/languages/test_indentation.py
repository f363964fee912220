"""The unit of indentation that most lines of a text use."""

import pytest

from lsp_server.actions.source import Source
from lsp_server.languages.indentation import lines_of, unit_of


@pytest.mark.parametrize(
    ("language", "text", "unit"),
    [
        ("python", "def f():\n    a()\n    b()\n", "    "),
        ("python", "def f():\n  if a:\n    b()\n", "  "),
        ("go", "func f() {\n\ta()\n\tif b {\n\t\tc()\n\t}\n}\n", "\t"),
        # One line with the other kind decides nothing, nor does what is no statement.
        ("python", "def f():\n    a()\n    b()\n    c()\n    d()\n\te()\n", "    "),
        ("python", 'def f():\n    """F.\n\n\ta\n\tb\n    """\n    a()\n', "    "),
        ("c", "/**\n * F.\n * G.\n */\nint f()\n{\n\ta();\n\tb(c,\n\t  d);\n}\n", "\t"),
        ("c", "/*\n\ta\n\tb\n*/\nint f()\n{\n  a();\n}\n", "  "),
        # No majority, no levels.
        ("python", "if a:\n    b()\nelse:\n\tc()\n", ""),
        ("json", '{\n  "a": {\n          "b": 1\n        },\n  "c": {\n          "d": 1\n        }\n}\n', ""),
        ("python", "a()\n", ""),
    ],
)
def test_the_unit_is_that_of_most_lines(language, text, unit):
    assert unit_of(lines_of(text, language)) == unit


@pytest.mark.parametrize(
    ("text", "unit"), [("a()", "    "), ("def f():\n  a()", "  "), ('def f():\n    """A.\n\tB."""\n    a()', "    ")]
)
def test_code_actions_have_a_unit_for_any_document(text, unit):
    assert Source("python", tuple(text.split("\n"))).unit == unit

"""A text that writes again what stands right above the cursor."""

import pytest

from lsp_server.postprocess.above import drop_lines_above
from tests.builders import snapshot_at

INIT = "class A:\n    def __init__(self, b):\n        self.b = b\n        "


@pytest.mark.parametrize(
    ("language_id", "file", "text"),
    [
        pytest.param("python", f"{INIT}‸\n", "self.b = b", id="a line"),
        pytest.param("python", f"{INIT}‸\n", "self.b = b\n", id="its line break"),
        pytest.param("python", f"{INIT}\n        ‸\n", "self.b = b", id="behind a blank line"),
        pytest.param("python", f"{INIT}self‸\n", ".b = b", id="a line under way"),
        pytest.param("javascript", "a = a + 1\n‸\n", "a = a + 1;", id="a sign more"),
        pytest.param("go", "\tx := f()\n\t‸\n", "x := f() // again", id="a comment more"),
        pytest.param(
            "python", "x = f(1)\ny = g(x)\n‸", "x = f(1)\ny = g(x)\nx = f(1)\ny = g(x)", id="two lines, twice"
        ),
        pytest.param("c", "f(1);\nif (x)\n  g(x);\n‸", "f(1);\nif (x)\n  g(x);\nh();", id="three lines, and another"),
    ],
)
def test_the_lines_above_are_not_written_again(language_id, file, text):
    assert drop_lines_above(text, snapshot_at(file, language_id)) == ""


@pytest.mark.parametrize(
    ("language_id", "file", "text"),
    [
        pytest.param("python", f"{INIT}‸\n", "self.c = b", id="another line"),
        pytest.param("python", f"{INIT}    ‸\n", "self.b = b", id="another indentation"),
        pytest.param("python", "stack.pop()\n‸", "stack.pop()\nassert not stack", id="a line, and something else"),
        pytest.param("json", "[\n  [0, 0],\n  [0, 0],\n  ‸\n]", "[0, 0],", id="data"),
        pytest.param("python", "print()\nprint(1)\nprint()\n‸", "print()", id="a call that the file repeats"),
        pytest.param("rust", "f(|| {\n    g(|| {\n    });\n    ‸", "});", id="closers"),
        pytest.param("ruby", "  end\n  ‸", "end", id="closing words"),
        pytest.param("html", "  </div>\n  ‸", "</div>", id="closing tags"),
        pytest.param("markdown", "---\n‸", "---", id="signs"),
        pytest.param("python", "f(x)\n‸ if y else z", "f(x)", id="something follows"),
        pytest.param("python", "‸", "f(x)", id="nothing above"),
    ],
)
def test_other_lines_may_be_alike(language_id, file, text):
    assert drop_lines_above(text, snapshot_at(file, language_id)) == text

"""What retrieval is measured on must not know the line that was taken out."""

import random

from tests.eval.retrieval.blocks import ProjectBench

FILES = {
    "__init__.py": "",
    "shapes.py": "def make_circle():\n    return 1\n",
    "main.py": "from . import shapes\n\n\ndef main():\n    return shapes.make_circle()\n",
}


def test_the_line_taken_out_is_not_counted(tmp_path):
    root = tmp_path / "pkg"
    root.mkdir()
    for path, text in FILES.items():
        (root / path).write_text(text, encoding="utf-8")
    bench = ProjectBench("pkg", root, tmp_path / "index.sqlite")
    (hole,) = bench.holes(9, random.Random(1))
    assert hole.need.imported == {"make_circle"}
    assert bench.popularity(["make_circle"]) == {"make_circle": 2}
    assert any("make_circle" in candidate.text for candidate in bench.gather(hole).candidates)
    assert bench.popularity(["make_circle"]) == {"make_circle": 1}
    bench.close()

"""Tokenises long runs of one kind of character. `python -m tests.engine.backends.long_runs CHARACTERS GGUF…`

A stack overflow in llama.cpp ends the process, so tests start this as one of its own.
"""

from __future__ import annotations

import sys
from pathlib import Path

from lsp_server.measure.file_vocabulary import FileVocabulary

# A surrogate is no character: it becomes `?`.
UNITS = (
    *("a", "ACGT", "a1", "(x)", "7", "-", "_", "漢", "é", "e\u0301", "🙂", "👩\u200d💻"),
    *(" ", "\t", "\n", "\r\n", "\0", "\ud800"),
)


def main() -> None:
    for path in map(Path, sys.argv[2:]):
        vocabulary = FileVocabulary(path)
        for unit in UNITS:
            text = (unit * int(sys.argv[1]))[: int(sys.argv[1])]
            print(path.name, ascii(unit), flush=True)
            vocabulary.tokenize(text)
            vocabulary.tokenize_control(text)
        vocabulary.close()


if __name__ == "__main__":
    main()

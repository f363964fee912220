"""Make the training data: `python models/embedded/recipe/prepare.py WORK [--vocabulary GGUF]`.

Writes to the folder WORK: `vocabulary.json`; `tokens.npy`, all documents one after the other; `documents.json`, the
package, path and place of each.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

import numpy as np
from corpus import Document, read_documents
from gguf_file import read_vocabulary
from vocabulary import Vocabulary

SEED = 1
VOCABULARY_CHARACTERS = 60_000_000
BATCH = 1000


def main() -> None:
    """Download, clean, learn a vocabulary, tokenise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--vocabulary", type=Path, help="take that of a GGUF instead of learning one")
    arguments = parser.parse_args()
    work: Path = arguments.work
    documents = read_documents(work / "downloads")
    taken = arguments.vocabulary
    vocabulary = Vocabulary.of(*read_vocabulary(taken)) if taken else Vocabulary.train(_sample(documents))
    vocabulary.save(work / "vocabulary.json")
    places, parts, start = [], [], 0
    for first in range(0, len(documents), BATCH):
        some = documents[first : first + BATCH]
        for document, tokens in zip(some, vocabulary.encode_many([each.text for each in some]), strict=True):
            parts.append(np.array(tokens, dtype=np.uint16))
            places.append([document.package, document.path, start, start + len(tokens)])
            start += len(tokens)
    np.save(work / "tokens.npy", np.concatenate(parts))
    (work / "documents.json").write_text(json.dumps(places), encoding="utf-8")
    characters = sum(len(document.text) for document in documents)
    print(f"{len(documents)} documents, {characters / 1e6:.1f} million characters, {start / 1e6:.1f} million tokens")


def _sample(documents: list[Document]) -> list[str]:
    """Documents of every package, as far as memory allows."""
    shuffled = random.Random(SEED).sample(documents, len(documents))
    texts, total = [], 0
    for document in shuffled:
        texts.append(document.text)
        total += len(document.text)
        if total > VOCABULARY_CHARACTERS:
            break
    return texts


if __name__ == "__main__":
    main()

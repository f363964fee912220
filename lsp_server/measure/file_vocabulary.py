"""The tokeniser of a GGUF file, for texts that must have a known number of tokens."""

from __future__ import annotations

from pathlib import Path

import llama_cpp

from lsp_server.base.errors import ModelFileError
from lsp_server.engine.backends.llama.loading import load_vocabulary
from lsp_server.engine.backends.llama.log import capture_log
from lsp_server.engine.backends.llama.vocabulary import LlamaVocabulary
from lsp_server.engine.sizing.gguf import check_gguf


class FileVocabulary(LlamaVocabulary):
    """The vocabulary of a GGUF file, without its weights. Raises `ModelFileError`."""

    def __init__(self, path: Path) -> None:
        check_gguf(path)
        capture_log()
        self._model = load_vocabulary(path)
        if not self._model:
            raise ModelFileError(f"llama.cpp cannot read the vocabulary of {path}.")
        super().__init__(llama_cpp.llama_model_get_vocab(self._model))

    def close(self) -> None:
        """Free the vocabulary."""
        llama_cpp.llama_model_free(self._model)

"""The tokeniser of a GGUF file, for texts that must have a known number of tokens."""

from __future__ import annotations

import os
from pathlib import Path

import llama_cpp

from lsp_server.base.errors import ModelFileError
from lsp_server.engine.backends.llama.log import capture_log
from lsp_server.engine.backends.llama.vocabulary import LlamaVocabulary
from lsp_server.engine.sizing.gguf import check_gguf


class FileVocabulary(LlamaVocabulary):
    """The vocabulary of a GGUF file, without its weights. Raises `ModelFileError`."""

    def __init__(self, path: Path) -> None:
        check_gguf(path)
        capture_log()
        params = llama_cpp.llama_model_default_params()
        params.vocab_only = True
        self._model = llama_cpp.llama_model_load_from_file(os.fsencode(path), params)
        if not self._model:
            raise ModelFileError(f"llama.cpp cannot read the vocabulary of {path}.")
        super().__init__(llama_cpp.llama_model_get_vocab(self._model))

    def close(self) -> None:
        """Free the vocabulary."""
        llama_cpp.llama_model_free(self._model)

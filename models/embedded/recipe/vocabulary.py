"""A byte-level BPE whose splits are those of llama.cpp's `deepseek-coder` pre-tokeniser, and DeepSeek's markers.

Source of the splits: llama.cpp, `src/llama-vocab.cpp`, `LLAMA_VOCAB_PRE_TYPE_DEEPSEEK_CODER`. Line breaks stand alone,
so that a text's tokens are those of its lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

SIZE = 8192
BEGIN, END = "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"
PREFIX, SUFFIX, MIDDLE = "<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"
MARKERS = (BEGIN, END, PREFIX, SUFFIX, MIDDLE)
SPLITS = ("[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[一-龥ࠀ-一가-퟿]+", r"\p{N}")


class Vocabulary:
    """A trained tokeniser."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.size: int = tokenizer.get_vocab_size()
        self.begin, self.end, self.prefix, self.suffix, self.middle = map(tokenizer.token_to_id, MARKERS)
        (self.line_break,) = self.encode("\n")

    @classmethod
    def train(cls, texts: Iterable[str], size: int = SIZE) -> Vocabulary:
        """Learn merges from texts."""
        tokenizer = _with_splits(models.BPE())
        trainer = trainers.BpeTrainer(
            vocab_size=size - len(MARKERS),
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )
        tokenizer.train_from_iterator(texts, trainer)
        tokenizer.add_special_tokens(list(MARKERS))
        return cls(tokenizer)

    @classmethod
    def of(cls, tokens: list[str], merges: list[tuple[str, str]]) -> Vocabulary:
        """That of a model which is there already."""
        numbered = {token: number for number, token in enumerate(tokens)}
        tokenizer = _with_splits(models.BPE(numbered, merges))
        tokenizer.add_special_tokens(list(MARKERS))
        return cls(tokenizer)

    @classmethod
    def load(cls, path: Path) -> Vocabulary:
        """Read what `save` wrote."""
        return cls(Tokenizer.from_file(str(path)))

    def save(self, path: Path) -> None:
        """Write the tokeniser as JSON."""
        self.tokenizer.save(str(path))

    def encode(self, text: str) -> list[int]:
        """Tokens of text; it holds no markers."""
        ids: list[int] = self.tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def encode_many(self, texts: list[str]) -> Iterator[list[int]]:
        """Tokens of many texts, on all cores."""
        for encoding in self.tokenizer.encode_batch_fast(texts, add_special_tokens=False):
            yield encoding.ids


def _with_splits(model: models.BPE) -> Tokenizer:
    tokenizer = Tokenizer(model)
    splits = [pre_tokenizers.Split(Regex(split), "isolated") for split in SPLITS]
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*splits, byte_level])
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer

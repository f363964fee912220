"""The families of fill-in-the-middle (FIM) models: one record holds all facts of a family.

The prompt, the engine's vocabulary and post-processing read these records. `lsp_server/prompt/README.md` says how to
add a family.

Sources: DeepSeek-Coder's README ("Code Insertion", "Repository Level Code Completion"), where `hole` stands before the
suffix. Qwen2.5-Coder's README ("Fill in the middle", "Repository level"). StarCoder's README ("Fill-in-the-middle");
Granite Code shares its form. The StarCoder 2 paper (arXiv:2402.19173) on files of a repository. The cards of
Seed-Coder-8B-Base and Mellum-4b-base. CodeGemma's report (arXiv:2406.11409), figures 2 and 4. For Codestral,
mistral-common's `encode_fim`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Place(Enum):
    """A place in a prompt that text goes to."""

    PROJECT = "project"
    BLOCKS = "blocks"
    PATH = "path"
    PREFIX = "prefix"
    SUFFIX = "suffix"


Order = tuple[str | Place, ...]


@dataclass(frozen=True, slots=True)
class Family:
    """One family: how to recognise its models, and the format of their prompts and answers.

    Recognition: a model of the family has all of `markers`, the vocabulary's texts by role. Where families share
    markers, the regular expression `models` also matches the model's name.

    Vocabulary: `other_markers` are further markers that a model may have. `end_texts` are tokens that end a text; not
    every GGUF marks them as such. `pre_tokenisers` are for a GGUF that names none, by its architecture; empty is any
    other architecture. Such files are older than llama.cpp's pre-tokenisers (April 2024). SentencePiece has none.

    Prompt: `order_single_file` is the order of marker roles and places without blocks of other files.
    `order_with_blocks` is the order with blocks. `begin` stands for BOS, which is written only if the GGUF says
    `add_bos`. `heading` names a file: `{comment}` becomes the mark of a line comment, `{path}` the path. `block_marker`
    is the role of the marker before each block; without `marks_first_block` it stands only between blocks. `project`
    is the line that names the project. `text_after_prefix_marker` is a fixed text directly behind the prefix marker.

    Answer: `stops` are plain texts that end it. `leaks` are regular expressions for control strings that a model may
    spell in plain text: post-processing cuts the answer there. `legal_in_code` are the markers and end texts that
    source code may contain. Post-processing cuts these only where a line begins or ends.

    `anchored` families are prompted from the line's start, with the typed text behind the middle marker. Run
    `tests/eval/anchored.py` before turning it on for a family. It is measured on the embedded model, which was trained
    on such prompts. DeepSeek's own weights could not be had to measure.
    """

    name: str
    markers: Mapping[str, str]
    order_single_file: Order
    order_with_blocks: Order
    models: str = ""
    other_markers: Mapping[str, str] = field(default_factory=dict)
    end_texts: tuple[str, ...] = ()
    pre_tokenisers: Mapping[str, str] = field(default_factory=dict)
    leaks: tuple[str, ...] = ()
    legal_in_code: tuple[str, ...] = ()
    anchored: bool = False
    heading: str = "{comment} {path}\n"
    block_marker: str = ""
    marks_first_block: bool = True
    project: str = "{project}\n"
    text_after_prefix_marker: str = ""
    stops: tuple[str, ...] = ()

    def knows(self, name: str, markers: Mapping[str, str]) -> bool:
        """Whether a model of that name with these marker texts by role is of this family."""
        texts_match = all(markers.get(role) == text for role, text in self.markers.items())
        return texts_match and re.search(self.models, name, re.IGNORECASE) is not None

    def pre_tokeniser_of(self, architecture: str) -> str:
        """The pre-tokeniser of a file that names none; empty if it is not known."""
        return self.pre_tokenisers.get(architecture, self.pre_tokenisers.get("", ""))


def _markers(prefix: str, suffix: str, middle: str = "", **others: str) -> dict[str, str]:
    texts = {"prefix": prefix, "suffix": suffix, "middle": middle, **others}
    return {role: text for role, text in texts.items() if text}


_PREFIX_FIRST: Order = ("begin", "prefix", Place.PREFIX, "suffix", Place.SUFFIX, "middle")
_BLOCKS_FIRST: Order = ("begin", Place.BLOCKS, "prefix", Place.PATH, Place.PREFIX, "suffix", Place.SUFFIX, "middle")
_SUFFIX_FIRST: Order = ("begin", "suffix", Place.SUFFIX, "prefix", Place.PREFIX, "middle")
_PIPED = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")
_PLAIN = ("<fim_prefix>", "<fim_suffix>", "<fim_middle>")
# By their names: `f <|x|> y` is code in F#, and `<|ge|>` a part of a regular expression.
_ANY_PIPED = (
    r"<\|/?(?:fim_\w+|code_(?:prefix|middle|suffix)|repo_name|repo_tree|file_sep\w*|(?:begin|start|end)_?of_?\w+|EOT"
    r"|e[ot][ot]_id|eom_id|im_(?:start|end|sep)|(?:start|end)_header_id|python_tag|reserved_special_token_\d+"
    r"|[^\W_]+(?:▁[^\W_]+)+)\|>"
)
_ANY_PLAIN = r"</?fim[_-](?:prefix|middle|suffix|pad)/?>"

# The order counts: a model is of the first family that knows it. A family with more markers, or with a name, stands
# before one with fewer. Where a vocabulary has several markers of one role, the first family's is taken.
FAMILIES = (
    Family(
        "deepseek",
        _markers("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"),
        _PREFIX_FIRST,
        _BLOCKS_FIRST,
        end_texts=("<｜end▁of▁sentence｜>", "<|EOT|>"),
        pre_tokenisers={"": "deepseek-coder", "deepseek2": "deepseek-llm"},
        leaks=(r"<｜[\w▁]+｜>", _ANY_PIPED),
        anchored=True,
    ),
    Family(
        "qwen",
        _markers(*_PIPED, repo="<|repo_name|>", file="<|file_sep|>"),
        _PREFIX_FIRST,
        (
            *("begin", "repo", Place.PROJECT, Place.BLOCKS),
            *("file", Place.PATH, "prefix", Place.PREFIX, "suffix", Place.SUFFIX, "middle"),
        ),
        end_texts=("<|endoftext|>", "<|im_end|>", "<|fim_pad|>", "<|file_sep|>"),
        pre_tokenisers={"": "qwen2"},
        leaks=(_ANY_PIPED,),
        heading="{path}\n",
        block_marker="file",
    ),
    Family(
        "starcoder2",
        _markers(*_PLAIN, repo="<repo_name>", file="<file_sep>"),
        _PREFIX_FIRST,
        (
            *("begin", "repo", Place.PROJECT, Place.BLOCKS),
            *("file", "prefix", Place.PATH, Place.PREFIX, "suffix", Place.SUFFIX, "middle"),
        ),
        end_texts=("<|endoftext|>", "<fim_pad>", "<file_sep>"),
        pre_tokenisers={"": "starcoder"},
        leaks=(_ANY_PIPED, _ANY_PLAIN, r"<(?:file_sep|repo_name)>"),
        heading="{path}\n",
        block_marker="file",
        project="{project}",
    ),
    Family(
        "codegemma",
        _markers(*_PIPED),
        ("begin", Place.PATH, "prefix", Place.PREFIX, "suffix", Place.SUFFIX, "middle"),
        (
            *("begin", Place.BLOCKS),
            *("file", Place.PATH, "prefix", Place.PREFIX, "suffix", Place.SUFFIX, "middle"),
        ),
        other_markers={"file": "<|file_separator|>"},
        end_texts=("<eos>", "<end_of_turn>", "<|file_separator|>"),
        leaks=(_ANY_PIPED,),
        legal_in_code=("<eos>", "<end_of_turn>"),
        heading="{path}\n",
        block_marker="file",
        marks_first_block=False,
    ),
    Family(
        "mellum",
        _markers(*_PLAIN, file="<filename>"),
        ("begin", "file", Place.PATH, "suffix", Place.SUFFIX, "prefix", Place.PREFIX, "middle"),
        ("begin", Place.BLOCKS, "file", Place.PATH, "suffix", Place.SUFFIX, "prefix", Place.PREFIX, "middle"),
        models="mellum",
        other_markers={"repo": "<reponame>"},
        end_texts=("<|endoftext|>", "<fim_pad>", "<reponame>"),
        pre_tokenisers={"": "mellum", "mellum": "mellum2"},
        leaks=(_ANY_PIPED, _ANY_PLAIN),
        legal_in_code=("<filename>", "<reponame>"),
        heading="{path}\n",
        block_marker="file",
    ),
    Family(
        "starcoder",
        _markers(*_PLAIN),
        _PREFIX_FIRST,
        _BLOCKS_FIRST,
        other_markers={"repo": "<reponame>", "file": "<filename>"},
        end_texts=("<|endoftext|>", "<fim_pad>", "<reponame>"),
        pre_tokenisers={"": "refact"},  # llama.cpp splits as for StarCoder
        leaks=(_ANY_PIPED, _ANY_PLAIN),
        legal_in_code=("<filename>", "<reponame>"),
    ),
    Family(
        "seed-coder",
        _markers("<[fim-prefix]>", "<[fim-suffix]>", "<[fim-middle]>"),
        _SUFFIX_FIRST,
        ("begin", "suffix", Place.SUFFIX, "prefix", Place.BLOCKS, Place.PATH, Place.PREFIX, "middle"),
        end_texts=("<[end▁of▁sentence]>",),
        pre_tokenisers={"": "seed-coder"},
        leaks=(r"<\[(?:fim-\w+|[^\W_]+(?:▁[^\W_]+)+)\]>",),  # not Rust's `Box<[u8]>`
    ),
    Family(
        "codestral",
        # Its middle begins right behind the prefix: there is no middle marker.
        _markers("[PREFIX]", "[SUFFIX]"),
        ("begin", "suffix", Place.SUFFIX, "prefix", Place.PREFIX),
        ("begin", "suffix", Place.SUFFIX, "prefix", Place.BLOCKS, Place.PATH, Place.PREFIX),
        # All of Mistral's vocabularies have these markers.
        models=r"(?<!mamba)(?<!mamba[\W_])codestral",
        end_texts=("</s>",),
        legal_in_code=("[PREFIX]", "[SUFFIX]", "</s>"),
        heading="+++++ {path}\n",
        # SentencePiece puts a space before a text. It is left out of the suffix there, and of every text here.
        text_after_prefix_marker=" ",
        stops=("\n+++++ ",),
    ),
)

# Of models that belong to no family here: end texts of chat models, and control strings that may be spelt in text.
# CodeLlama's have a `▁` before them; it is the space of SentencePiece.
_CHAT_END_TEXTS = ("<|end_of_text|>", "<|eot_id|>")
_OTHER_LEAKS = (r"▁<(?:PRE|SUF|MID|EOT)>", r"<</?SYS>>")
_OTHER_LEGAL_IN_CODE = (
    *("<PRE>", "<SUF>", "<MID>", "<EOT>", "<s>", "<bos>", "<pad>", "<unk>", "<start_of_turn>"),
    *("[INST]", "[/INST]", "[MIDDLE]", "<|user|>", "<|assistant|>", "<|system|>", "<|end|>", "<|pad|>"),
)


def marker_texts() -> dict[str, list[str]]:
    """The texts of each marker role in all families. A vocabulary is searched for them in this order."""
    texts: dict[str, list[str]] = {}
    for family in FAMILIES:
        for role, text in (*family.markers.items(), *family.other_markers.items()):
            texts.setdefault(role, []).append(text)
    return texts


def end_texts() -> set[str]:
    """The end texts of all vocabularies: tokens that end a turn of a chat, or a file in a series of files."""
    return {text for family in FAMILIES for text in family.end_texts} | set(_CHAT_END_TEXTS)


def family_with(prefix_marker: str) -> Family | None:
    """The first family with that prefix marker.

    Use it only for fields that are equal in all families with this marker.
    """
    return next((family for family in FAMILIES if family.markers["prefix"] == prefix_marker), None)


def leak_pattern() -> re.Pattern[str]:
    """Matches a control string of any family that no source code contains."""
    patterns = [pattern for family in FAMILIES for pattern in family.leaks]
    return re.compile("|".join(dict.fromkeys((*patterns, *_OTHER_LEAKS))))


def ambiguous_leaks() -> set[str]:
    """The control strings of all families that source code may contain."""
    return {text for family in FAMILIES for text in family.legal_in_code} | set(_OTHER_LEGAL_IN_CODE)

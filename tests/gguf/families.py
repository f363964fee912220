"""The FIM families in miniature: the architectures and control tokens of their models, and weights of zero.

Such a model writes its first token without end, which is `!`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np

CHAT_TEMPLATE = (
    "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
CONTROL, NORMAL, BYTE, UNKNOWN = 3, 1, 6, 2  # enum llama_token_type
WIDTH, LAYERS, HEADS, KEY_VALUE_HEADS, FORWARD, EXPERTS, WINDOW = 64, 2, 4, 2, 128, 4, 512
LORA, ROPE = 32, 16  # of DeepSeek-V2's attention
SLIDING_WINDOW = 32
MIXTURES = ("deepseek2", "qwen3moe", "mellum")


@dataclass(frozen=True, slots=True)
class Miniature:
    """A model's architecture and its control tokens, and the name of the family that it must be recognised as."""

    family: str
    architecture: str
    pre_tokeniser: str
    specials: tuple[str, ...]
    begin: str = ""
    name: str = "model"
    is_sentence_piece: bool = False
    is_instruct: bool = False


_DEEPSEEK = ("<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜fim▁hole｜>", "<｜fim▁begin｜>", "<｜fim▁end｜>")
_PIPED = ("<|endoftext|>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|fim_pad|>")
_PLAIN = ("<|endoftext|>", "<fim_prefix>", "<fim_middle>", "<fim_suffix>", "<fim_pad>")
MINIATURES = {
    "deepseek-coder": Miniature("deepseek", "llama", "deepseek-coder", (*_DEEPSEEK, "<|EOT|>"), _DEEPSEEK[0]),
    "deepseek-coder-instruct": Miniature(
        "deepseek", "llama", "deepseek-coder", (*_DEEPSEEK, "<|EOT|>"), _DEEPSEEK[0], is_instruct=True
    ),
    "deepseek-coder-v2": Miniature("deepseek", "deepseek2", "deepseek-llm", _DEEPSEEK, _DEEPSEEK[0]),
    "qwen2.5-coder": Miniature("qwen", "qwen2", "qwen2", (*_PIPED, "<|repo_name|>", "<|file_sep|>", "<|im_end|>")),
    "qwen3-coder": Miniature(
        "qwen", "qwen3moe", "qwen2", (*_PIPED, "<|repo_name|>", "<|file_sep|>", "<|im_end|>"), is_instruct=True
    ),
    "starcoder2": Miniature("starcoder2", "starcoder2", "starcoder", (*_PLAIN, "<repo_name>", "<file_sep>")),
    "granite-code": Miniature("starcoder", "llama", "refact", (*_PLAIN, "<filename>", "<reponame>")),
    "mellum": Miniature("mellum", "llama", "mellum", (*_PLAIN, "<filename>", "<reponame>")),
    "mellum2": Miniature("mellum", "mellum", "mellum2", (*_PLAIN, "<filename>", "<reponame>")),
    "seed-coder": Miniature(
        "seed-coder",
        "llama",
        "seed-coder",
        ("<[begin▁of▁sentence]>", "<[end▁of▁sentence]>", "<[fim-prefix]>", "<[fim-suffix]>", "<[fim-middle]>"),
        "<[begin▁of▁sentence]>",
    ),
    "codegemma": Miniature(
        "codegemma",
        "gemma",
        "",
        ("<bos>", "<eos>", *_PIPED[1:4], "<|file_separator|>", "<end_of_turn>"),
        "<bos>",
        is_sentence_piece=True,
    ),
    "codestral": Miniature(
        "codestral",
        "llama",
        "",
        ("<s>", "</s>", "[PREFIX]", "[MIDDLE]", "[SUFFIX]"),
        "<s>",
        name="Codestral 22B v0.1",
        is_sentence_piece=True,
    ),
}


def write(path: Path, miniature: Miniature, random: np.random.Generator | None = None) -> Path:
    """Write a model to `path`, which is returned. Weights are random instead of zero if `random` is given."""
    writer = gguf.GGUFWriter(path, miniature.architecture)
    writer.add_name(miniature.name)
    writer.add_context_length(WINDOW)
    writer.add_block_count(LAYERS)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS if miniature.architecture == "deepseek2" else KEY_VALUE_HEADS)
    writer.add_layer_norm_eps(1e-5)
    writer.add_layer_norm_rms_eps(1e-6)
    if miniature.architecture == "mellum":
        writer.add_sliding_window(SLIDING_WINDOW)
    if miniature.architecture in MIXTURES:
        writer.add_expert_count(EXPERTS)
        writer.add_expert_used_count(2)
        writer.add_expert_feed_forward_length(FORWARD)
    if miniature.architecture == "deepseek2":
        writer.add_q_lora_rank(LORA)
        writer.add_kv_lora_rank(LORA)
        writer.add_key_length(LORA + ROPE)
        writer.add_value_length(LORA)
        writer.add_rope_dimension_count(ROPE)
        writer.add_leading_dense_block_count(1)
        writer.add_expert_shared_count(1)
    if miniature.is_instruct:
        writer.add_chat_template(CHAT_TEMPLATE)
    num_tokens = _add_vocabulary(writer, miniature)
    for name, *shape in _tensors(miniature.architecture, num_tokens):
        fill = np.ones if name.endswith("norm.weight") else np.zeros
        values = fill(shape, dtype=np.float32)
        if random and fill is np.zeros:
            values = random.normal(0, 0.2, shape).astype(np.float32)
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add_vocabulary(writer: gguf.GGUFWriter, miniature: Miniature) -> int:
    """One token a byte, and the control tokens; as many as there are is returned."""
    if miniature.is_sentence_piece:
        texts = ["!", "<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", *map(chr, range(97, 123)), "▁b"]
        kinds = [NORMAL, UNKNOWN, *[BYTE] * 256, *[NORMAL] * 28]
        writer.add_tokenizer_model("llama")
        writer.add_token_scores([0.0] * (len(texts) + len(miniature.specials)))
    else:
        texts = [*_byte_letters(), "Ġb"]
        kinds = [NORMAL] * len(texts)
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre(miniature.pre_tokeniser)
        writer.add_token_merges(["Ġ b"])
    first = len(texts)
    writer.add_token_list([*texts, *miniature.specials])
    writer.add_token_types([*kinds, *[CONTROL] * len(miniature.specials)])
    if miniature.begin:
        writer.add_bos_token_id(first + miniature.specials.index(miniature.begin))
    writer.add_add_bos_token(bool(miniature.begin))
    end = 1 if miniature.begin else 0
    writer.add_eos_token_id(
        first + (miniature.specials.index("<|EOT|>") if miniature.is_instruct and miniature.begin else end)
    )
    return first + len(miniature.specials)


def _byte_letters() -> list[str]:
    """The letter of each byte in byte-level BPE, `!` first: GPT-2's `bytes_to_unicode`."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return [*map(chr, printable), *(chr(256 + number) for number in range(len(others)))]


def _tensors(architecture: str, num_tokens: int) -> Iterator[tuple[str | int, ...]]:
    """Names and sizes of what llama.cpp wants of an architecture: `load_arch_tensors` of its src/models."""
    head = WIDTH // HEADS
    key_value = KEY_VALUE_HEADS * head
    yield "token_embd.weight", num_tokens, WIDTH
    yield from _norm("output_norm", architecture)
    if architecture == "mellum":
        yield "output.weight", num_tokens, WIDTH
    for layer in range(LAYERS):
        block = f"blk.{layer}"
        yield from _norm(f"{block}.attn_norm", architecture)
        yield from _norm(f"{block}.ffn_norm", architecture)
        if architecture == "deepseek2":
            yield from _latent_attention(block)
        else:
            for name, size in (("attn_q", WIDTH), ("attn_k", key_value), ("attn_v", key_value)):
                yield f"{block}.{name}.weight", size, WIDTH
                if architecture in ("qwen2", "starcoder2"):
                    yield f"{block}.{name}.bias", size
            yield f"{block}.attn_output.weight", WIDTH, WIDTH
        if architecture in ("qwen3moe", "mellum"):
            yield f"{block}.attn_q_norm.weight", head
            yield f"{block}.attn_k_norm.weight", head
        if architecture in MIXTURES and (architecture != "deepseek2" or layer):
            yield from _experts(block, shared=architecture == "deepseek2")
            continue
        yield f"{block}.ffn_up.weight", FORWARD, WIDTH
        yield f"{block}.ffn_down.weight", WIDTH, FORWARD
        if architecture == "starcoder2":
            yield f"{block}.attn_output.bias", WIDTH
            yield f"{block}.ffn_up.bias", FORWARD
            yield f"{block}.ffn_down.bias", WIDTH
        else:
            yield f"{block}.ffn_gate.weight", FORWARD, WIDTH


def _norm(name: str, architecture: str) -> Iterator[tuple[str | int, ...]]:
    yield f"{name}.weight", WIDTH
    if architecture == "starcoder2":
        yield f"{name}.bias", WIDTH


def _latent_attention(block: str) -> Iterator[tuple[str | int, ...]]:
    """DeepSeek-V2's, as files of the time have it."""
    yield f"{block}.attn_q_a.weight", LORA, WIDTH
    yield f"{block}.attn_q_a_norm.weight", LORA
    yield f"{block}.attn_q_b.weight", HEADS * (LORA + ROPE), LORA
    yield f"{block}.attn_kv_a_mqa.weight", LORA + ROPE, WIDTH
    yield f"{block}.attn_kv_a_norm.weight", LORA
    yield f"{block}.attn_kv_b.weight", HEADS * (LORA + LORA), LORA
    yield f"{block}.attn_output.weight", WIDTH, HEADS * LORA


def _experts(block: str, *, shared: bool) -> Iterator[tuple[str | int, ...]]:
    yield f"{block}.ffn_gate_inp.weight", EXPERTS, WIDTH
    for name, *size in (("gate", FORWARD, WIDTH), ("up", FORWARD, WIDTH), ("down", WIDTH, FORWARD)):
        yield f"{block}.ffn_{name}_exps.weight", EXPERTS, *size
        if shared:
            yield f"{block}.ffn_{name}_shexp.weight", *size

"""Write the trained model as a GGUF: `python models/embedded/recipe/export.py WORK OUT.gguf [--mean-with A.gguf …]`.

Where a model was trained on, the mean of its weights before and after writes better than either (Wortsman and others,
"Model soups", arXiv:2203.05482): `--mean-with` names what it was before. Quantised by llama.cpp itself, through
llama-cpp-python. Then llama.cpp's tokens of every held-out module are compared with ours: a file whose pre-tokeniser it
does not reproduce is of no use.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import tempfile
from pathlib import Path

import gguf
import llama_cpp
import torch
from corpus import held_out_modules, texts_of_module
from gguf_file import read_weights, tensor_name
from vocabulary import MARKERS, Vocabulary

TYPES = {"q8_0": llama_cpp.LLAMA_FTYPE_MOSTLY_Q8_0, "q6_k": llama_cpp.LLAMA_FTYPE_MOSTLY_Q6_K}
NORMAL, CONTROL = 1, 3  # enum llama_token_type


def main() -> None:
    """Export."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--type", choices=TYPES, default="q8_0")
    parser.add_argument("--name", default="tiny-fim")
    parser.add_argument("--mean-with", type=Path, nargs="+", default=[], help="earlier models of the same shape")
    parser.add_argument("--share", type=float, help="of each of them in the mean; default: as much as the new one's")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        full = Path(folder) / "full.gguf"
        write(arguments.work, full, arguments.name, arguments.mean_with, arguments.share)
        quantise(full, arguments.out, TYPES[arguments.type])
    print(f"{arguments.out}: {arguments.out.stat().st_size / 1e6:.1f} MB")
    texts = [text for name in sorted(held_out_modules()) for text in texts_of_module(name)]
    num_equal = count_equal(arguments.out, Vocabulary.load(arguments.work / "vocabulary.json"), texts)
    print(f"llama.cpp's tokens are ours in {num_equal} of {len(texts)} held-out files")
    if num_equal < len(texts):
        raise SystemExit("The pre-tokeniser of the GGUF and the vocabulary's splits disagree.")


def write(work: Path, out: Path, name: str, mean_with: list[Path], share: float | None) -> None:
    """The model, or its mean with others that have a share each, in 32-bit floats."""
    state = torch.load(work / "checkpoint.pt", map_location="cpu")
    models = [state["model"], *map(read_weights, mean_with)]
    each = 1 / len(models) if share is None else share
    shares = [1 - each * len(mean_with)] + [each] * len(mean_with)
    shape = state["shape"]
    writer = gguf.GGUFWriter(out, "llama")
    writer.add_name(name)
    writer.add_license("MIT")
    writer.add_context_length(shape["context"])
    writer.add_embedding_length(shape["width"])
    writer.add_block_count(shape["layers"])
    writer.add_feed_forward_length(shape["feed_forward"])
    writer.add_head_count(shape["heads"])
    writer.add_head_count_kv(shape["key_value_heads"])
    writer.add_rope_dimension_count(shape["width"] // shape["heads"])
    writer.add_rope_freq_base(shape["rope_base"])
    writer.add_layer_norm_rms_eps(shape["norm_epsilon"])
    writer.add_vocab_size(shape["vocabulary"])
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    add_vocabulary(writer, Vocabulary.load(work / "vocabulary.json"))
    for key in state["model"]:
        mean = sum(model[key].float() * part for model, part in zip(models, shares, strict=True))
        writer.add_tensor(tensor_name(key), mean.numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def add_vocabulary(writer: gguf.GGUFWriter, vocabulary: Vocabulary) -> None:
    """Tokens, merges and markers."""
    model = json.loads(vocabulary.tokenizer.to_str())["model"]
    tokens = [vocabulary.tokenizer.id_to_token(token) for token in range(vocabulary.size)]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("deepseek-coder")
    writer.add_token_list(tokens)
    writer.add_token_types([CONTROL if token in MARKERS else NORMAL for token in tokens])
    writer.add_token_merges([" ".join(merge) if isinstance(merge, list) else merge for merge in model["merges"]])
    writer.add_bos_token_id(vocabulary.begin)
    writer.add_eos_token_id(vocabulary.end)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)


def count_equal(path: Path, vocabulary: Vocabulary, texts: list[str]) -> int:
    """In how many texts llama.cpp finds the tokens that the model was trained on."""
    model = llama_cpp.Llama(str(path), vocab_only=True, verbose=False)
    return sum(model.tokenize(text.encode(), add_bos=False, special=False) == vocabulary.encode(text) for text in texts)


@llama_cpp.llama_log_callback
def silent(level: int, text: bytes, data: ctypes.c_void_p) -> None:
    """Print nothing."""


def quantise(source: Path, target: Path, file_type: int) -> None:
    """Let llama.cpp quantise a file, which it would tell of tensor by tensor."""
    llama_cpp.llama_log_set(silent, ctypes.c_void_p())
    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype = file_type
    if llama_cpp.llama_model_quantize(str(source).encode(), str(target).encode(), params) != 0:
        raise SystemExit(f"llama.cpp could not quantise {source}.")


if __name__ == "__main__":
    main()

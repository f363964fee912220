"""`infill chat "…"`: one question to an instruct model. The answer is streamed."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys

from lsp_server.base.errors import EngineError, InfillError
from lsp_server.commands.cli_settings import configure_chat, standard_input
from lsp_server.engine.client.supervisor import EngineSupervisor
from lsp_server.ipc.launch import EngineOptions
from lsp_server.ipc.requests import Chunk, Failed, Generate, Priority, Sampling
from lsp_server.prompt.chat import Message, prompt_for

_STANDARD_INPUT = "-"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options."""
    parser.add_argument("text", metavar="TEXT", help="the question; - reads it from standard input")
    parser.add_argument("--system", metavar="TEXT", help="the system message")
    parser.add_argument(
        "--model", metavar="MODEL", help="an instruct model by name or path, instead of chat.model in the settings"
    )
    parser.add_argument("--max-tokens", type=int, metavar="N", help="the most tokens to decode (chat.max_tokens: 512)")
    parser.add_argument(
        "--temperature", type=float, default=0.0, metavar="T", help="0, the default, takes the likeliest token"
    )
    parser.add_argument("--top-k", type=int, default=50, metavar="N", help="sample from the N likeliest (50)")
    parser.add_argument(
        "--top-p",
        type=float,
        default=0.95,
        metavar="P",
        help="sample from tokens of this total probability (0.95)",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the sampling (0)")


def run(arguments: argparse.Namespace) -> int:
    """Send the question, and print the answer as it is decoded."""
    if arguments.max_tokens is not None and arguments.max_tokens < 1:
        raise InfillError("--max-tokens must be at least 1.")
    text = standard_input() if arguments.text == _STANDARD_INPUT else arguments.text
    messages = [Message("system", arguments.system)] if arguments.system else []
    messages.append(Message("user", text))
    chosen, options, problems = configure_chat(arguments.model)
    for problem in problems:
        print(f"infill: {problem}", file=sys.stderr)
    sampling = Sampling(arguments.temperature, arguments.top_k, arguments.top_p, seed=arguments.seed)
    asyncio.run(_chat(options, messages, sampling, arguments.max_tokens or chosen.chat.max_tokens))
    return 0


async def _chat(options: EngineOptions, messages: list[Message], sampling: Sampling, max_tokens: int) -> None:
    engine = EngineSupervisor(options)
    engine.start()
    try:
        prompt = prompt_for(await engine.ready(), messages)
        request = Generate(prompt, max_tokens, sampling=sampling, kind="chat", priority=Priority.CHAT)
        async with contextlib.aclosing(engine.generate(request)) as events:
            async for event in events:
                match event:
                    case Chunk(text):
                        print(text, end="", flush=True)
                    case Failed(message):
                        raise EngineError(message)
        print()
    finally:
        await engine.stop()

"""Renders a model's chat template. `python -m lsp_server.prompt.chat_template` does it in a process with limits.

A template is a program out of a downloaded file. It may run for ever, take all memory, or lose what was asked. So it
never sees a message: placeholders stand for their texts, and each must come out once and in order.
"""

from __future__ import annotations

import datetime
import itertools
import json
import re
import sys
from functools import lru_cache
from typing import Any, NoReturn

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from lsp_server.base.errors import PromptError

# Stands for a message's text while the template is rendered. No template has these private-use characters.
_PLACEHOLDER = "\ue000{}\ue001"
_PLACEHOLDERS = re.compile("\ue000(\\d+)\ue001")
_ROLES = {"s": "system", "u": "user", "a": "assistant"}
_MAX_RENDERED = 1 << 20  # characters
_MAX_REASON = 200
_CPU_S, _MEMORY_BYTES = 5, 1 << 30


class _Generation(Extension):
    """The tag `generation`, which marks an assistant's turn for training. What it contains is written as it is."""

    tags = {"generation"}  # noqa: RUF012  (as its base has it)

    def parse(self, parser: Parser) -> nodes.Node | list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def render(template: str, roles: str, begin: str = "", end_text: str = "") -> tuple[str, ...]:
    """The control texts around the messages of a chat: one more than there are messages.

    `roles` has the first letter of each message's role. The environment is that of Hugging Face's
    `apply_chat_template`. Templates differ in what they take a message's content and missing tools for, so all ways are
    tried. Raises `PromptError` if the template cannot be used.
    """
    try:
        compiled = _compile(template)
    except Exception as error:  # noqa: BLE001  (Jinja's compiler meets whatever Python's can)
        raise cannot_render(str(error) or type(error).__name__) from None
    reasons = []
    for content_of, tools in itertools.product((_text, _typed), ({"tools": None}, {})):
        turns = [
            {"role": _ROLES[role], "content": content_of(_PLACEHOLDER.format(number))}
            for number, role in enumerate(roles)
        ]
        try:
            rendered = compiled.render(
                tools, messages=turns, add_generation_prompt=True, bos_token=begin, eos_token=end_text
            )
        except Exception as error:  # noqa: BLE001  (a program may raise anything)
            reasons.append(str(error) or type(error).__name__)
            continue
        pieces = _PLACEHOLDERS.split(rendered.removeprefix(begin))
        if len(rendered) > _MAX_RENDERED:
            reasons.append("it writes too much")
        elif pieces[1::2] != [str(number) for number in range(len(roles))]:
            reasons.append("it loses, repeats or reorders messages")
        else:
            return tuple(pieces[::2])
    raise cannot_render(reasons[0])


def cannot_render(reason: str) -> PromptError:
    """The error for a template that cannot be used, in a sentence."""
    reason = " ".join(reason.split())[:_MAX_REASON].rstrip(".")
    return PromptError(
        f"The model's chat template cannot be rendered: {reason}. Use another GGUF of the model, or another model."
    )


def _text(text: str) -> Any:
    return text


def _typed(text: str) -> Any:
    """The content of a message as some templates want it: a list of parts."""
    return [{"type": "text", "text": text}]


@lru_cache(1)  # one template is rendered for several chats
def _compile(template: str) -> jinja2.Template:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols", _Generation]
    )
    environment.filters["tojson"] = _to_json
    environment.globals |= {"raise_exception": _refuse, "strftime_now": _strftime_now}
    return environment.from_string(template)


def _to_json(value: Any, ensure_ascii: bool = False, **options: Any) -> str:
    # Jinja's own filter escapes characters for HTML.
    return json.dumps(value, ensure_ascii=ensure_ascii, **options)


def _strftime_now(layout: str) -> str:
    return datetime.datetime.now().astimezone().strftime(layout)


def _refuse(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)


def _limit_process() -> None:
    """Limit time and memory of this process, where the system can."""
    if sys.platform == "win32":
        return
    import resource

    limits = {resource.RLIMIT_CPU: _CPU_S, resource.RLIMIT_AS: _MEMORY_BYTES, resource.RLIMIT_CORE: 0}
    for limit, most in limits.items():
        try:
            resource.setrlimit(limit, (most, most))
        except (ValueError, OSError):  # macOS cannot limit the address space
            continue


def main() -> None:
    """Render the chats that standard input names. Each answer is the control texts, or why there are none."""
    _limit_process()
    job = json.load(sys.stdin)
    answers: list[tuple[str, ...] | str] = []
    for roles in job["chats"]:
        try:
            answers.append(render(job["template"], roles, job["begin"], job["end_text"]))
        except PromptError as error:
            answers.append(str(error))
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()

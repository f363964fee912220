"""Chat prompts: the texts of messages between the control texts of the model's own template.

The engine renders the template when it loads the model (`engine/compat/chat_forms.py`). So nothing here runs it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from lsp_server.base.errors import ModelError, PromptError
from lsp_server.ipc.model_info import ModelInfo
from lsp_server.ipc.requests import Control, Marker, PromptPart, Text


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a chat."""

    role: Literal["system", "user", "assistant"]
    text: str


def roles_of(messages: Sequence[Message]) -> str:
    """The roles of a chat, a letter each. Its form depends on nothing else."""
    return "".join(message.role[0] for message in messages)


def prompt_for(model: ModelInfo, messages: Sequence[Message]) -> tuple[PromptPart, ...]:
    """The prompt for a model's next turn.

    Raises `ModelError` for a model without a template, `PromptError` if its template cannot be used for this chat.
    """
    if not model.chat_template:
        raise ModelError(
            f"{model.name} was not made for chat: it has no chat template. Use an instruct model, such as "
            "deepseek-coder-1.3b-instruct: set chat.model, or name it with --model."
        )
    form = model.chat_forms.get(roles_of(messages), "The engine has not rendered the model's chat template.")
    if isinstance(form, str):
        raise PromptError(form)
    return _between(form, messages, model.markers)


def chat_prompt(
    template: str, messages: Sequence[Message], markers: Mapping[str, str], end_text: str = ""
) -> tuple[PromptPart, ...]:
    """The prompt for the assistant's next turn, by a template that is trusted: it is rendered in this process.

    The text of a message never becomes control tokens, whatever it spells. Raises `PromptError` if the template cannot
    be used.
    """
    from lsp_server.prompt.chat_template import render  # importing Jinja takes time

    return _between(render(template, roles_of(messages), markers.get("begin", ""), end_text), messages, markers)


def _between(form: Sequence[str], messages: Sequence[Message], markers: Mapping[str, str]) -> tuple[PromptPart, ...]:
    parts: list[PromptPart] = [Marker("begin")] if markers.get("begin") else []
    for control, message in zip(form, messages, strict=False):
        parts += [Control(control), Text(message.text)]
    parts.append(Control(form[-1]))
    return tuple(part for part in parts if part != Control(""))

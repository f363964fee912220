"""Chat prompts: a model's own template, rendered by Jinja. The text of messages is kept apart from it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NoReturn

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from lsp_server.base.errors import ModelError, PromptError
from lsp_server.ipc.model_info import ModelInfo
from lsp_server.ipc.requests import Control, Marker, PromptPart, Text

# Stands for a message's text while the template is rendered. No template has these private-use characters.
_PLACEHOLDER = "\ue000{}\ue001"
_PLACEHOLDERS = re.compile("\ue000(\\d+)\ue001")


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a chat."""

    role: Literal["system", "user", "assistant"]
    text: str


def prompt_for(model: ModelInfo, messages: Sequence[Message]) -> tuple[PromptPart, ...]:
    """The prompt for a model's next turn.

    Raises `ModelError` for a model without a template, `PromptError` for a template that cannot be rendered.
    """
    if not model.chat_template:
        raise ModelError(
            f"{model.name} was not made for chat: it has no chat template. Use an instruct model, such as "
            "deepseek-coder-1.3b-instruct: set chat.model, or name it with --model."
        )
    return chat_prompt(model.chat_template, messages, model.markers, model.end_text)


def chat_prompt(
    template: str, messages: Sequence[Message], markers: Mapping[str, str], end_text: str = ""
) -> tuple[PromptPart, ...]:
    """The prompt for the assistant's next turn. Raises `PromptError` if the template cannot be rendered.

    Templates are written for the environment of Hugging Face's `apply_chat_template`. The text of a message never
    becomes control tokens, whatever it spells.
    """
    begin = markers.get("begin", "")
    turns = [{"role": message.role, "content": _PLACEHOLDER.format(index)} for index, message in enumerate(messages)]
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.globals["raise_exception"] = _refuse
    try:
        rendered = environment.from_string(template).render(
            messages=turns, add_generation_prompt=True, bos_token=begin, eos_token=end_text
        )
    except jinja2.TemplateError as error:
        raise PromptError(
            f"The model's chat template cannot be rendered: {error}. Use another GGUF of the model, or another model."
        ) from None
    parts: list[PromptPart] = [Marker("begin")] if begin else []
    # Odd pieces are the numbers of messages.
    for index, piece in enumerate(_PLACEHOLDERS.split(rendered.removeprefix(begin))):
        if index % 2:
            parts.append(Text(messages[int(piece)].text))
        elif piece:
            parts.append(Control(piece))
    return tuple(parts)


def _refuse(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)

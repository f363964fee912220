"""Renders chat templates in a process with limits, and keeps the results."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from functools import lru_cache

import msgspec
from msgspec.structs import replace

from lsp_server.ipc.model_info import ChatForm, ModelInfo
from lsp_server.ipc.requests import PromptPart
from lsp_server.prompt.chat import Message, prompt_for, roles_of

# The chats that are rendered when a model is loaded: one question or a second one, with and without a system message.
COMMON_CHATS = ("u", "su", "uau", "suau")
# The process limits its processor time itself. This ends one that waits, or that starts on a busy machine.
_TIMEOUT_S = 30.0
_MAX_CACHED_FORMS = 64


def with_chat_forms(model: ModelInfo) -> ModelInfo:
    """The model with the forms of common chats. If its template cannot be used, its notes say why."""
    if not model.chat_template:
        return model
    forms = dict(zip(COMMON_CHATS, _render(model.chat_template, *_ends(model), COMMON_CHATS), strict=True))
    problem = (forms["u"],) if isinstance(forms["u"], str) else ()
    return replace(model, chat_forms=forms, notes=(*model.notes, *problem))


def chat_prompt_for(model: ModelInfo, messages: Sequence[Message]) -> tuple[PromptPart, ...]:
    """As `prompt_for`, for any chat: a form that is not known yet is rendered, which takes a while."""
    roles = roles_of(messages)
    if roles not in model.chat_forms and model.chat_template:
        [form] = _render(model.chat_template, *_ends(model), (roles,))
        model = replace(model, chat_forms={roles: form})
    return prompt_for(model, messages)


def _ends(model: ModelInfo) -> tuple[str, str]:
    return model.markers.get("begin", ""), model.end_text


@lru_cache(_MAX_CACHED_FORMS)
def _render(template: str, begin: str, end_text: str, chats: tuple[str, ...]) -> tuple[ChatForm, ...]:
    """The form of each chat, or a sentence that says why there is none."""
    job = {"template": template, "begin": begin, "end_text": end_text, "chats": chats}
    command = [sys.executable, "-X", "utf8", "-m", "lsp_server.prompt.chat_template"]
    try:
        done = subprocess.run(
            command, input=json.dumps(job).encode(), capture_output=True, timeout=_TIMEOUT_S, check=True
        )
        return msgspec.json.decode(done.stdout, type=tuple[ChatForm, ...])
    except (OSError, subprocess.SubprocessError, msgspec.MsgspecError):
        failure = (
            "The model's chat template cannot be rendered: it takes too much time or memory. "
            "Use another GGUF of the model, or another model."
        )
        return (failure,) * len(chats)

"""Models that infill knows by name: `models/catalog.toml`, data only."""

from __future__ import annotations

import difflib
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from typing import Literal

import msgspec

from lsp_server.base.errors import InfillError, ModelCannotInfillError, ModelNotFoundError
from lsp_server.catalog.data import data_file

# The file of a model where no quantisation is named: the first of these that the model has.
QUANTISATIONS = ("Q4_K_M", "Q6_K", "Q8_0")


class HubFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file on the hub. `gigabytes` (10^9 bytes) is the size on its page; 0 if nobody has looked it up."""

    repo: str
    file: str
    gigabytes: float = 0.0

    def __str__(self) -> str:
        return f"{self.repo}:{self.file}"


class Licence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A licence. `summary` says in sentences what it restricts."""

    name: str
    summary: str
    forbids_commercial_use: bool = False


class _Family(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: str
    format: str
    licence: str
    context_tokens: int
    stops: tuple[str, ...] = ()
    chat_template: str = ""
    unverified: tuple[str, ...] = ()


class _Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    family: str
    parameters: float
    role: Literal["base", "instruct"] = "base"
    licence: str = ""
    context_tokens: int = 0
    kv_bytes_per_token: int = 0
    active_parameters: float = 0.0  # 0: all of them
    refused: str = ""
    unverified: tuple[str, ...] = ()
    files: dict[str, HubFile] = {}


class _Catalog(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    licences: dict[str, Licence]
    families: dict[str, _Family]
    models: dict[str, _Model]


@dataclass(frozen=True, slots=True)
class CatalogModel:
    """A model of the catalogue, with what the catalogue says of its family.

    `num_active_parameters` are those that each token is multiplied with. `fim_format` is the name of its FIM family.
    `kv_bytes_per_token` is that of a cache in f16, and known of every model that fills holes. `stops` end its text
    besides the FIM markers. `chat_template` is for files that have none. `refused` says why it cannot fill holes.
    `unverified` names the fields that nobody has checked.
    """

    name: str
    family: str
    role: Literal["base", "instruct"]
    num_parameters: float
    num_active_parameters: float
    fim_format: str
    licence: Licence
    context_tokens: int
    kv_bytes_per_token: int
    stops: tuple[str, ...]
    chat_template: str
    refused: str
    unverified: tuple[str, ...]
    files: dict[str, HubFile]

    @property
    def can_only_chat(self) -> bool:
        """Whether it answers questions, and cannot fill holes."""
        return bool(self.refused) and self.role == "instruct" and bool(self.files)

    def file(self, quantisation: str = "") -> tuple[str, HubFile]:
        """The name of a quantisation and its file; by default those of the usual quantisation.

        Raises `ModelNotFoundError`, or `ModelCannotInfillError` for a model that can neither fill holes nor chat.
        """
        if self.refused and not self.can_only_chat:
            raise ModelCannotInfillError(f"{self.name} cannot be used. {self.refused}")
        for name in (quantisation.upper(),) if quantisation else QUANTISATIONS:
            if name in self.files:
                return name, self.files[name]
        raise ModelNotFoundError(
            f"infill knows no {quantisation} of {self.name}, only: {', '.join(self.files)}. "
            "Another file on the hub can be named as OWNER/REPOSITORY:FILE."
        )


@cache
def catalog() -> dict[str, CatalogModel]:
    """Every model by name, in the order of the file. Raises `InfillError` if it is damaged."""
    path = data_file("models/catalog.toml")
    try:
        raw = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _Catalog)
        return {name: _model(raw, name, model) for name, model in raw.models.items()}
    except (OSError, ValueError, KeyError) as error:
        raise InfillError(f"{path} is damaged ({error}). Reinstall infill.") from None


def find_model(name: str) -> CatalogModel:
    """The model of that name, in any case. Raises `ModelNotFoundError`, which names models that are spelt alike."""
    models = catalog()
    if found := models.get(name.lower()):
        return found
    alike = difflib.get_close_matches(name.lower(), models, n=3)
    hint = f" Did you mean {' or '.join(alike)}?" if alike else ""
    raise ModelNotFoundError(f"infill knows no model {name!r}.{hint} `infill models list` shows those it knows.")


def refuse_known(file_name: str) -> None:
    """Raise `ModelCannotInfillError` for a file whose name is that of a model that was not trained to fill holes.

    Names of files have the same words, in another order or with other signs between them.
    """
    words = _words(file_name)
    for model in catalog().values():
        if model.refused and _words(model.name) <= words:
            chat = " It can answer questions: set chat.model to it." if model.can_only_chat else ""
            raise ModelCannotInfillError(f"{file_name} cannot complete code. {model.refused}{chat}")


def _words(name: str) -> set[str]:
    return set(re.split(r"[\W_]+", name.lower()))


def in_catalog(file: HubFile) -> CatalogModel | None:
    """The model that a file belongs to, if it is in the catalogue."""
    return next((model for model in catalog().values() if file in model.files.values()), None)


def _model(raw: _Catalog, name: str, model: _Model) -> CatalogModel:
    family = raw.families[model.family]
    return CatalogModel(
        name,
        family.title,
        model.role,
        model.parameters,
        model.active_parameters or model.parameters,
        family.format,
        raw.licences[model.licence or family.licence],
        model.context_tokens or family.context_tokens,
        model.kv_bytes_per_token,
        family.stops,
        family.chat_template if model.role == "instruct" else "",
        model.refused,
        (*family.unverified, *model.unverified),
        model.files,
    )

"""Every error that infill raises on purpose, as a tree.

InfillError              one or two sentences for the user: the fault, and the remedy
├── SettingsError        a settings file that cannot be read at all
├── SourceError          a source file or a position in it that cannot be used
├── ModelError           a model that cannot serve; nothing can be completed with it
│   ├── ModelNotFoundError    the file is missing, or no model has that name
│   │   └── ModelNotPulledError   the model is known, and not yet downloaded
│   ├── ModelFileError        the file is no GGUF, is truncated, or is refused by llama.cpp
│   ├── ModelTooLargeError     the memory does not suffice, however the model is run
│   └── ModelCannotInfillError  a good model without fill-in-the-middle
├── HubError             a file could not be downloaded from the hub
├── PromptError          a prompt that does not fit the model's context length
├── ActionError          a code action without a result
├── EngineError          the engine did not start, died, or broke its protocol
└── EditorError          an editor cannot be set up or reached, or breaks the protocol

The message is complete: callers print `str(error)` and nothing else.
"""


class InfillError(Exception):
    """An error that infill reports to the user. `str(error)` is the whole report."""


class SettingsError(InfillError):
    """A settings file cannot be read at all. Single wrong values become problems, not errors."""


class SourceError(InfillError):
    """A source file, or a position in it, cannot be used."""


class ModelError(InfillError):
    """A model cannot serve."""


class ModelNotFoundError(ModelError):
    """The model's file does not exist, or no model has the name."""


class ModelNotPulledError(ModelNotFoundError):
    """The model's name is known, but its file is not on this machine yet."""


class ModelFileError(ModelError):
    """The model's file is not a GGUF, is truncated, or is refused by llama.cpp."""


class ModelTooLargeError(ModelError):
    """The memory does not suffice for the model, however it is run."""


class ModelCannotInfillError(ModelError):
    """The model works, but its vocabulary or training lacks fill-in-the-middle."""


class HubError(InfillError):
    """A file could not be downloaded from the hub."""


class PromptError(InfillError):
    """A prompt does not fit the model's context length, or names a marker that the model lacks."""


class ActionError(InfillError):
    """A code action has no result, or its code has changed since it was offered."""


class EngineError(InfillError):
    """The engine did not start, died, or broke its protocol."""


class EditorError(InfillError):
    """An editor cannot be set up or reached, or breaks the protocol."""

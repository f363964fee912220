"""Every error infill raises on purpose, drawn as a tree.

InfillError              one or two sentences for the user: what is wrong, and what to do
├── SettingsError        a settings file that cannot be read at all
├── SourceError          a source file or a position in it that cannot be used
├── ModelError           a model that cannot serve; nothing can be completed with it
│   ├── ModelNotFoundError    the file is not there, or nothing has that name
│   │   └── ModelNotPulledError   it is known where to get it
│   ├── ModelFileError        the file is no GGUF, is cut short, or llama.cpp cannot load it
│   ├── ModelTooLargeError     there is not enough memory for it, however it is run
│   └── ModelCannotInfillError  a good model that was not made for filling holes
├── HubError             a file could not be had from the hub
├── PromptError          a prompt that cannot be fitted into the model's window
├── ActionError          a code action that came to nothing
├── EngineError          the engine could not be started, died, or answered nonsense
└── EditorError          an editor cannot be set up or reached, or does not keep to the protocol

The message is complete as it stands: callers print `str(error)` and nothing else.
"""


class InfillError(Exception):
    """Anything that infill reports to a person; `str(error)` is the whole report."""


class SettingsError(InfillError):
    """A settings file that cannot be read at all (single wrong values become problems, not errors)."""


class SourceError(InfillError):
    """A source file, or a position in it, that cannot be used."""


class ModelError(InfillError):
    """A model that cannot serve."""


class ModelNotFoundError(ModelError):
    """The model's file does not exist, or its name is none."""


class ModelNotPulledError(ModelNotFoundError):
    """The model's name is known, and its file not on this machine yet."""


class ModelFileError(ModelError):
    """The model's file is not a GGUF, is cut short, or is refused by llama.cpp."""


class ModelTooLargeError(ModelError):
    """There is not enough memory for the model, however it is run."""


class ModelCannotInfillError(ModelError):
    """A good model whose vocabulary or training lacks fill-in-the-middle."""


class HubError(InfillError):
    """A file could not be had from the hub."""


class PromptError(InfillError):
    """A prompt that does not fit the model's window, or names a marker the model lacks."""


class ActionError(InfillError):
    """A code action came to nothing, or what it was offered for has changed."""


class EngineError(InfillError):
    """The engine could not be started, died, or answered something that is not its protocol."""


class EditorError(InfillError):
    """An editor cannot be set up or reached, or does not keep to the protocol."""

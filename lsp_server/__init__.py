"""infill: code completion in any editor, by a fill-in-the-middle model on the user's own machine."""

__version__ = "0.1.0"

"""The client as the server sees it: capabilities, messages, progress, and the conversion of LSP types."""

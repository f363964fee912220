"""The process of `infill engine serve`: a fixed port and key in front of an engine, for other programs."""

"""What infill knows of programming languages: one record a language. Pure.

Runs in the language server, the index worker and the engine.
"""

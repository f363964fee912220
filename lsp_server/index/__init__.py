"""The index of a workspace folder: readable files, definitions, similar code.

A process of its own writes the index. The language server reads it.
"""

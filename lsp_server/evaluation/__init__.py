"""`infill eval`: how good a model's completions are, at places it was never trained on.

Nothing here is imported by the language server.
"""

"""What `infill bench` and `infill eval` measure, on a model of the user's own.

`bench typing` asks what a keystroke costs: `typing_trace`, `typing_cost` and `typing_burst` on a `stage`.
`eval typing` asks what is shown while somebody types: `segments`, `typing_quality` and `caching_engine`.
Both write their results with `result_file` and describe samples with `stats`.
"""

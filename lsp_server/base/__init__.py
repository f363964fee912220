"""Small helpers without knowledge of infill's parts: errors, traces, text and process utilities. For every process."""

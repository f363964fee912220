"""What every package may import: errors, traces, FIM families, text and process utilities."""

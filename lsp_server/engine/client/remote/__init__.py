"""The client of a remote engine: llama-server, vLLM and other servers."""

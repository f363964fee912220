"""HTTP APIs for other programs: llama-server's and OpenAI's. README.md describes them."""

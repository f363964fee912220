"""What other programs ask an engine for, in llama-server's and OpenAI's words: `lsp_server/WIRE.md`."""

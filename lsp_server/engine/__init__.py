"""The engine: a child process that owns the model, and the client that speaks to it over loopback HTTP.

Server side: `messages`, `client`, `http_client`, `process`. Child side: `service` (HTTP), `worker` (thread),
`scheduler`, `slots`, and a `backend`: `llama_backend` for real, `fake_backend` for scheduling and failure cases.
"""

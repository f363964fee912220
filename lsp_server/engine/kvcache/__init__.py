"""The KV cache as slots: matching by common prefix, fork, eviction, offload to host memory."""

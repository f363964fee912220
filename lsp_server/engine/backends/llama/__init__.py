"""llama.cpp through llama_cpp's low-level API: loading, context, vocabulary, sampling."""

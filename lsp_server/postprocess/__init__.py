"""From what the model writes to what is shown: rules that stop the stream, filters that clean the text. Pure."""

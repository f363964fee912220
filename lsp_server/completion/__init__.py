"""From a snapshot to the text that is shown: planning, generating and remembering."""

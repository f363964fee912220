"""HTTP helpers of the engine and the gateway: authentication, responses, the paths for other programs."""

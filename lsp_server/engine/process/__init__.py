"""The engine process: HTTP service, bridge to the worker thread, watchdog, client leases."""

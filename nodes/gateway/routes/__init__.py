"""The routes of the REST API, one module per subject. Each router is served under /v1."""

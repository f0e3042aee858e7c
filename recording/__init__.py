"""Recordings on disk: write, seal, query, check, export. Knows neither the bus nor sockets nor the plant."""

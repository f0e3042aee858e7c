"""The recorder: durable history of everything that the plant publishes."""

"""Who may talk to the plant: hosts and pages, tokens and roles, keys of the bus, limits."""

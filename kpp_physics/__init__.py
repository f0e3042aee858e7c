"""The plant: parameters, physics and control of a Kinetic Power Plant. Pure: no sockets, clocks, logs or files."""

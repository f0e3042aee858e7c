"""The processes of the plant: each a pure core and a thin shell that owns sockets, deadlines and files."""

"""A plant module: the fold of the plant over the tick stream."""

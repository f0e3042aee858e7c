"""The command `kpp`: the only place that knows plant, processes and recordings together."""

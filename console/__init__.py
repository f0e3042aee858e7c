"""What `kpp` does with recordings: the only place that knows plant, processes and recordings together."""

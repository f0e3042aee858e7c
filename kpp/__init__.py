"""The console command `kpp`: stands above every package and hands each command to the one that has it."""

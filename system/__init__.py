"""What the operating system gives: environment variables, locked folders, files that are whole, addresses, open files.

Helpers that know neither messages nor plant live here, below everything else. Nothing here imports another package.
"""

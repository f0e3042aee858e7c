"""The pages of the project, and the programs that generate what is generated of them."""

"""The command behind `make cost`: what a stack costs in a month, from its settings alone."""

"""Mutation tests: changes the program in small ways, and reports the changes that no test notices.

- project: which modules are mutated, by which tests, and the goals
- operators, replacement_operators, replacement: mutation operators, those of cosmic-ray and those that it lacks
- exclusions: what is not mutated (docstrings, annotations, texts for people)
- mutants: the mutants of a module, and a sample of them
- import_hook: loads a mutant in place of its module; nothing is written into the tree
- pytest_process, processes: run pytest in processes that are forked from a warm one
- process_clock: the time of a process, for the time limits
- baseline: which test file executes which lines, measured without a mutant
- accepted: survivors that are accepted, with reasons
- run, report: one run, its figures and its output
"""

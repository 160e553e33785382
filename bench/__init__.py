"""The bench: what the backbone costs, measured beside its alternatives in one run.

`python -m bench` writes `docs/benchmarks.md`, `.json` and `.svg`; `--quick` tries every piece.
"""

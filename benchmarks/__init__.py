"""What is measured and how; `python -m benchmarks` writes results.json and the table in README.md."""

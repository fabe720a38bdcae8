"""Data sets drawn by a procedure, a folder each, and what they share: dataset, canvas, scenery, grammar."""

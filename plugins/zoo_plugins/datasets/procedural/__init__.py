"""Procedural data sets, a folder each, and what they share: dataset, canvas, scenery, grammar."""

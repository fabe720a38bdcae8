"""Readers of stored data sets, one per layout."""

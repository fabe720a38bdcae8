"""Data: from `NAME:ARGUMENT` to checked records, a cache of decoded images, and batches."""

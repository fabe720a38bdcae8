"""Parts of this kind, one a file."""

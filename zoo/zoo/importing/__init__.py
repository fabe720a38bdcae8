"""Old checkpoints in the zoo's terms. The tables of names are parts of kind `importer`; this applies them."""

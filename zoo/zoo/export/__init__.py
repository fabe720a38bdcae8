"""Models for programs without torch. Importing this imports no torch."""

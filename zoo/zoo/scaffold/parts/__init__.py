"""The parts that `zoo new-plugin` writes, one a kind: examples whose files are copied, not imported."""

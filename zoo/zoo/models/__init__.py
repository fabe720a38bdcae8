"""A model: what its folder holds, where models are, the Hub, the card."""

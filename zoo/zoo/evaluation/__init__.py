"""Measuring pipelines: protocols, generated images, features, results."""

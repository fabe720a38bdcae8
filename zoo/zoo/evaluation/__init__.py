"""Measuring pipelines: protocols, generated images, features, the judge, results."""

"""Measuring pipelines: protocols, drawings, features, the judge, results."""

"""Scoring as functions of arrays: no framework, no input or output, no clock, no global randomness."""

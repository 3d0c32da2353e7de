"""Tests of the example region: its data, its record systems and its certificates."""

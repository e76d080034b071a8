"""Recurrent networks over readings."""

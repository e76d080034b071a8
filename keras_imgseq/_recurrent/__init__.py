"""The recurrent cells, and the loops that run them fastest."""

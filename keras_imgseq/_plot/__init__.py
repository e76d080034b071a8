"""Pictures of readings, of beliefs and of lines. They need matplotlib."""

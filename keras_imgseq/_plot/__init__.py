"""Pictures of readings, of beliefs and of lines; they need matplotlib."""

"""Text lines: from images of any width to text."""

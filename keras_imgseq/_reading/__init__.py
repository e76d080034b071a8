"""What one step sees, and in which order, on the arrays of any library."""

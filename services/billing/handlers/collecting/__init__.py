"""What is asked of patients, step by step, and what stops it."""

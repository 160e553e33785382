"""What the front desk waits for: plans, bookings, and the day's list."""

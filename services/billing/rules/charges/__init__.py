"""What a service costs, what stands before its charge, and how the charge stands."""

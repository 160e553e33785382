"""What people see of the outside world: plain HTML, no script, nothing fetched from elsewhere."""

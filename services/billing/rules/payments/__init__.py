"""By which tender money may come and go back."""

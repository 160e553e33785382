"""Who may be given an infusion."""

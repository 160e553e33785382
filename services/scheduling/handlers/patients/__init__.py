"""Patients: taken in, screened, consenting, and told of to the house's other services."""

"""What leaves billing in a form of others: printed pages, and FHIR."""

"""What FHIR searches ask for."""

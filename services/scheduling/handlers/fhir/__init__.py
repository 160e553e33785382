"""The clinic's calendar as FHIR clients read it."""

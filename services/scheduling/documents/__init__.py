"""What leaves scheduling as a document: pages, pictures, calendar files, FHIR resources."""

"""A superbill as FHIR R4 (4.0.1): the claim, the invoice, and whom they are about."""

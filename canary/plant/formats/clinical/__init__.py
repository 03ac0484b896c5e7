"""What FHIR and HL7 files have in common: records of women that are copied, altered and spliced in between."""

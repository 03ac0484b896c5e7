"""The parts of a spreadsheet package, edited as bytes so that all we do not touch stays as it was."""

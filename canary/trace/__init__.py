"""From outcomes to verdicts: pure arithmetic over plain values, no database, no clock."""

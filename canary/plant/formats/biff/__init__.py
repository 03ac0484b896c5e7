"""Legacy .xls workbooks (BIFF8): what a rewritten one keeps, and what it would lose."""

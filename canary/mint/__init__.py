"""Who a persona is: pure functions from a host table and a random generator to believable people."""

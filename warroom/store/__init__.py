"""Event stores behind one port: append-only logs, one per incident, durable before anyone hears of them."""

"""How the desk looks: one stylesheet, a handful of parts, and the formats of money and days."""

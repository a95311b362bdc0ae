"""The policy kernel: one Markdown file in, decisions with their reasons out.

Nothing in here touches a database, a network, a clock or a framework.
"""

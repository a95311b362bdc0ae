"""The money core under a dice: the rooms, the client and the sandbox as they are, on a real PostgreSQL.

Time stands still between steps, the network is a function, and every choice comes from one seed.
"""

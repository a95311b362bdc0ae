"""The desk: requests come in, are decided by the policy, the money goes back, everybody is told."""

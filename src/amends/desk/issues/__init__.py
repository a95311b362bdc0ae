"""Technical faults: reported, proved, handed to the developers, fixed; with the clock of the policy."""

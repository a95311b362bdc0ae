"""How letters come in: from a mail server over SMTP or LMTP, or from a mail provider over HTTP."""

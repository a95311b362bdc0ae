"""A believable product for a trial: Fluxpaint sells image generation by subscription and by credits."""

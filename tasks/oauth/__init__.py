"""Sign-in by OAuth: an application's token (client credentials), fetched once for all workers."""

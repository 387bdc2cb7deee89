"""One run in several processes: shards of a batch, a crew that exchanges what they find, and who leads it."""

"""Programs a newcomer runs; everything here is invented, nothing here is needed by a node."""

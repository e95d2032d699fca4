"""What captures get wrong, found and mended before a track is solved."""

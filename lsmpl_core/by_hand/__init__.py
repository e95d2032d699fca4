"""What an animator poses, drags and places."""

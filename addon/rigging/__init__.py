"""Control bones beside a character's deform bones: a root, and IK for arms and legs."""

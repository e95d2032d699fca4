"""How far each frame is to be trusted, along the time: a strip in timelines and dope sheets."""

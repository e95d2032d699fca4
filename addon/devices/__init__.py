"""What computes: devices, and PyTorch from a folder."""

"""Learnable SMPLify's network as published."""

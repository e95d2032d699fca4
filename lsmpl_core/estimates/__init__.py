"""Motions of others: what pose estimators and data sets write."""

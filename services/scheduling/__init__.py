"""Patients, clearance, chairs, series, visits, rides."""

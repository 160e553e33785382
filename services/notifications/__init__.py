"""Notifications: who is told what, when, by text or by mail, and never twice."""

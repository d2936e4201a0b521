"""Kept conversations: sessions, history files, one turn."""

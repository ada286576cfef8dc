"""Diagnoses of stages and services, and their publisher: StageHealth, ServiceHealth, HistoryHealth, Diagnostics."""

"""Diagnoses of stages and services: ``StageHealth``, ``ServiceHealth``, ``HistoryHealth``, and ``Diagnostics``."""

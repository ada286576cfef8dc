"""Diagnoses of stages and services: ``StageHealth``, ``ServiceHealth``, ``HistoryHealth``, published by ``Diagnostics``."""

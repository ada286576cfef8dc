"""Diagnoses of stages and services: ``StageHealth``, ``ServiceHealth``, ``HistoryHealth``; ``Diagnostics`` publishes."""

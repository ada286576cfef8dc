"""Requests to the robots of a mesh and their answers: ``FleetRequest``, ``FleetReceipt``."""

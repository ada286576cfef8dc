"""Requests to all robots: ``FleetRequestSender`` asks, ``FleetRequestServer`` answers, ``FleetTrust`` says who may."""

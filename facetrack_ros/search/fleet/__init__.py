"""Answers of all robots to a request: ``ReceiptCollector`` gathers them, ``FleetAnswer`` has a line for each robot."""

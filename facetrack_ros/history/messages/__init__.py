"""Stored ROS messages as CDR bytes, without ROS: Channel, their definitions (schemas), and one module a message."""

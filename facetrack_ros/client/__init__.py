"""rclpy clients of the command line, no nodes of a robot: ``FleetClient``, ``FleetRequester``, ``PeopleClient``,
``LiveEvents``, ``remote_frames``."""

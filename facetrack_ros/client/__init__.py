"""rclpy clients of the command line, no nodes of a robot: ``FleetClient``, ``PeopleClient``, ``remote_frames``."""

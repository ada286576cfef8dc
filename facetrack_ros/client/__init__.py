"""rclpy clients of the command line, which are no nodes of a robot: FleetClient, PeopleClient, remote_frames."""

"""rclpy clients of the command line; they are no nodes of a robot."""

"""One rclpy node a file: parameters, QoS and conversion between messages and values, nothing else."""

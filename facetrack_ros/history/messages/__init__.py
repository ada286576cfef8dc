"""ROS messages as bytes (CDR), without ROS."""

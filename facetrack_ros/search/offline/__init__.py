"""Search, persons and status over stored histories, without ROS."""
